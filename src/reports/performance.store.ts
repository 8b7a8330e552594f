import { sql, type RawBuilder } from 'kysely'
import type { CampaignLineRow } from '#reports/campaign-line.rules.ts'
import { creditDays } from '#reports/credit-day.store.ts'
import { creditOfRows } from '#reports/credit-sums.ts'
import type { Credit } from '#reports/lens.schema.ts'
import { inPeriod, type Lens } from '#reports/lens.store.ts'
import type { Transaction } from '#store/store.ts'

/** Whose deals and leads; null for all. */
export interface Focus {
  ownerId: string | null
  channel: string | null
}

/** A span of time that a report covers, the end excluded. */
export interface Span {
  which: 'current' | 'previous'
  fromAt: Date
  toAt: Date
}

/** The spans as a table `span (which, from_at, to_at)`. */
function spanTable(spans: readonly Span[]): RawBuilder<unknown> {
  return sql`unnest(
    ${spans.map((span) => span.which)}::text[],
    ${spans.map((span) => span.fromAt)}::timestamptz[],
    ${spans.map((span) => span.toAt)}::timestamptz[]
  ) as span (which, from_at, to_at)`
}

/** Restricts `opportunities o` to the focus. */
function dealFocus({ ownerId, channel }: Focus): RawBuilder<unknown> {
  const owner = ownerId === null ? sql`` : sql`and o.owner_id = ${ownerId}`
  const touched = sql`and exists (
    select 1 from deal_touches dt where dt.opportunity_id = o.id and dt.kind = 'channel' and dt.key = ${channel})`
  return sql`${owner} ${channel === null ? sql`` : touched}`
}

/** Restricts `leads l` to the focus. */
function leadFocus({ ownerId, channel }: Focus): RawBuilder<unknown> {
  const owner = ownerId === null ? sql`` : sql`and l.owner_id = ${ownerId}`
  return sql`and l.merged_into is null ${owner} ${channel === null ? sql`` : sql`and l.channel = ${channel}`}`
}

/** Deals of one state in one span; `reach` is null in the row of all of them, which has the cycle. */
export interface DealClassRow {
  state: 'open' | 'won' | 'lost'
  which: 'now' | 'current' | 'previous'
  currency: string
  reach: 'sourced' | 'influenced' | 'untouched' | null
  deals: number
  amountMinor: number
  withoutAmount: number
  medianDays: number | null
}

/** Deals open now, and those closed in each span, by what campaigns had to do with them; each deal counted once. */
export function listDealClasses(
  tx: Transaction,
  focus: Focus,
  spans: readonly Span[],
): Promise<DealClassRow[]> {
  return tx.query(sql<DealClassRow>`
    with deal as (
      select o.status as state, 'now' as which, o.id, o.currency, o.amount_minor, null::float8 as days
      from opportunities o where o.status = 'open' and o.deleted_at is null ${dealFocus(focus)}
      union all
      select o.status, span.which, o.id, o.currency, o.amount_minor, extract(epoch from o.closed_at - o.opened_at) / 86400
      from ${spanTable(spans)}
      join opportunities o on o.status in ('won', 'lost') and o.deleted_at is null
        and o.closed_at >= span.from_at and o.closed_at < span.to_at ${dealFocus(focus)}
    )
    select state, which, currency, reach, count(*) as deals, coalesce(sum(amount_minor), 0)::bigint as amount_minor,
      count(*) filter (where amount_minor is null) as without_amount,
      percentile_cont(0.5) within group (order by days) filter (where state = 'won') as median_days
    from (
      select deal.*, case when r.is_sourced then 'sourced' when r.is_influenced then 'influenced' else 'untouched' end as reach
      from deal left join deal_reach r on r.opportunity_id = deal.id
    ) reached
    group by grouping sets ((state, which, currency, reach), (state, which, currency))`)
}

/** What touched open deals: a campaign, with its name, or a channel. */
export interface InfluenceRow {
  kind: 'campaign' | 'channel'
  key: string
  name: string | null
  influencedDeals: number
  influencedMinor: number
  sourcedDeals: number
  sourcedMinor: number
}

