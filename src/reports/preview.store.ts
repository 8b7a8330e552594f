import { sql } from 'kysely'
import { unpackJourneys } from '#reports/packed-journey.ts'
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
  return {
    opportunityIds: rows.map((row) => row.opportunityId),
    amountMinor: Float64Array.from(rows, (row) => row.amountMinor),
    openedAtMs: Float64Array.from(rows, (row) => row.openedAtMs),
    closedAtMs: Float64Array.from(rows, (row) => row.closedAtMs),
    leadAtMs: Float64Array.from(rows, (row) => row.leadAtMs ?? NaN),
    ...unpackJourneys(
      rows.map((row) => row.touches),
      channelOf,
    ),
  }
}
