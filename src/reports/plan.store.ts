import { sql } from 'kysely'
import { decodeCursor, type PageQuery } from '#core/page.ts'
import type { SegmentPast } from '#reports/plan.rules.ts'
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