export function listPipelineInfluence(
  tx: Transaction,
  focus: Focus,
  currency: string,
): Promise<InfluenceRow[]> {
  return tx.query(sql<InfluenceRow>`
    select t.*, c.name from (
      select dt.kind, dt.key, count(*) as influenced_deals, coalesce(sum(o.amount_minor), 0)::bigint as influenced_minor,
        count(*) filter (where dt.is_source) as sourced_deals,
        coalesce(sum(o.amount_minor) filter (where dt.is_source), 0)::bigint as sourced_minor
      from opportunities o join deal_touches dt on dt.opportunity_id = o.id and dt.is_open
      where o.status = 'open' and o.deleted_at is null and o.currency = ${currency} ${dealFocus(focus)}
      group by dt.kind, dt.key
    ) t left join campaigns c on c.id = t.key and t.kind = 'campaign'
    order by influenced_minor desc, t.key`)
}

/** The restriction of rows with an `opportunity_id` to deals of the focus; begins with `and`. */
export function ledgerFocus({ ownerId, channel }: Focus): RawBuilder<unknown> {
  if (ownerId === null && channel === null) return sql``
  return sql`and opportunity_id in (select o.id from opportunities o where true ${dealFocus({ ownerId, channel })})`
}

/** Credit under the model of the lens: of a campaign (key empty: without one), or of a channel. */
export type PeriodCreditRow = Omit<CampaignLineRow, keyof Credit> & {
  kind: 'campaign' | 'channel'
  key: string
  credit: Credit
}

export function listPeriodCredit(
  tx: Transaction,
  lens: Lens,
  focus: Focus,
): Promise<PeriodCreditRow[]> {
  return tx.query(sql<PeriodCreditRow>`
    with part as (${creditParts(lens, focus)}),
    total as (
      select kind, key, ${creditOfRows} as credit, sum(amount_minor) as credited_minor from part group by kind, key
    )
    select t.kind, t.key, t.credit, c.id as campaign_id, c.name, c.channel, c.status, c.budget_minor, c.currency, c.starts_on,
      c.ends_on, c.deleted_at is not null as is_deleted
    from total t left join campaigns c on c.id = t.key and t.kind = 'campaign'
    order by t.credited_minor desc, t.key`)
}

/** Credit by day, or by deal where the sums by day do not tell apart what is asked: deals of an owner, campaigns within a channel. */
function creditParts(lens: Lens, focus: Focus): RawBuilder<unknown> {
  const { model, currency } = lens.answer
  const filter = sql`window_days = ${lens.windowDays} and currency = ${currency} ${inPeriod(lens)}
    ${ledgerFocus({ ...focus, channel: null })}`
  const sums =
    focus.ownerId === null
      ? sql`select kind, key, amount_minor, share, deals from ${creditDays(lens)} where model = ${model}`
      : sql`select kind, key, amount_minor, share, 1 as deals from credit_totals where model = ${model} and ${filter}`
  if (focus.channel === null) return sql`${sums} and kind in ('campaign', 'channel')`
  return sql`
    ${sums} and kind = 'channel' and key = ${focus.channel}
    union all
    select 'campaign', coalesce(campaign_id, ''), sum(amount_minor)::bigint, sum(share), 1
    from credits where model = ${model} and channel = ${focus.channel} and ${filter}
      and opportunity_id in (select t.opportunity_id from deal_touches t where t.kind = 'channel' and t.key = ${focus.channel})
    group by campaign_id, opportunity_id`
}

/** Counts of one channel in one span. */
export interface LeadRow {
  which: Span['which']
  channel: string
  leads: number
  cohortMqls: number
  accepted: number
  rejected: number
  periodMqls: number
}

export function listLeadCounts(
  tx: Transaction,
  focus: Focus,
  spans: readonly Span[],
): Promise<LeadRow[]> {
  return tx.query(sql<LeadRow>`
    select which, channel, sum(leads)::bigint as leads, sum(cohort_mqls)::bigint as cohort_mqls,
      sum(accepted)::bigint as accepted, sum(rejected)::bigint as rejected, sum(period_mqls)::bigint as period_mqls
    from (
      select span.which, l.channel, count(*) as leads, count(l.mql_at) as cohort_mqls,
        count(*) filter (where l.disposition is not null and l.status <> 'disqualified') as accepted,
        count(*) filter (where l.disposition is not null and l.status = 'disqualified') as rejected, 0 as period_mqls
      from ${spanTable(spans)} join leads l on l.captured_at >= span.from_at and l.captured_at < span.to_at ${leadFocus(focus)}
      group by span.which, l.channel
      union all
      select span.which, l.channel, 0, 0, 0, 0, count(*)
      from ${spanTable(spans)} join leads l on l.mql_at >= span.from_at and l.mql_at < span.to_at ${leadFocus(focus)}
      group by span.which, l.channel
    ) part group by which, channel order by which, channel`)
}

