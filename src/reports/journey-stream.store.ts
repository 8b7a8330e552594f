import { sql } from 'kysely'
import { NO_CHANNEL } from '#analytics/attribution/journeys.ts'
import type { Journeys } from '#analytics/attribution/journeys.ts'
import { TouchTable } from '#analytics/attribution/touch-table.ts'
import type { Transaction } from '#store/store.ts'

/** What journeys are made of. */
export interface JourneyProfile {
  journeys: number
  wonJourneys: number
  touches: number
  channels: number
  firstTouchAt: Date | null
  lastTouchAt: Date | null
}

interface DealRow {
  endedAtMs: number
  /** Won amount in minor units of the workspace's currency, 0 for other currencies; null: not won. */
  valueMinor: number | null
}

const BATCH_ROWS = 20_000
const PAGE_TOUCHES = 50_000
/** A touch on the wire: 8 bytes hash of the person, 8 bytes microseconds since 2000, 2 bytes channel. */
const TOUCH_BYTES = 18
const EPOCH_2000_MS = Date.UTC(2000, 0, 1)
const UNKNOWN_CHANNEL = 'unknown'

/**
 * All journeys of the workspace as columns, with what they are made of.
 *
 * A deal is the journey of all its people up to its close, won or not; a person of no deal is a journey without a conversion up to
 * `now`. A won deal of another currency converts with a value of 0. A deal without a touch is left out.
 *
 * Touches come newest first in pages of one value each, 18 bytes a touch, so that neither side pays for a row; they are sorted into
 * journeys here, not there. People go by a 64-bit hash of their id: among ten million two share one with probability 3 in a million.
 * Run it in a transaction of one snapshot (`store.read`).
 * Memory: about 40 bytes a touch at the peak.
 */
export async function readJourneys(
  tx: Transaction,
  now: Date,
  pageTouches = PAGE_TOUCHES,
): Promise<{ journeys: Journeys; profile: JourneyProfile }> {
  const table = new TouchTable()
  const names = await tx.query(sql<{ key: string }>`select key from channels order by key`)
  for (const { key } of names) table.channels.numberOf(key)
  const deals: DealRow[] = []
  for await (const batch of tx.stream(dealSql(now), BATCH_ROWS)) deals.push(...batch)
  const people = new PeopleByHash()
  const members = await readMembers(tx, people, deals.length)
  const seen = { first: Infinity, last: -Infinity }
  for await (const page of pagesOfTouches(tx, table.channels.names, now, pageTouches)) {
    // A DataView reads whole numbers where a Buffer puts them together of bytes.
    const view = new DataView(page.buffer, page.byteOffset, page.length)
    for (let at = 0; at < page.length; at += TOUCH_BYTES) {
      const person = people.numberOf(view.getInt32(at), view.getInt32(at + 4))
      const micros = view.getInt32(at + 8) * 2 ** 32 + view.getUint32(at + 12)
      const atMs = EPOCH_2000_MS + Math.floor(micros / 1000)
      const number = view.getUint16(at + 16)
      const channel = number === NO_CHANNEL ? table.channels.numberOf(UNKNOWN_CHANNEL) : number
      seen.first = Math.min(seen.first, atMs)
      seen.last = Math.max(seen.last, atMs)
      if (person >= members.people) {
        table.add(deals.length + person - members.people, channel, atMs)
        continue
      }
      for (let m = members.offsets[person]!; m < members.offsets[person + 1]!; m++) {
        const deal = members.deal[m]!
        if (atMs <= deals[deal]!.endedAtMs) table.add(deal, channel, atMs)
      }
    }
  }
  return journeysOf(table, deals, people.size - members.people, now, seen)
}

