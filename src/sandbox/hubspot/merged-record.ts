import { versionsOf } from './records.ts'
import type { CrmRecord, Source, Values } from './records.ts'

/**
 * The survivor of a merge. The primary's values win, the other's fill the gaps, and the other's
 * e-mails become additional ones. HubSpot docs: merge records in HubSpot.
 */
export function mergedRecord(
  id: number,
  primary: CrmRecord,
  other: CrmRecord,
  atMs: number,
  source: Source,
): CrmRecord {
  const values: Values = { ...other.values, ...primary.values }
  const emails = new Set([...emailsOf(primary), ...emailsOf(other)])
  emails.delete(values['email'] ?? '')
  if (emails.size > 0) values['hs_additional_emails'] = [...emails].join(';')
  const before = [...versionsOf(primary), ...versionsOf(other)].sort((a, b) => a.atMs - b.atMs)
  const folded = Object.assign({}, ...before.map((version) => version.values)) as Values
  const changed = Object.fromEntries(
    Object.entries(values).filter(([name, value]) => folded[name] !== value),
  )
  const versions =
    Object.keys(changed).length > 0 ? [...before, { atMs, source, values: changed }] : before
  return {
    id,
    createdAtMs: Math.min(primary.createdAtMs, other.createdAtMs),
    updatedAtMs: atMs,
    archivedAtMs: 0,
    source: primary.source,
    values,
    versions,
    mergedIds: [
      ...new Set([...(primary.mergedIds ?? []), ...(other.mergedIds ?? []), primary.id, other.id]),
    ],
  }
}

function emailsOf(record: CrmRecord): string[] {
  const additional = record.values['hs_additional_emails']?.split(';') ?? []
  const email = record.values['email']
  return email === undefined ? additional : [email, ...additional]
}
