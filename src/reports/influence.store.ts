import { sql, type RawBuilder } from 'kysely'
import { decodeCursor } from '#core/page.ts'
import type { InfluenceQuery } from '#reports/influence.schema.ts'
import { inPeriod, type Setting } from '#reports/lens.store.ts'
import type { Transaction } from '#store/store.ts'

/** Which deals a report of influence is about. */
export interface InfluenceScope {
  query: InfluenceQuery
  currency: string
  period: Pick<Setting, 'fromAt' | 'toAt'>
}

function deals({ query, currency, period }: InfluenceScope): RawBuilder<unknown> {
  const ofStatus = query.status === 'all' ? sql`` : sql`and o.status = ${query.status}`
  return sql`o.deleted_at is null and o.currency = ${currency} ${ofStatus} ${inPeriod(period, sql`o.closed_at`)}`
}

export interface InfluenceClass {
  reach: 'sourced' | 'influenced' | 'untouched'
  deals: number
  amountMinor: number
  withoutAmount: number
}

/** Each deal in one class. */
export function listInfluenceClasses(
  tx: Transaction,
  scope: InfluenceScope,
): Promise<InfluenceClass[]> {
  return tx.query(sql<InfluenceClass>`
    select case when r.is_sourced then 'sourced' when r.is_influenced then 'influenced' else 'untouched' end as reach,
      count(*) as deals, coalesce(sum(o.amount_minor), 0)::bigint as amount_minor,
      count(*) filter (where o.amount_minor is null) as without_amount
    from opportunities o left join deal_reach r on r.opportunity_id = o.id where ${deals(scope)} group by 1`)
}

export interface InfluencingCampaign {
  campaignId: string
  name: string | null
  influencedDeals: number
  influencedMinor: number
  sourcedDeals: number
  sourcedMinor: number
}

function byCampaign(scope: InfluenceScope): RawBuilder<unknown> {
  return sql`
    select t.key as campaign_id, count(*) as influenced_deals, coalesce(sum(o.amount_minor), 0)::bigint as influenced_minor,
      count(*) filter (where t.is_source) as sourced_deals,
      coalesce(sum(o.amount_minor) filter (where t.is_source), 0)::bigint as sourced_minor
    from opportunities o join deal_touches t on t.opportunity_id = o.id and t.kind = 'campaign'
    where ${deals(scope)} group by t.key`
}

/** One more than the page, the largest first. */
export function listInfluencingCampaigns(
  tx: Transaction,
  scope: InfluenceScope,
): Promise<InfluencingCampaign[]> {
  const { cursor, limit } = scope.query
  const [minor, id] = cursor === undefined ? [] : decodeCursor(cursor, 2)
  const after =
    id === undefined
      ? sql``
      : sql`where (influenced_minor, campaign_id) < (${Number(minor)}::bigint, ${id}::text)`
  return tx.query(sql<InfluencingCampaign>`
    select t.*, c.name from (${byCampaign(scope)}) t left join campaigns c on c.id = t.campaign_id ${after}
    order by influenced_minor desc, campaign_id desc limit ${limit + 1}`)
}

export async function sumInfluence(tx: Transaction, scope: InfluenceScope): Promise<number> {
  const row = await tx.find(sql<{ minor: number }>`
    select coalesce(sum(influenced_minor), 0)::bigint as minor from (${byCampaign(scope)}) t`)
  return row!.minor
}