function journeysOf(
  table: TouchTable,
  deals: readonly DealRow[],
  loners: number,
  now: Date,
  seen: { first: number; last: number },
): { journeys: Journeys; profile: JourneyProfile } {
  const won = deals.flatMap(({ valueMinor }, deal) => (valueMinor === null ? [] : [deal]))
  const count = deals.length + loners
  const endedAtMs = new Float64Array(count).fill(now.getTime())
  for (const [deal, row] of deals.entries()) endedAtMs[deal] = row.endedAtMs
  const units = { count, startedAtMs: null, endedAtMs, heldOut: null, cluster: null }
  const journeys = withStarts(
    table.toJourneys(
      units,
      {
        unit: Uint32Array.from(won),
        atMs: Float64Array.from(won, (deal) => deals[deal]!.endedAtMs),
        value: Float64Array.from(won, (deal) => deals[deal]!.valueMinor!),
      },
      null,
    ),
  )
  return {
    journeys,
    profile: {
      journeys: journeys.conversions.length,
      wonJourneys: journeys.conversions.reduce((sum, converted) => sum + converted, 0),
      touches: journeys.channel.length,
      channels: journeys.channels.length,
      firstTouchAt: journeys.channel.length === 0 ? null : new Date(seen.first),
      lastTouchAt: journeys.channel.length === 0 ? null : new Date(seen.last),
    },
  }
}

/** A journey begins with its first touch, as far as the hub can know; journeys without one are left out. */
function withStarts(journeys: Journeys): Journeys {
  const { offsets, conversions, touchedAtMs } = journeys
  const kept = new Uint32Array(conversions.length)
  let count = 0
  for (let i = 0; i < conversions.length; i++) if (offsets[i] !== offsets[i + 1]) kept[count++] = i
  const pick = <Column extends Float64Array | Uint32Array>(from: Column, to: Column): Column => {
    for (let k = 0; k < count; k++) to[k] = from[kept[k]!]!
    return to
  }
  const picked = (column: Float64Array) => pick(column, new Float64Array(count))
  const starts = pick(offsets, new Uint32Array(count + 1))
  starts[count] = touchedAtMs!.length
  const startedAtMs = new Float64Array(count)
  for (let k = 0; k < count; k++) startedAtMs[k] = touchedAtMs![starts[k]!]!
  return {
    ...journeys,
    offsets: starts,
    conversions: picked(conversions),
    value: picked(journeys.value),
    nulls: picked(journeys.nulls),
    startedAtMs,
    endedAtMs: picked(journeys.endedAtMs!),
    cluster: pick(journeys.cluster!, new Uint32Array(count)),
  }
}

/** The deals of each person as columns: person i has those from `offsets[i]` up to `offsets[i + 1]`. */
async function readMembers(tx: Transaction, people: PeopleByHash, dealCount: number) {
  const pairs: { person: number; deal: number }[] = []
  for await (const batch of tx.stream(memberSql(), BATCH_ROWS)) {
    for (const { hash, deal } of batch)
      if (deal <= dealCount)
        pairs.push({
          person: people.numberOf(hash.readInt32BE(0), hash.readInt32BE(4)),
          deal: deal - 1,
        })
  }
  const offsets = new Uint32Array(people.size + 1)
  for (const { person } of pairs) offsets[person + 1]! += 1
  for (let i = 0; i < people.size; i++) offsets[i + 1]! += offsets[i]!
  const next = offsets.slice()
  const deal = new Uint32Array(pairs.length)
  for (const pair of pairs) deal[next[pair.person]!++] = pair.deal
  return { people: people.size, offsets, deal }
}

const numberedDeals = sql`select o.*, row_number() over (order by o.id)::int as number
  from opportunities o where o.deleted_at is null`

function dealSql(now: Date) {
  return sql<DealRow>`
    select (extract(epoch from coalesce(o.closed_at, ${now}::timestamptz)) * 1000)::float8 as ended_at_ms,
      case when o.status = 'won' then
        case when o.currency = w.currency then coalesce(o.amount_minor, 0) else 0 end end as value_minor
    from (${numberedDeals}) o join workspaces w on w.id = current_setting('throughline.workspace_id')
    order by o.number`
}

