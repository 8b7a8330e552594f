import { sql } from 'kysely'
import { TOUCH_BYTES } from '#reports/ledger-write.store.ts'
import { inPeriod, type Setting } from '#reports/lens.store.ts'
import type { PackedDeals } from '#reports/preview.rules.ts'
import type { Transaction } from '#store/store.ts'

/** A campaign and a channel that touches are numbered by. */
export interface SourceRow {
  campaignId: string | null
  channel: string
  name: string | null
}

/** All sources by their number, without a gap. */
export async function listSources(tx: Transaction): Promise<SourceRow[]> {
  const rows = await tx.query(sql<SourceRow & { number: number }>`
    select s.number, s.campaign_id, s.channel, c.name
    from attribution_sources s left join campaigns c on c.id = s.campaign_id order by s.number`)
  const sources: SourceRow[] = []
  for (const { number, ...row } of rows) sources[number] = row
  return sources
}

interface JourneyRow {
  opportunityId: string
  amountMinor: number
  openedAtMs: number
  closedAtMs: number
  leadAtMs: number | null
  touches: Buffer
}

const BATCH_DEALS = 5000

/**
 * The won deals of a currency and period with all their touches, in batches.
 * @param channelOf  the channel number of each source.
 */
export async function* streamJourneys(
  tx: Transaction,
  currency: string,
  period: Pick<Setting, 'fromAt' | 'toAt'>,
  channelOf: Uint16Array,
): AsyncGenerator<PackedDeals> {
  const rows = tx.stream(
    sql<JourneyRow>`
      select opportunity_id, amount_minor, (extract(epoch from opened_at) * 1000)::float8 as opened_at_ms,
        (extract(epoch from closed_at) * 1000)::float8 as closed_at_ms,
        (extract(epoch from lead_at) * 1000)::float8 as lead_at_ms, touches
      from attribution_journeys where currency = ${currency} ${inPeriod(period)}`,
    BATCH_DEALS,
  )
  for await (const batch of rows) yield unpack(batch, channelOf)
}

function unpack(rows: readonly JourneyRow[], channelOf: Uint16Array): PackedDeals {
  const offsets = new Uint32Array(rows.length + 1)
  rows.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.touches.length / TOUCH_BYTES))
  const total = offsets[rows.length]!
  const touchedAtMs = new Float64Array(total)
  const source = new Uint32Array(total)
  const person = new Uint16Array(total)
  rows.forEach(({ touches }, i) => {
    const from = offsets[i]!
    const n = offsets[i + 1]! - from
    copyInto(touchedAtMs, from, touches.subarray(0, n * 8))
    copyInto(source, from, touches.subarray(n * 8, n * 12))
    copyInto(person, from, touches.subarray(n * 12))
  })
  const channel = new Uint16Array(total)
  for (let i = 0; i < total; i++) channel[i] = channelOf[source[i]!]!
  return {
    opportunityIds: rows.map((row) => row.opportunityId),
    amountMinor: Float64Array.from(rows, (row) => row.amountMinor),
    openedAtMs: Float64Array.from(rows, (row) => row.openedAtMs),
    closedAtMs: Float64Array.from(rows, (row) => row.closedAtMs),
    leadAtMs: Float64Array.from(rows, (row) => row.leadAtMs ?? NaN),
    offsets,
    columns: { touchedAtMs, channel, person },
    source,
  }
}

/** Bytes of a database need not lie where a typed array may begin, so they are copied. */
function copyInto(
  column: Float64Array | Uint32Array | Uint16Array,
  at: number,
  bytes: Buffer,
): void {
  const { buffer, byteOffset, BYTES_PER_ELEMENT } = column
  new Uint8Array(buffer, byteOffset + at * BYTES_PER_ELEMENT, bytes.length).set(bytes)
}
