import { sql } from 'kysely'
import { decodeCursor, type PageQuery } from '#core/page.ts'
import type { ChannelActual, SegmentPast } from '#reports/plan.rules.ts'
import type { Transaction } from '#store/store.ts'

/** Leads captured in the last days, by channel, with what came of them until now. */
export function listSegmentPast(
  tx: Transaction,
  basisDays: number,
  currency: string,
  now: Date,
): Promise<SegmentPast[]> {
  const since = sql`${now}::timestamptz - ${basisDays}::int * interval '1 day'`
  return tx.query(sql<SegmentPast>`
    with lead as (
      select l.channel, l.person_id, l.captured_at from leads l
      where l.captured_at >= ${since} and l.captured_at <= ${now} and l.merged_into is null
    ), reached as (
      select l.channel, l.person_id, l.captured_at, o.status, o.amount_minor, o.currency, o.closed_at,
        row_number() over (partition by l.person_id order by o.status = 'won' desc, o.opened_at) as nth
      from lead l join opportunity_people op on op.person_id = l.person_id
      join opportunities o on o.id = op.opportunity_id and o.deleted_at is null and o.opened_at >= l.captured_at
    ), outcome as (
      select channel, count(*) as opportunities, count(*) filter (where status = 'won') as won,
        coalesce(sum(amount_minor) filter (where status = 'won' and currency = ${currency}), 0)::bigint as won_minor,
        count(amount_minor) filter (where status = 'won' and currency = ${currency}) as won_with_amount,
        percentile_cont(0.5) within group (order by extract(epoch from closed_at - captured_at) / 86400)
          filter (where status = 'won') as median_days_to_won
      from reached where nth = 1 group by channel
    ), cost as (
      select channel, sum(budget_minor * greatest(0, least(ends_on, ${now}::date) - greatest(starts_on, (${since})::date) + 1)
        / (ends_on - starts_on + 1))::bigint as cost_minor
      from campaigns
      where deleted_at is null and budget_minor is not null and currency = ${currency} and ends_on >= starts_on
      group by channel
    )
    select l.channel, count(*) as leads, coalesce(max(o.opportunities), 0) as opportunities, coalesce(max(o.won), 0) as won,
      coalesce(max(o.won_minor), 0)::bigint as won_minor, coalesce(max(o.won_with_amount), 0) as won_with_amount,
      max(o.median_days_to_won) as median_days_to_won, coalesce(max(c.cost_minor), 0)::bigint as cost_minor
    from lead l left join outcome o on o.channel = l.channel left join cost c on c.channel = l.channel
    group by l.channel order by l.channel`)
}

/** What came in within a quarter, by the channel of the lead; each deal is counted once, by the first lead of its people. */
export function listChannelActuals(
  tx: Transaction,
  { first, last }: { first: string; last: string },
  { currency, timeZone }: { currency: string; timeZone: string },
  today: string,
): Promise<ChannelActual[]> {
  const from = sql`(${first}::date::timestamp at time zone ${timeZone})`
  const to = sql`((${last}::date + 1)::timestamp at time zone ${timeZone})`
  return tx.query(sql<ChannelActual>`
    with deal as (
      select id, opened_at >= ${from} and opened_at < ${to} as is_opened,
        status = 'won' and closed_at >= ${from} and closed_at < ${to} as is_won,
        case when currency = ${currency} then coalesce(amount_minor, 0) else 0 end as minor
      from opportunities
      where deleted_at is null and (opened_at >= ${from} and opened_at < ${to} or closed_at >= ${from} and closed_at < ${to})
    ), source as (
      select distinct on (d.id) d.id, l.channel from deal d
      join opportunity_people op on op.opportunity_id = d.id
      join leads l on l.person_id = op.person_id and l.merged_into is null
      order by d.id, l.captured_at, l.id
    ), part as (
      select s.channel, case when is_won then minor else 0 end as won_minor, is_won::int as won_deals,
        is_opened::int as opportunities, case when is_opened then minor else 0 end as pipeline_minor, 0 as leads, 0 as spend_minor
      from deal d left join source s on s.id = d.id where is_won or is_opened
      union all
      select channel, 0, 0, 0, 0, 1, 0 from leads
      where captured_at >= ${from} and captured_at < ${to} and merged_into is null
      union all
      select channel, 0, 0, 0, 0, 0,
        budget_minor * greatest(0, least(ends_on, ${last}::date, ${today}::date) - greatest(starts_on, ${first}::date) + 1)
          / (ends_on - starts_on + 1)
      from campaigns
      where deleted_at is null and budget_minor is not null and currency = ${currency} and ends_on >= starts_on
    )
    select channel, sum(won_minor)::bigint as won_minor, sum(won_deals)::int as won_deals, sum(opportunities)::int as opportunities,
      sum(pipeline_minor)::bigint as pipeline_minor, sum(leads)::int as leads, sum(spend_minor)::bigint as spend_minor
    from part group by channel order by channel`)
}

export async function countOwners(tx: Transaction): Promise<number> {
  const row = await tx.find(sql<{ owners: number }>`
    select count(*) as owners from owners where active`)
  return row!.owners
}

export interface PlanRow {
  version: number
  plan: unknown
  createdAt: Date
  createdBy: string
}

/** Adds the next version of a quarter's plan; answers its number. */
export async function insertPlan(
  tx: Transaction,
  firstDay: string,
  plan: unknown,
  by: string,
  now: Date,
): Promise<number> {
  await tx.execute(sql`
    select pg_advisory_xact_lock(hashtextextended(${`plan ${tx.workspaceId} ${firstDay}`}, 0))`)
  const row = await tx.find(sql<{ version: number }>`
    insert into quarterly_plans (workspace_id, quarter, version, plan, created_at, created_by)
    select ${tx.workspaceId}, ${firstDay}::date, coalesce(max(version), 0) + 1, ${JSON.stringify(plan)}::jsonb,
      ${now}::timestamptz, ${by}
    from quarterly_plans where quarter = ${firstDay}::date returning version`)
  return row!.version
}

/** The newest version of each quarter, one more than the page, the latest quarter first. */
export function listQuarterRows(
  tx: Transaction,
  { limit, cursor }: PageQuery,
): Promise<(PlanRow & { firstDay: string })[]> {
  const after =
    cursor === undefined ? sql`` : sql`where quarter < ${decodeCursor(cursor, 1)[0]}::text::date`
  return tx.query(sql<PlanRow & { firstDay: string }>`
    select distinct on (quarter) quarter as first_day, version, plan, created_at, created_by
    from quarterly_plans ${after} order by quarter desc, version desc limit ${limit + 1}`)
}

export function findPlan(
  tx: Transaction,
  firstDay: string,
  version: number | null,
): Promise<PlanRow | null> {
  return tx.find(sql<PlanRow>`
    select version, plan, created_at, created_by from quarterly_plans
    where quarter = ${firstDay}::date and version = coalesce(${version}::int,
      (select max(version) from quarterly_plans where quarter = ${firstDay}::date))`)
}

/** One more than the page, newest first. */
export function listPlanRows(
  tx: Transaction,
  firstDay: string,
  { limit, cursor }: PageQuery,
): Promise<PlanRow[]> {
  const after =
    cursor === undefined ? sql`` : sql`and version < ${Number(decodeCursor(cursor, 1)[0])}`
  return tx.query(sql<PlanRow>`
    select version, plan, created_at, created_by from quarterly_plans
    where quarter = ${firstDay}::date ${after} order by version desc limit ${limit + 1}`)
}
