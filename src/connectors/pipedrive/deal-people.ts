import { pushBeside } from '#connectors/beside.ts'
import { VendorFault, type PushChange, type PushResult } from '#sync/connector.ts'
import type { PipedriveRecord } from './answers.ts'
import type { PipedriveClient } from './client.ts'

/**
 * The persons of deals: the main one, then the other participants. Deals do not show them, and asking costs ten tokens a
 * deal: it is done only where the count of participants says that there are more than the main one.
 */
export class DealPeople {
  readonly #client: PipedriveClient
  /** Whether the count has the main person in it, which Pipedrive does not say; found out with the first such deal. */
  #countsMain: boolean | null = null

  constructor(client: PipedriveClient) {
    this.#client = client
  }

  /** Person ids by deal id. */
  async of(deals: readonly PipedriveRecord[], signal: AbortSignal): Promise<Map<number, string[]>> {
    const people = new Map<number, string[]>()
    for (const deal of deals) people.set(deal.id, await this.#ofOne(deal, signal))
    return people
  }

  async #ofOne(deal: PipedriveRecord, signal: AbortSignal): Promise<string[]> {
    const main = typeof deal['person_id'] === 'number' ? [String(deal['person_id'])] : []
    const count = Number(deal['participants_count'] ?? 0)
    const isAlone = count === 0 || (count === 1 && main.length === 1 && this.#countsMain === true)
    if (isAlone) return main
    const rows = await this.#client.participants(String(deal.id), signal)
    const participants = rows.map(({ personId }) => personId)
    if (main.length === 1) this.#countsMain = participants.includes(main[0]!)
    return [...new Set([...main, ...participants])]
  }
}

/** Stands among the properties of a deal for rows of their own: who its people are. */
export const PEOPLE = 'participants'

/**
 * Writes deals, then their people: participants are added and taken away one by one, as Pipedrive has no other way, until they are
 * those that were sent. What is there is read first, so that a write that is repeated changes nothing more.
 */
export function pushDeals(
  client: PipedriveClient,
  changes: readonly PushChange[],
  push: (rest: readonly PushChange[]) => Promise<PushResult[]>,
  signal: AbortSignal,
): Promise<PushResult[]> {
  return pushBeside(changes, [PEOPLE], push, async (beside) => {
    const faults = new Map<PushChange, PushResult>()
    for (const change of beside) {
      try {
        await writeParticipants(client, change, signal)
      } catch (error) {
        const isOwn = error instanceof VendorFault && ['mapping', 'gone'].includes(error.kind)
        if (!isOwn) throw error
        const detail = 'A person of the deal is not there any more.'
        faults.set(change, {
          kind: 'refused',
          fault: 'record',
          code: 'PARTICIPANT_REFUSED',
          detail,
        })
      }
    }
    return faults
  })
}

async function writeParticipants(
  client: PipedriveClient,
  { externalId, properties }: PushChange,
  signal: AbortSignal,
): Promise<void> {
  const dealId = externalId ?? ''
  const { [PEOPLE]: people, person_id: main } = properties
  const wanted = new Set(Array.isArray(people) ? people : [])
  const there = await client.participants(dealId, signal)
  for (const { id, personId } of there)
    if (!wanted.has(personId)) await client.removeParticipant(dealId, id, signal)
  for (const personId of wanted) {
    // The main person is one of the deal's without being told apart.
    const isThere = there.some((one) => one.personId === personId) || personId === String(main)
    if (!isThere) await client.addParticipant(dealId, personId, signal)
  }
}
