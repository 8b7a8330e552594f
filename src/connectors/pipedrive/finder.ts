import { MINUTE_MS, SECOND_MS, type Clock } from '#core/time.ts'
import type { PipedriveRecord } from './answers.ts'
import type { PipedriveClient } from './client.ts'
import { LEAD_ID_KEY } from './fields.ts'
import type { HubFields } from './hub-fields.ts'
import { readTime } from './mapping.ts'
import { secondOf } from './reader.ts'

/** What is known of a person that may be one of ours. */
export interface KnownPerson {
  id: string
  /** The id of ours that it carries. */
  localId: string | null
}

/** Whom a new record is looked for by. */
export interface Wanted {
  localId: string
  /** Lower case; null without one. */
  email: string | null
}

/** How far the search index may be behind: what is younger is looked for in the list itself. */
const LAG_MS = 10 * MINUTE_MS
/** Tokens of the searches for one record: by our id and by e-mail. */
const SEARCH_COST = 40
/** Tokens of a page of 500 of the list. */
const PAGE_COST = 10
const PAGE_SIZE = 500
/** Persons whose ids and addresses are held in memory at most, about 200 bytes each. */
const MAX_HELD = 300_000

/**
 * Calls that look for so many persons before they are made, in batches: what changed lately, once a batch; how many there are; and
 * two searches each, or the whole list.
 */
export function findCalls(wanted: number, there: number, batchSize: number): number {
  if (wanted === 0) return 0
  const pages = Math.max(1, Math.ceil(there / PAGE_SIZE))
  const isListRead = there <= MAX_HELD && wanted * SEARCH_COST > pages * PAGE_COST
  return Math.ceil(wanted / batchSize) + 1 + (isListRead ? pages : wanted * 2)
}

/**
 * Finds persons before one is created: by our id, then by e-mail. Pipedrive has no key to upsert by, allows duplicates,
 * and its search lags behind, so that a search alone would create a person twice whose answer was lost.
 *
 * - What changed lately is read from the list, which does not lag: one call a batch.
 * - What is older is searched for, or the whole list is read once, whichever has cost less so far: at most twice the
 *   tokens of the better way, however many records follow.
 */
export class PersonFinder {
  readonly #client: PipedriveClient
  readonly #fields: HubFields
  readonly #clock: Clock
  readonly #byLocalId = new Map<string, KnownPerson>()
  readonly #byEmail = new Map<string, KnownPerson[]>()
  /** Tokens that searches have cost so far. */
  #searchSpent = 0
  #listCost: number | null = null
  #isComplete = false
  /** The latest update that was seen, by the vendor's clock. */
  #seenToMs: number | null = null

  constructor(client: PipedriveClient, fields: HubFields, clock: Clock) {
    this.#client = client
    this.#fields = fields
    this.#clock = clock
  }

  /** Those found, by our id; the oldest one where several persons have the address. */
  async find(wanted: readonly Wanted[], signal: AbortSignal): Promise<Map<string, KnownPerson>> {
    await this.#sweep(signal)
    if (!this.#isComplete && (await this.#isListCheaper(wanted.length, signal))) {
      await this.#readAll(signal)
    }
    const found = new Map<string, KnownPerson>()
    for (const one of wanted) {
      const person = this.recall(one) ?? (this.#isComplete ? null : await this.#search(one, signal))
      if (person) found.set(one.localId, person)
    }
    return found
  }

  /** Takes note of a person that was read or written. */
  async note(person: PipedriveRecord, signal: AbortSignal): Promise<void> {
    this.#note(person, (await this.#fields.codes(signal)).get(LEAD_ID_KEY))
  }

  /** A person that turned out to be gone is not found again. */
  forget({ id, localId }: KnownPerson): void {
    if (localId !== null) this.#byLocalId.delete(localId)
    for (const [email, persons] of this.#byEmail) {
      if (!persons.some((person) => person.id === id)) continue
      this.#byEmail.set(
        email,
        persons.filter((person) => person.id !== id),
      )
    }
  }

  /** What is known by now, without a call. */
  recall({ localId, email }: Wanted): KnownPerson | null {
    const own = this.#byLocalId.get(localId)
    if (own) return own
    const same = email === null ? [] : (this.#byEmail.get(email) ?? [])
    return same.find((person) => person.localId === null) ?? same[0] ?? null
  }

  /** Reads what changed since the last look. At first that is as long as the search index may lag. */
  async #sweep(signal: AbortSignal): Promise<void> {
    const sinceMs = this.#seenToMs ?? this.#clock.now().getTime() - LAG_MS
    const window = { updatedSince: secondOf(sinceMs - SECOND_MS) }
    await this.#read(window, signal)
  }

  async #readAll(signal: AbortSignal): Promise<void> {
    await this.#read({}, signal)
    this.#isComplete = true
  }

  async #read(window: { updatedSince?: string }, signal: AbortSignal): Promise<void> {
    const code = (await this.#fields.codes(signal)).get(LEAD_ID_KEY)
    for (let cursor: string | null = null; ;) {
      const page = await this.#client.list('persons', { ...window, cursor }, signal)
      for (const person of page.records) this.#note(person, code)
      cursor = page.next
      if (cursor === null) return
    }
  }

  #note(person: PipedriveRecord, code: string | undefined): void {
    const value = code === undefined ? null : person.custom_fields?.[code]
    const localId = typeof value === 'string' && value !== '' ? value : null
    const known: KnownPerson = { id: String(person.id), localId }
    if (localId !== null) this.#byLocalId.set(localId, known)
    for (const { value: email } of person.emails ?? []) {
      if (!email) continue
      const key = email.toLowerCase()
      const others = (this.#byEmail.get(key) ?? []).filter(({ id }) => id !== known.id)
      const all = [...others, known].sort((a, b) => Number(a.id) - Number(b.id))
      this.#byEmail.set(key, all)
    }
    const atMs = readTime(person.update_time)?.getTime() ?? 0
    this.#seenToMs = Math.max(this.#seenToMs ?? 0, atMs)
  }

  /** Ids rise with each person: the highest one bounds how many there are. */
  async #isListCheaper(count: number, signal: AbortSignal): Promise<boolean> {
    if (this.#searchSpent + count * SEARCH_COST <= PAGE_COST) return false
    if (this.#listCost === null) {
      const query = { cursor: null, limit: 1, newestFirst: true }
      const newest = (await this.#client.list('persons', query, signal)).records[0]
      const persons = newest?.id ?? 0
      this.#listCost =
        persons > MAX_HELD ? Infinity : PAGE_COST * Math.max(1, Math.ceil(persons / PAGE_SIZE))
    }
    return this.#searchSpent + count * SEARCH_COST > this.#listCost
  }

  async #search({ localId, email }: Wanted, signal: AbortSignal): Promise<KnownPerson | null> {
    this.#searchSpent += SEARCH_COST
    const code = (await this.#fields.codes(signal)).get(LEAD_ID_KEY) ?? ''
    const ids = await this.#client.searchField('person', code, localId, signal)
    if (ids.length === 0 && email !== null && email.length > 1) {
      ids.push(...(await this.#client.searchPersons(email, signal)))
    }
    if (ids.length === 0) return null
    // The hits as they are now: the index may show them as they were.
    const persons = await this.#client.readMany('persons', ids.slice(0, 100), {}, signal)
    for (const person of persons) this.#note(person, code)
    return this.recall({ localId, email })
  }
}
