import { sql } from 'kysely'
import type { NamedLift } from '#analytics/attribution/causal/holdouts.ts'
import { decodeCursor } from '#core/page.ts'
import type { z } from 'zod'
import type {
  Experiment,
  ExperimentDetail,
  ListExperimentsQuery,
} from '#reports/experiment.schema.ts'
import type { Transaction } from '#store/store.ts'

const COLUMNS = sql`id, channel, state, holdout_share, weeks, starts_on, proposal, result, created_at, created_by, closed_at`

/** Answers whether it was added: a channel has one planned experiment at a time. */
export async function insertExperiment(tx: Transaction, row: Experiment): Promise<boolean> {
  const added = await tx.execute(sql`
    insert into experiments (id, workspace_id, channel, state, holdout_share, weeks, starts_on, proposal, created_at, created_by)
    values (${row.id}, ${tx.workspaceId}, ${row.channel}, ${row.state}, ${row.holdoutShare}, ${row.weeks}, ${row.startsOn},
      ${row.proposal === null ? null : JSON.stringify(row.proposal)}::jsonb, ${row.createdAt}, ${row.createdBy})
    on conflict (workspace_id, channel) where state = 'planned' do nothing`)
  return added > 0
}

/** Ends a planned experiment, with its result or without one; null when it is not planned. */
export function closeExperiment(
  tx: Transaction,
  id: string,
  result: Experiment['result'],
  now: Date,
): Promise<Experiment | null> {
  return tx.find(sql<Experiment>`
    update experiments set state = ${result === null ? 'cancelled' : 'done'},
      result = ${result === null ? null : JSON.stringify(result)}::jsonb, closed_at = ${now}
    where id = ${id} and state = 'planned' returning ${COLUMNS}`)
}

export function findExperiment(tx: Transaction, id: string): Promise<Experiment | null> {
  return tx.find(sql<Experiment>`select ${COLUMNS} from experiments where id = ${id}`)
}

type Effect = ExperimentDetail['effects'][number]

/** Of each data-driven model the last fit before a moment and the first after it, as far as they know the channel. */
export async function listExperimentEffects(
  tx: Transaction,
  channel: string,
  at: Date,
): Promise<Effect[]> {
  const fit = sql`select fitted_at, coefficients -> 'intervals' -> ${channel}::text as share from attribution_fits f
    where f.model = m.model and f.version = m.version`
  const rows = await tx.query(sql<{
    model: string
    name: string
    before: { low: number; high: number } | null
    beforeAt: Date | null
    after: { low: number; high: number } | null
    afterAt: Date | null
    until: Date | null
  }>`
    select m.model, m.name, b.share as before, b.fitted_at as before_at, a.share as after, a.fitted_at as after_at, n.until
    from attribution_models m
    left join lateral (${fit} and f.fitted_at <= ${at} order by f.fitted_at desc limit 1) b on true
    left join lateral (${fit} and f.fitted_at > ${at} order by f.fitted_at limit 1) a on true
    left join lateral (
      select min(f.fitted_at) as until from attribution_fits f
      where f.model = m.model and f.version = m.version and f.fitted_at > a.fitted_at
    ) n on true
    where m.retired_at is null and m.method = 'data_driven' order by m.model`)
  return rows.map(({ model, name, before, beforeAt, after, afterAt, until }) => ({
    model,
    name,
    before: before && beforeAt && { ...before, fittedAt: beforeAt },
    after: after && afterAt && { ...after, fittedAt: afterAt },
    until,
  }))
}

/** One more than the page, newest first. */
export function listExperimentRows(
  tx: Transaction,
  { state, cursor, limit }: z.output<typeof ListExperimentsQuery>,
): Promise<Experiment[]> {
  const after =
    cursor === undefined ? sql`` : sql`and id < ${decodeCursor(cursor, 1)[0]}::identifier`
  return tx.query(sql<Experiment>`
    select ${COLUMNS} from experiments
    where ${state === undefined ? sql`true` : sql`state = ${state}`} ${after} order by id desc limit ${limit + 1}`)
}

export async function listPlannedChannels(tx: Transaction): Promise<Set<string>> {
  const rows = await tx.query(
    sql<{ channel: string }>`select channel from experiments where state = 'planned'`,
  )
  return new Set(rows.map(({ channel }) => channel))
}

/** Channels of which an experiment had ended by then. */
export async function listMeasuredChannels(tx: Transaction, by: Date): Promise<Set<string>> {
  const rows = await tx.query(sql<{ channel: string }>`
    select distinct channel from experiments where state = 'done' and closed_at <= ${by}`)
  return new Set(rows.map(({ channel }) => channel))
}

/** The newest 100 results, oldest first. */
export function listMeasuredLifts(tx: Transaction): Promise<NamedLift[]> {
  return tx.query(sql<NamedLift>`
    select channel, (result ->> 'lift')::float8 as lift, (result ->> 'variance')::float8 as variance,
      (result ->> 'peopleHeldOut')::float8 as held_out, (result ->> 'conversionsHeldOut')::float8 as conversions_held_out,
      (result ->> 'peopleOthers')::float8 as others, (result ->> 'conversionsOthers')::float8 as conversions_others
    from (select * from experiments where state = 'done' order by id desc limit 100) newest order by id`)
}

/** What budgets of campaigns come to a week, by channel, over the days before now. */
export async function listWeeklySpend(
  tx: Transaction,
  days: number,
  currency: string,
  now: Date,
): Promise<Map<string, number>> {
  const since = sql`(${now}::timestamptz - ${days}::int * interval '1 day')::date`
  const rows = await tx.query(sql<{ channel: string; minor: number }>`
    select channel, (7.0 / ${days}::int * sum(budget_minor::float8 * greatest(0, least(ends_on, ${now}::date) - greatest(starts_on, ${since}))
      / greatest(1, ends_on - starts_on)))::bigint as minor
    from campaigns
    where deleted_at is null and budget_minor is not null and currency = ${currency} and ends_on >= starts_on
    group by channel`)
  return new Map(rows.map(({ channel, minor }) => [channel, minor]))
}

/** What was won a week over the days before now. */
export async function sumWeeklyRevenue(
  tx: Transaction,
  days: number,
  currency: string,
  now: Date,
): Promise<number> {
  const row = await tx.find(sql<{ minor: number }>`
    select coalesce(sum(amount_minor) * 7.0 / ${days}::int, 0)::bigint as minor from opportunities
    where status = 'won' and deleted_at is null and currency = ${currency} and closed_at <= ${now}
      and closed_at > ${now}::timestamptz - ${days}::int * interval '1 day'`)
  return row!.minor
}
