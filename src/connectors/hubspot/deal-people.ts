import { pushBeside, type BesideFaults } from '#connectors/beside.ts'
import type { PushChange, PushResult } from '#sync/connector.ts'
import type { AssociationLabel } from './answers.ts'
import type { AssociationInput, HubspotClient } from './client.ts'
import { codeOf } from './errors.ts'

/** Stands among the properties of a deal for its associations: who its people are. */
export const PEOPLE = 'associations/contacts'

interface Step {
  change: PushChange
  input: AssociationInput
}

/**
 * Writes deals, then their people: associations with contacts, whose label is the role, up to 2,000 a call. What is there is read
 * first, so that a write that is repeated, or was cut off half-way, changes nothing more.
 */
export function pushDeals(
  client: HubspotClient,
  changes: readonly PushChange[],
  push: (rest: readonly PushChange[]) => Promise<PushResult[]>,
  signal: AbortSignal,
): Promise<PushResult[]> {
  return pushBeside(changes, [PEOPLE], push, (beside) => writePeople(client, beside, signal))
}

async function writePeople(
  client: HubspotClient,
  changes: readonly PushChange[],
  signal: AbortSignal,
): Promise<BesideFaults> {
  const faults = new Map<PushChange, PushResult>()
  const labels = await client.contactLabels(signal)
  const ids = changes.map(({ externalId }) => externalId ?? '')
  const there = await client.contactsOfDeals(ids, signal)
  const [ended, made, unlabelled]: [Step[], Step[], Step[]] = [[], [], []]
  for (const change of changes) {
    const wanted = wantedOf(change)
    const unknown = [...wanted.values()].find((role) => role !== '' && !typeOf(labels, role))
    if (unknown !== undefined) {
      const known = labels.flatMap(({ label }) => label ?? []).slice(0, 20)
      const detail = `Deals and contacts have the labels ${known.join(', ') || 'of nobody yet'}.`
      faults.set(change, refused('ASSOCIATION_LABEL_UNKNOWN', detail))
      continue
    }
    const present = there.get(change.externalId ?? '') ?? new Map<string, string>()
    const from = { id: change.externalId ?? '' }
    for (const [id, role] of present) {
      const next = wanted.get(id)
      const to = { id }
      if (next === undefined) ended.push({ change, input: { from, to } })
      else if (role !== '' && role !== next) {
        const types = typesOf(labels, role)
        unlabelled.push({ change, input: { from, to, types } })
      }
    }
    for (const [id, role] of wanted) {
      if (present.has(id) && (role === '' || present.get(id) === role)) continue
      made.push({ change, input: { from, to: { id }, types: typesOf(labels, role) } })
    }
  }
  const write = async (
    steps: readonly Step[],
    action: Parameters<HubspotClient['associate']>[0],
  ) => {
    const errors = await client.associate(
      action,
      steps.map(({ input }) => input),
      signal,
    )
    for (const error of errors) {
      const dealIds = new Set(error.context['fromObjectId'] ?? error.context['fromObjectIds'] ?? [])
      for (const { change } of steps)
        if (dealIds.has(change.externalId ?? '') && !faults.has(change))
          faults.set(change, refused(codeOf(error), 'One of its contacts cannot be associated.'))
    }
  }
  await write(ended, 'archive')
  await write(unlabelled, 'labels/archive')
  await write(made, 'create')
  return faults
}

/** By contact: the role, '' for none. */
function wantedOf({ properties: { [PEOPLE]: people } }: PushChange): Map<string, string> {
  const texts = Array.isArray(people) ? people : []
  return new Map(
    texts.map((text) => {
      const [id = ''] = text.split(' ', 1)
      return [id, text.slice(id.length + 1)]
    }),
  )
}

function typeOf(labels: readonly AssociationLabel[], role: string): AssociationLabel | undefined {
  return labels.find(({ label }) => (label ?? '') === role)
}

function typesOf(
  labels: readonly AssociationLabel[],
  role: string,
): { associationCategory: string; associationTypeId: number }[] {
  const type = typeOf(labels, role)
  return type ? [{ associationCategory: type.category, associationTypeId: type.typeId }] : []
}

function refused(code: string, detail: string): PushResult {
  return { kind: 'refused', fault: 'record', code, detail }
}
