import { sql } from 'kysely'
import { sourceKey } from '#reports/ledger-journey.store.ts'
import { packJourney } from '#reports/packed-journey.ts'
import type { DealColumns, DealTouchRow, LedgerDeal, LedgerTouch } from '#reports/ledger.rules.ts'
import type { Transaction } from '#store/store.ts'

/**
 * Replaces what is kept of these deals beside their credit: what touched them, their journeys and their stays in stages.
 * @param sources  the numbers of the touches' sources, by `sourceKey`.
 */
export async function replaceDealFacts(
  tx: Transaction,
  deals: readonly LedgerDeal[],
  touches: readonly LedgerTouch[],
  dealTouchRows: readonly DealTouchRow[],
  { offsets, columns }: DealColumns,
  sources: ReadonlyMap<string, number>,
): Promise<void> {
  const ids = deals.map((deal) => deal.opportunityId)
  for (const table of ['deal_touches', 'deal_reach', 'stage_stays', 'attribution_journeys'])
    await tx.execute(sql`delete from ${sql.table(table)} where opportunity_id = any(${ids})`)
  await insertDealTouches(tx, ids, dealTouchRows)
  await tx.execute(sql`
    insert into stage_stays (workspace_id, opportunity_id, stage_id, entered_at, left_at)
    select ${tx.workspaceId}, o.id, s.stage_id, s.entered_at,
      coalesce(lead(s.entered_at) over (partition by o.id order by s.entered_at), o.closed_at)
    from opportunities o join opportunity_stages s on s.opportunity_id = o.id
    where o.id = any(${ids}) and o.deleted_at is null`)
  const won = deals.flatMap((deal, i) => (deal.isWon && deal.closedAtMs !== null ? [i] : []))
  const packed = won.map((i) => {
    const [from, to] = [offsets[i]!, offsets[i + 1]!]
    const numbers = touches.slice(from, to).map((touch) => sources.get(sourceKey(touch))!)
    return packJourney(
      columns.touchedAtMs.subarray(from, to),
      Uint32Array.from(numbers),
      columns.person.subarray(from, to),
    )
  })
  await tx.execute(sql`
    insert into attribution_journeys (workspace_id, opportunity_id, closed_at, amount_minor, currency, opened_at, lead_at, touches)
    select ${tx.workspaceId}, o.id, o.closed_at, coalesce(o.amount_minor, 0), o.currency, o.opened_at,
      to_timestamp(r.lead_at_ms / 1000), r.touches
    from unnest(
      ${won.map((i) => ids[i]!)}::text[],
      ${won.map((i) => deals[i]!.leadAtMs)}::float8[],
      ${packed}::bytea[]
    ) as r (opportunity_id, lead_at_ms, touches)
    join opportunities o on o.id = r.opportunity_id`)
}

async function insertDealTouches(
  tx: Transaction,
  ids: readonly string[],
  rows: readonly DealTouchRow[],
): Promise<void> {
  await tx.execute(sql`
    insert into deal_touches (workspace_id, opportunity_id, kind, key, touches, is_source, is_open)
    select ${tx.workspaceId}, r.*
    from unnest(
      ${rows.map((row) => ids[row.deal]!)}::text[],
      ${rows.map((row) => row.kind)}::text[],
      ${rows.map((row) => row.key)}::text[],
      ${rows.map((row) => row.touches)}::int[],
      ${rows.map((row) => row.isSource)}::boolean[],
      ${rows.map((row) => row.isOpen)}::boolean[]
    ) as r`)
  await tx.execute(sql`
    insert into deal_reach (workspace_id, opportunity_id, touches, is_influenced, is_sourced)
    select ${tx.workspaceId}, opportunity_id, coalesce(sum(touches) filter (where kind = 'channel'), 0),
      bool_or(kind = 'campaign'), bool_or(kind = 'campaign' and is_source)
    from deal_touches where opportunity_id = any(${ids}) group by opportunity_id`)
}
