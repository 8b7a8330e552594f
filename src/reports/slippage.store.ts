import { sql, type RawBuilder } from 'kysely'
import { decodeCursor } from '#core/page.ts'
import type {
  SlippageDealsQuery,
  SlippageOutcome,
  SlippageQuery,
} from '#reports/slippage.schema.ts'
import type { Transaction } from '#store/store.ts'

/** A period, resolved against the workspace. */
export interface SlippagePeriod {
  query: SlippageQuery
  currency: string
  fromAt: Date
  toAt: Date
  now: Date
}

/**
 * Deals that were open when the period began, with the day on which each was expected to close as it was known then, and as
 * it was known at the end of the period. What changed after the period has no part in it.
 */
function openAtStart({ query, fromAt, toAt, now }: SlippagePeriod): RawBuilder<unknown> {
  const { ownerId, pipelineId } = query
  const end = toAt < now ? toAt : now
  const known = (at: RawBuilder<unknown>) => sql`
    left join lateral (
      select d.closes_on from opportunity_close_dates d
      where d.workspace_id = o.workspace_id and d.opportunity_id = o.id and ${at} order by d.known_at desc limit 1)`
  return sql`
    select o.id, o.name, o.owner_id, o.status, o.amount_minor, o.currency, o.closed_at, began.closes_on as expected_on,
      ended.closes_on, case
        when o.closed_at < ${end} then o.status
        when ended.closes_on is null or ended.closes_on > ${query.to}::date or ${end} = ${toAt} then 'slipped'
        else 'pending' end as outcome
    from opportunities o
    ${known(sql`d.known_at <= ${fromAt}`)} began on true
    ${known(sql`d.known_at <= ${end}`)} ended on true
    where o.deleted_at is null and o.opened_at <= ${fromAt} and (o.status = 'open' or o.closed_at >= ${fromAt})
      ${ownerId === undefined ? sql`` : sql`and o.owner_id = ${ownerId}`}
      ${pipelineId === undefined ? sql`` : sql`and o.pipeline_id = ${pipelineId}`}`
}

const isExpected = ({ from, to }: SlippageQuery) =>
  sql`expected_on between ${from}::date and ${to}::date`

export interface OutcomeRow {
  ownerId: string | null
  currency: string
  /** Null: no day was known when the period began. */
  outcome: SlippageOutcome | null
  deals: number
  amountMinor: number
}

/** By owner, currency and outcome. */
export function listOutcomes(tx: Transaction, period: SlippagePeriod): Promise<OutcomeRow[]> {
  return tx.query(sql<OutcomeRow>`
    select owner_id, currency, case when expected_on is not null then outcome end as outcome, count(*) as deals,
      coalesce(sum(amount_minor), 0)::bigint as amount_minor
    from (${openAtStart(period)}) open_then
    where expected_on is null or ${isExpected(period.query)}
    group by 1, 2, 3`)
}

export interface PushRow {
  deals: number
  later: number
  earlier: number
  medianDaysLater: number | null
}

/** Changes of expected days within the period, of deals that had one before. */
export async function countPushes(
  tx: Transaction,
  { query, currency, fromAt, toAt }: SlippagePeriod,
): Promise<PushRow> {
  const { ownerId, pipelineId } = query
  const row = await tx.find(sql<PushRow>`
    select count(distinct opportunity_id) filter (where days <> 0) as deals, count(*) filter (where days > 0) as later,
      count(*) filter (where days < 0) as earlier,
      percentile_cont(0.5) within group (order by days) filter (where days > 0) as median_days_later
    from (
      select d.opportunity_id, d.closes_on - before.closes_on as days
      from opportunity_close_dates d
      join opportunities o on o.id = d.opportunity_id and o.deleted_at is null and o.currency = ${currency}
        ${ownerId === undefined ? sql`` : sql`and o.owner_id = ${ownerId}`}
        ${pipelineId === undefined ? sql`` : sql`and o.pipeline_id = ${pipelineId}`}
      join lateral (
        select b.closes_on from opportunity_close_dates b
        where b.workspace_id = d.workspace_id and b.opportunity_id = d.opportunity_id and b.known_at < d.known_at
        order by b.known_at desc limit 1
      ) before on true
      where d.known_at >= ${fromAt} and d.known_at < ${toAt}
    ) changed`)
  return row!
}

export async function findKnownSince(tx: Transaction): Promise<Date | null> {
  const row = await tx.find(sql<{ since: Date }>`
    select known_at as since from opportunity_close_dates where workspace_id = ${tx.workspaceId} order by known_at limit 1`)
  return row?.since ?? null
}

export interface SlippageDealRow {
  opportunityId: `opp_${string}`
  name: Buffer
  ownerId: `own_${string}` | null
  status: 'open' | 'won' | 'lost'
  amountMinor: number | null
  currency: string
  outcome: SlippageOutcome
  expectedOn: string
  closesOn: string | null
  closedAt: Date | null
  pushes: number
}

/** One more than a page, those expected first coming first. */
export function listSlippageDeals(
  tx: Transaction,
  period: SlippagePeriod,
  { outcome, limit, cursor }: Pick<SlippageDealsQuery, 'outcome' | 'limit' | 'cursor'>,
): Promise<SlippageDealRow[]> {
  const { query, currency, fromAt, toAt } = period
  const [day, id] = cursor === undefined ? [] : decodeCursor(cursor, 2)
  return tx.query(sql<SlippageDealRow>`
    select deal.id as opportunity_id, deal.name, deal.owner_id, deal.status, deal.amount_minor, deal.currency, deal.outcome,
      deal.expected_on, deal.closes_on, deal.closed_at, (
        select count(*) from (
          select closes_on - lag(closes_on) over (order by known_at) as days, known_at from opportunity_close_dates
          where workspace_id = ${tx.workspaceId} and opportunity_id = deal.id and known_at < ${toAt}) told
        where days > 0 and known_at >= ${fromAt})::int as pushes
    from (
      select * from (${openAtStart(period)}) open_then
      where ${isExpected(query)} and currency = ${currency}
        ${outcome === undefined ? sql`` : sql`and outcome = ${outcome}`}
        ${id === undefined ? sql`` : sql`and (expected_on, id::text) > (${String(day)}::date, ${String(id)}::text)`}
      order by expected_on, id::text limit ${limit + 1}
    ) deal
    order by deal.expected_on, deal.id::text`)
}
