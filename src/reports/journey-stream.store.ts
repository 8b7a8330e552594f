import { sql } from 'kysely'
import { JourneyBuilder, type Journeys } from '#analytics/attribution/journeys.ts'
import type { DataProfile } from '#reports/model.schema.ts'
import type { Transaction } from '#store/store.ts'

/** A journey as the database packs it: the touches as text, which costs a tenth of a row each. */
interface PackedJourney {
  /** `channel number:epoch milliseconds`, joined by commas, in order of time. */
  touches: string
  startedAtMs: number
  endedAtMs: number
  /** Won amount in minor units of the workspace's currency, 0 for other currencies; null: not won. */
  valueMinor: number | null
}

const BATCH_JOURNEYS = 5000

/**
 * All journeys of the workspace as columns, with what they are made of.
 *
 * A deal is the journey of all its people up to its close, won or not; a person of no deal is a journey without a conversion
 * up to `now`. A won deal of another currency converts with a value of 0.
 * Reads through a cursor: memory is the columns (10 bytes a touch) and one batch.
 */
export async function readJourneys(
  tx: Transaction,
  now: Date,
): Promise<{ journeys: Journeys; profile: DataProfile }> {
  const names = (await tx.query(sql<{ key: string }>`select key from channels order by key`)).map(
    (row) => row.key,
  )
  const builder = new TimedBuilder(names)
  for await (const batch of tx.stream(journeySql(names, now), BATCH_JOURNEYS))
    for (const journey of batch) builder.add(journey)
  return builder.build()
}

/** People of a deal, also those merged away, whose touches count for it; as the ledger sees them. */
function journeySql(names: readonly string[], now: Date) {
  const packed = sql`string_agg(c.number || ':' || (extract(epoch from t.occurred_at) * 1000)::bigint, ',' order by t.occurred_at)`
  const channels = sql`unnest(${names}::text[]) with ordinality as c (key, number)`
  return sql<PackedJourney>`
    with recursive members as (
      select op.opportunity_id, op.person_id from opportunity_people op
      union select m.opportunity_id, p.merged_into from members m join people p on p.id = m.person_id
      where p.merged_into is not null
    ), deal as (
      select o.id, o.status = 'won' as is_won, coalesce(o.closed_at, ${now}::timestamptz) as ended_at,
        case when o.currency = w.currency then coalesce(o.amount_minor, 0) else 0 end as amount_minor
      from opportunities o join workspaces w on w.id = ${WORKSPACE}
      where o.deleted_at is null
    )
    select ${packed} as touches, (extract(epoch from min(t.occurred_at)) * 1000)::float8 as started_at_ms,
      (extract(epoch from d.ended_at) * 1000)::float8 as ended_at_ms,
      case when d.is_won then d.amount_minor end as value_minor
    from deal d
    join members m on m.opportunity_id = d.id
    join touchpoints t on t.person_id = m.person_id and t.occurred_at <= d.ended_at
    join ${channels} on c.key = t.channel
    group by d.id, d.is_won, d.ended_at, d.amount_minor
    union all
    select ${packed}, (extract(epoch from min(t.occurred_at)) * 1000)::float8,
      (extract(epoch from ${now}::timestamptz) * 1000)::float8, null
    from touchpoints t join ${channels} on c.key = t.channel
    where t.occurred_at <= ${now} and not exists (select 1 from members m where m.person_id = t.person_id)
    group by t.person_id`
}
const WORKSPACE = sql`current_setting('throughline.workspace_id')`

/** Columns with times, which grow as journeys arrive. */
class TimedBuilder {
  readonly #names: readonly string[]
  readonly #builder = new JourneyBuilder()
  #times = new Float64Array(1024)
  #bounds = new Float64Array(1024)
  #touches = 0
  #journeys = 0
  #won = 0

  constructor(names: readonly string[]) {
    this.#names = names
  }

  add({ touches, startedAtMs, endedAtMs, valueMinor }: PackedJourney): void {
    let number = 0
    let digits = 0
    for (let i = 0; i <= touches.length; i++) {
      const code = i < touches.length ? touches.charCodeAt(i) : COMMA
      if (code === COLON) {
        number = digits
        digits = 0
      } else if (code === COMMA) {
        this.#addTouch(number, digits)
        digits = 0
      } else digits = digits * 10 + code - ZERO
    }
    const isWon = valueMinor !== null
    this.#builder.endJourney(isWon ? { conversions: 1, value: valueMinor } : { nulls: 1 })
    if (2 * this.#journeys + 2 > this.#bounds.length) this.#bounds = grown(this.#bounds)
    this.#bounds[2 * this.#journeys] = startedAtMs
    this.#bounds[2 * this.#journeys + 1] = endedAtMs
    this.#journeys += 1
    if (isWon) this.#won += 1
  }

  #addTouch(number: number, atMs: number): void {
    if (this.#touches === this.#times.length) this.#times = grown(this.#times)
    this.#times[this.#touches++] = atMs
    this.#builder.addTouch(this.#names[number - 1]!)
  }

  build(): { journeys: Journeys; profile: DataProfile } {
    const columns = this.#builder.build()
    const every = (rest: number) =>
      Float64Array.from({ length: this.#journeys }, (_, j) => this.#bounds[2 * j + rest]!)
    const touchedAtMs = this.#times.subarray(0, this.#touches)
    const bound = (better: (a: number, b: number) => number) =>
      this.#touches === 0 ? null : new Date(touchedAtMs.reduce((a, b) => better(a, b)))
    return {
      journeys: { ...columns, touchedAtMs, startedAtMs: every(0), endedAtMs: every(1) },
      profile: {
        journeys: this.#journeys,
        wonJourneys: this.#won,
        touches: this.#touches,
        channels: columns.channels.length,
        firstTouchAt: bound(Math.min),
        lastTouchAt: bound(Math.max),
      },
    }
  }
}

const [ZERO, COLON, COMMA] = [48, 58, 44]

function grown(column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const longer = new Float64Array(column.length * 2)
  longer.set(column)
  return longer
}
