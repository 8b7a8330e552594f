import { Problem } from '#core/problem.ts'
import { defineOperation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { effectiveConsents } from './consent.rules.ts'
import { listConsents, openProof } from './consent.store.ts'
import { findTimeFault, personCapture } from './input.rules.ts'
import { findSurvivor, lockPerson } from './person-list.store.ts'
import { ConsentState, NewConsent, PersonPath, Source } from './person.schema.ts'
import { recordConsents } from './record-consents.ts'

export const recordConsent = defineOperation({
  id: 'recordConsent',
  method: 'POST',
  path: '/api/v1/people/{personId}/consents',
  scope: 'consents:write',
  tag: 'People',
  summary: 'Record what a person agreed to or refused',
  description:
    'A refusal or withdrawal takes effect at once. After one, and while a double opt-in is pending, only a grant with ' +
    'proof opens again. Records are read in the order of their time, not of their arrival.',
  status: 201,
  subject: ({ personId }) => personId,
  location: ({ personId }) => `/api/v1/people/${personId}`,
  input: NewConsent.extend({ ...PersonPath.shape, source: Source }),
  output: ConsentState,
  async perform({ personId, source, ...consent }, context) {
    const { tx, now } = context
    const fault =
      consent.occurredAt === undefined
        ? null
        : findTimeFault('/occurredAt', consent.occurredAt, now)
    if (fault !== null) throw fault
    const person = await findSurvivor(tx, personId)
    if (person === null) throw new Problem('resource.not_found', 'There is no person with this id.')
    if (!(await lockPerson(tx, person.id))) {
      throw new Problem('service.unavailable', 'The person is being merged right now: try again.')
    }
    const capture = personCapture({ source, consents: [consent] })
    const homes = [person.id === personId ? null : personId]
    const events = await recordConsents(tx, [capture], [person.id], now, [], homes)
    for (const event of events) context.emit(event)
    return { personId: person.id, ...(await readConsents(tx, person.id)) }
  },
})

/** What holds for a person now, and how it came to it. */
export async function readConsents(
  tx: Transaction,
  personId: string,
): Promise<Omit<ConsentState, 'personId'>> {
  const rows = await listConsents(tx, [personId])
  const records = rows.map(({ proof, ...row }) => ({ ...row, hasProof: proof !== null }))
  return {
    effective: effectiveConsents(records),
    history: rows.map((row) => ({
      id: row.id,
      purpose: row.purpose,
      channel: row.channel,
      status: row.status,
      source: row.source,
      proof: openProof(tx, row),
      occurredAt: row.occurredAt,
    })),
  }
}
