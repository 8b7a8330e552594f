import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import { callsADay, durationOf, remainingCalls } from './backfill.rules.ts'
import type { BackfillRow } from './backfill.store.ts'
import { hourOfDay } from './call-day.rules.ts'
import { callDay } from './call-day.store.ts'
import type { Connectors } from './open-session.ts'

/** What a backfill took of the calls, what is left to take, and when it is through. */
export interface BackfillFigures {
  calls: number
  callsLeft: number | null
  dayCalls: number
  perDay: number
  endsAt: Date | null
}

interface FigureRow {
  id: string
  calls: number
  plannedCalls: number | null
  dayCalls: number
  /** By all backfills of the connection, today. */
  ownCalls: number
  taken: number
  allowed: number | null
  zone: string
  vendor: string
  callMs: number | null
}

/** The figures of some backfills by their ids, in one statement. */
export async function readFigures(
  tx: Transaction,
  connectors: Connectors,
  rows: readonly BackfillRow[],
  now: Date,
): Promise<Map<string, BackfillFigures>> {
  if (rows.length === 0) return new Map()
  const figures = await tx.query(sql<FigureRow>`
    select b.id, coalesce(r.calls + r.check_calls, 0)::int as calls, b.planned_calls,
      case when b.day = ${callDay(now)} then b.day_calls else 0 end as day_calls,
      own.calls as own_calls, day.taken, c.daily_calls as allowed, c.call_day_zone as zone, c.vendor, pace.ms as call_ms
    from sync_backfills b
    join connections c on c.id = b.connection_id
    left join sync_runs r on r.id = b.run_id
    cross join lateral (
      select coalesce(sum(day_calls), 0)::int as calls from sync_backfills
      where connection_id = b.connection_id and day = ${callDay(now)}) own
    cross join lateral (
      select coalesce(sum(taken), 0)::int as taken from sync_call_days
      where connection_id = b.connection_id and day = ${callDay(now)}) day
    cross join lateral (
      select (sum(extract(epoch from ended_at - started_at)) * 1000 / nullif(sum(calls + check_calls), 0))::float8 as ms from (
        select * from sync_runs
        where connection_id = b.connection_id and ended_at is not null and calls > 0 and cause <> 'backfill'
          and b.state in ('running', 'paused', 'failed')
        order by id desc limit 20) recent) pace
    where b.id = any(${rows.map(({ id }) => id)}::text[])`)
  const rowOf = new Map(rows.map((row) => [row.id, row]))
  return new Map(
    figures.map((one) => [one.id, figuresOf(connectors, rowOf.get(one.id)!, one, now)]),
  )
}

function figuresOf(
  connectors: Connectors,
  { state, share, done, total }: BackfillRow,
  { calls, plannedCalls, dayCalls, ownCalls, taken, allowed, zone, vendor, callMs }: FigureRow,
  now: Date,
): BackfillFigures {
  const perDay = callsADay(allowed, connectors.get(vendor)?.changeCallsPerDay, share)
  const isOpen = state === 'running' || state === 'paused' || state === 'failed'
  const callsLeft = isOpen ? remainingCalls(calls, plannedCalls, { done, total }) : 0
  const own = perDay - ownCalls
  const leftToday = Math.max(0, allowed === null ? own : Math.min(own, allowed - taken))
  const isUnderWay = state === 'running' && callsLeft !== null
  const dayLeftMs = hourOfDay(now, zone, 24).getTime() - now.getTime()
  const { durationMs } = durationOf(callsLeft ?? 0, callMs, perDay, leftToday, dayLeftMs)
  const endsAt = isUnderWay ? new Date(now.getTime() + durationMs) : null
  return { calls, callsLeft, dayCalls, perDay, endsAt }
}