/** People of a deal, also those they were merged into, whose touches count for it; as the ledger sees them. */
function memberSql() {
  return sql<{ hash: Buffer; deal: number }>`
    with recursive members as (
      select op.opportunity_id, coalesce(op.home_id, op.person_id) as person_id from opportunity_people op
      union select m.opportunity_id, p.merged_into from members m join people p on p.id = m.person_id
      where p.merged_into is not null
    )
    select int8send(hashtextextended(m.person_id, 0)) as hash, d.number as deal
    from members m join (${numberedDeals}) d on d.id = m.opportunity_id`
}

/** While one page is worked on here, the database packs the next. */
async function* pagesOfTouches(
  tx: Transaction,
  names: readonly string[],
  now: Date,
  pageTouches: number,
): AsyncGenerator<Buffer, void, undefined> {
  const read = (before: string) => tx.find(pageSql(names, now, pageTouches, before))
  let next: ReturnType<typeof read> | null = read('infinity')
  try {
    while (next !== null) {
      const page: Page | null = await next
      next = null
      if (!page?.packed || page.oldest === null) return
      const isLast = page.packed.length < pageTouches * TOUCH_BYTES
      if (!isLast) next = read(page.oldest)
      yield page.packed
    }
  } finally {
    await next?.catch(() => null) // whoever stopped early has an error of their own
  }
}

interface Page {
  /** Null: there is no touch before. */
  packed: Buffer | null
  /** The time of the last touch on the page, to the microsecond; touches of one moment are never parted. */
  oldest: string | null
}

function pageSql(names: readonly string[], now: Date, pageTouches: number, before: string) {
  return sql<Page>`
    select min(page.occurred_at)::text as oldest,
      string_agg(int8send(hashtextextended(page.person_id, 0)) || timestamptz_send(page.occurred_at)
        || int2send(coalesce(c.number, -1)::int2), '') as packed
    from (
      select t.person_id, t.channel, t.occurred_at from touchpoints t
      where t.workspace_id = current_setting('throughline.workspace_id')
        and t.occurred_at <= ${now} and t.occurred_at < ${before}::timestamptz
      order by t.workspace_id desc, t.occurred_at desc fetch first ${pageTouches} rows with ties
    ) page
    left join (
      select key, number - 1 as number from unnest(${names}::text[]) with ordinality as c (key, number)
    ) c on c.key = page.channel`
}

/** Numbers people by the 64-bit hash of their id, in order of appearance: open addressing, at most two thirds full. */
class PeopleByHash {
  size = 0
  /** Low half, high half, number + 1 and nothing, side by side: a look-up that misses the cache misses it once. */
  #slots = new Int32Array(4 * 4096)

  numberOf(high: number, low: number): number {
    const mask = this.#slots.length / 4 - 1
    for (let at = low & mask; ; at = (at + 1) & mask) {
      const number = this.#slots[4 * at + 2]!
      if (number === 0) return this.#add(at, high, low)
      if (this.#slots[4 * at] === low && this.#slots[4 * at + 1] === high) return number - 1
    }
  }

  #add(at: number, high: number, low: number): number {
    this.#put(at, high, low, ++this.size)
    const number = this.size - 1
    if (6 * this.size > this.#slots.length) this.#grow()
    return number
  }

  #put(at: number, high: number, low: number, number: number): void {
    this.#slots[4 * at] = low
    this.#slots[4 * at + 1] = high
    this.#slots[4 * at + 2] = number
  }

  #grow(): void {
    const before = this.#slots
    this.#slots = new Int32Array(before.length * 2)
    const mask = this.#slots.length / 4 - 1
    for (let from = 0; from < before.length; from += 4) {
      if (before[from + 2] === 0) continue
      let at = before[from]! & mask
      while (this.#slots[4 * at + 2] !== 0) at = (at + 1) & mask
      this.#put(at, before[from + 1]!, before[from]!, before[from + 2]!)
    }
  }
}
