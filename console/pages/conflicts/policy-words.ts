import type { PolicyName, Rehearsal } from '#console/pages/conflicts/conflicts.queries.ts'

/** Who wins when both sides changed a field. */
const named: Readonly<Record<PolicyName, string>> = {
  prefer_hub: 'The hub wins',
  prefer_crm: 'The CRM wins',
  prefer_crm_unless_blank: 'The CRM wins unless it is blank',
  latest: 'The latest change wins',
  ask: 'A person decides',
  off: 'Not synced',
}

/** By the name that a history has; one of an older release is no key. */
export const policies: Readonly<Record<string, string>> = named

export const policyOptions = Object.entries(named).map(([value, label]) => ({
  value: value as PolicyName,
  label,
}))

export const outcomeWords: Readonly<Record<Rehearsal['moved'][number]['from'], string>> = {
  hub: 'the hub’s value',
  crm: 'the CRM’s value',
  ask: 'a question to a person',
  unsynced: 'nothing',
}
