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
    const participants = await this.#client.participants(String(deal.id), signal)
    if (main.length === 1) this.#countsMain = participants.includes(main[0]!)
    return [...new Set([...main, ...participants])]
  }
}
