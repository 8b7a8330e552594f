import { sql } from 'kysely'
import { dirtyOrder } from '#reports/dirty.store.ts'
import type { DealColumns, LedgerDeal } from '#reports/ledger.rules.ts'
import { TOUCH_BYTES, unpackJourneys } from '#reports/packed-journey.ts'
import { listSources } from '#reports/preview.store.ts'
import type { Transaction } from '#store/store.ts'

/** A won deal that is marked for a change of models alone. */
export interface ModelDeal extends LedgerDeal {
  marks: number
  /** The day of the close in the workspace's time zone. */
  closedOn: string
}

/**
 * The deals that wait longest of those marked for models alone, with their journeys as they were packed: as many as have
 * `maxTouches` touches together, and at least one. A deal whose rows name no kept journey is none of them.
 */
export async function readModelPage(
  tx: Transaction,
  maxDeals: number,
  maxTouches: number,
): Promise<{ deals: ModelDeal[]; columns: DealColumns }> {
  // Each statement looks its rows up by their keys: a plan for joins would rest on counts of a table that just filled.
  const marked = await tx.query(sql<{ opportunityId: string; marks: number }>`
    select opportunity_id, marks from attribution_dirty where reasons = '{model}'
    order by ${dirtyOrder} limit ${maxDeals}`)
  const ids = marked.map(({ opportunityId }) => opportunityId)
  const sizes = await tx.query(sql<{ opportunityId: string; sizeBytes: number }>`
    select opportunity_id, octet_length(touches) as size_bytes from attribution_journeys
    where opportunity_id = any(${ids}::text[])`)
  const withoutJourney = await tx.query(sql<{ opportunityId: string }>`
    select opportunity_id from attribution_deals
    where opportunity_id = any(${ids}::text[]) and touches > 0 and journey_id is null`)
  const left = new Set(withoutJourney.map(({ opportunityId }) => opportunityId))
  const sizeOf = new Map(sizes.map(({ opportunityId, sizeBytes }) => [opportunityId, sizeBytes]))
  const marksOf = new Map<string, number>()
  let bytes = 0
  for (const { opportunityId, marks } of marked) {
    const size = sizeOf.get(opportunityId)
    if (size === undefined || left.has(opportunityId)) continue
    if (marksOf.size > 0 && bytes + size > maxTouches * TOUCH_BYTES) break
    bytes += size
    marksOf.set(opportunityId, marks)
  }
  const found = await tx.query(sql<Omit<ModelDeal, 'marks'> & { touches: Buffer }>`
    select j.opportunity_id, true as is_won, j.amount_minor, j.currency, j.touches,
      (extract(epoch from j.opened_at) * 1000)::float8 as opened_at_ms,
      (extract(epoch from j.closed_at) * 1000)::float8 as closed_at_ms,
      (extract(epoch from j.lead_at) * 1000)::float8 as lead_at_ms,
      (j.closed_at at time zone (select time_zone from workspaces where id = ${tx.workspaceId}))::date as closed_on
    from attribution_journeys j where j.opportunity_id = any(${[...marksOf.keys()]}::text[])`)
  const rows = found.map((row) => ({ ...row, marks: marksOf.get(row.opportunityId)! }))
  const sources = await listSources(tx)
  const channels = [...new Set(sources.map(({ channel }) => channel))]
  const channelOf = Uint16Array.from(sources, ({ channel }) => channels.indexOf(channel))
  const { offsets, columns, source } = unpackJourneys(
    rows.map((row) => row.touches),
    channelOf,
  )
  return {
    deals: rows,
    columns: {
      offsets,
      columns,
      channels,
      campaigns: Array.from(source, (number) => sources[number]!.campaignId),
    },
  }
}
