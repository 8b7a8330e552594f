import { sql } from 'kysely'
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
  const rows = await tx.query(sql<ModelDeal & { touches: Buffer }>`
    with page as (
      select d.opportunity_id, d.marks, d.since from attribution_dirty d
      where d.reasons = '{model}' and not exists (
        select 1 from attribution_deals a
        where a.opportunity_id = d.opportunity_id and a.touches > 0 and a.journey_id is null)
      order by d.since, d.opportunity_id limit ${maxDeals}
    ), sized as (
      select page.*, coalesce(sum(octet_length(j.touches)) over (order by since, opportunity_id
        rows between unbounded preceding and 1 preceding), 0) as before_bytes
      from page join attribution_journeys j using (opportunity_id)
    )
    select s.opportunity_id, s.marks, true as is_won, j.amount_minor, j.currency, j.touches,
      (extract(epoch from j.opened_at) * 1000)::float8 as opened_at_ms,
      (extract(epoch from j.closed_at) * 1000)::float8 as closed_at_ms,
      (extract(epoch from j.lead_at) * 1000)::float8 as lead_at_ms,
      (j.closed_at at time zone w.time_zone)::date as closed_on
    from sized s join attribution_journeys j using (opportunity_id)
    join workspaces w on w.id = ${tx.workspaceId}
    where s.before_bytes <= ${maxTouches * TOUCH_BYTES}::bigint
    order by s.since, s.opportunity_id`)
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