/** Days from capture to MQL of the leads captured in each span. */
export function listMqlDays(
  tx: Transaction,
  focus: Focus,
  spans: readonly Span[],
): Promise<{ which: Span['which']; n: number; medianDays: number | null }[]> {
  return tx.query(sql`
    select span.which, count(*) as n,
      percentile_cont(0.5) within group (order by extract(epoch from l.mql_at - l.captured_at) / 86400) as median_days
    from ${spanTable(spans)} join leads l on l.captured_at >= span.from_at and l.captured_at < span.to_at
      and l.mql_at is not null ${leadFocus(focus)}
    group by span.which`)
}

/** How many leads of a channel came to an opportunity and to a won one. */
export interface ReachedRow {
  which: Span['which']
  channel: string
  cohortOpportunities: number
  cohortWon: number
  periodOpportunities: number
  periodWon: number
}

export function listReachedLeads(
  tx: Transaction,
  focus: Focus,
  spans: readonly Span[],
): Promise<ReachedRow[]> {
  return tx.query(sql<ReachedRow>`
    with reached as (
      select l.channel, l.captured_at, l.person_id, min(o.opened_at) as opened_at,
        min(o.closed_at) filter (where o.status = 'won') as won_at
      from opportunities o
      join opportunity_people op on op.opportunity_id = o.id
      join leads l on l.person_id = op.person_id and l.captured_at <= o.opened_at ${leadFocus(focus)}
      where o.deleted_at is null
      group by l.person_id, l.channel, l.captured_at
    )
    select span.which, r.channel,
      count(*) filter (where captured_at >= from_at and captured_at < to_at) as cohort_opportunities,
      count(won_at) filter (where captured_at >= from_at and captured_at < to_at) as cohort_won,
      count(*) filter (where opened_at >= from_at and opened_at < to_at) as period_opportunities,
      count(*) filter (where won_at >= from_at and won_at < to_at) as period_won
    from ${spanTable(spans)} cross join reached r
    group by span.which, r.channel order by span.which, r.channel`)
}

/** MQLs of the last 13 months, oldest first, months without any included. */
export function listMqlMonths(
  tx: Transaction,
  focus: Focus,
  timeZone: string,
  now: Date,
): Promise<{ month: string; mqls: number }[]> {
  return tx.query(sql`
    with month as (
      select generate_series(this - interval '12 months', this, interval '1 month') as start
      from (select date_trunc('month', ${now}::timestamptz at time zone ${timeZone}) as this) t
    ), counted as (
      select date_trunc('month', l.mql_at at time zone ${timeZone}) as start, count(*) as mqls
      from leads l
      where l.mql_at >= (select min(start) from month) at time zone ${timeZone} and l.mql_at <= ${now} ${leadFocus(focus)}
      group by 1
    )
    select month.start::date as month, coalesce(mqls, 0) as mqls from month left join counted using (start) order by start`)
}

/** Stays in open stages that ended in each span. */
export interface StageRow {
  which: Span['which']
  pipelineId: string
  stageId: string
  label: string
  position: number
  n: number
  medianDays: number
  meanDays: number
  p90Days: number
}

export function listStageDays(
  tx: Transaction,
  focus: Focus,
  spans: readonly Span[],
): Promise<StageRow[]> {
  const ofFocus = focus.ownerId === null && focus.channel === null ? sql`` : ledgerFocus(focus)
  return tx.query(sql<StageRow>`
    with ended as (
      select span.which, stage_id, greatest(extract(epoch from left_at - entered_at) / 86400, 0)::float8 as days
      from ${spanTable(spans)} join stage_stays on left_at >= span.from_at and left_at < span.to_at ${ofFocus}
    )
    select e.which, g.pipeline_id, g.id as stage_id, g.label, g.position, count(*) as n, avg(days) as mean_days,
      percentile_cont(0.5) within group (order by days) as median_days,
      percentile_cont(0.9) within group (order by days) as p90_days
    from ended e join stages g on g.id = e.stage_id
    where g.outcome = 'open'
    group by e.which, g.pipeline_id, g.id, g.label, g.position
    order by e.which, g.pipeline_id, g.position`)
}
