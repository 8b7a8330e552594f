import { sql } from 'kysely'
import { DAY_MS } from '#core/time.ts'
import type { Transaction } from '#store/store.ts'
import type { FieldDirection } from './connector.ts'
import type { RunState } from './run.store.ts'

export interface LastRun {
  connectionId: string
  id: string
  state: RunState
  endedAt: Date | null
  calls: number
}

/** The newest run of each connection. */
export function listLastRuns(tx: Transaction): Promise<LastRun[]> {
  return tx.query(sql<LastRun>`
    select c.id as connection_id, r.id, r.state, r.ended_at, r.calls
    from connections c
    join lateral (
      select * from sync_runs r where r.connection_id = c.id and r.cause <> 'backfill' order by r.id desc limit 1) r on true`)
}

/** A stream `s` that the account may have: one that it may not, as an item says, owes no data. */
export const isGranted = sql`not exists (
  select 1 from sync_errors e
  where e.connection_id = s.connection_id and e.stream = s.name and e.code = 'stream.not_granted')`

export interface StreamAge {
  connectionId: string
  name: string
  direction: FieldDirection
  paused: boolean
  /** Whether the account may have it. */
  granted: boolean
  everyMinutes: number
  nextRunAt: Date
  lastSuccessAt: Date | null
  /** When the connection was made. */
  since: Date
}

export function listStreamAges(tx: Transaction): Promise<StreamAge[]> {
  return tx.query(sql<StreamAge>`
    select s.connection_id, s.name, s.direction, s.paused, ${isGranted} as granted, s.every_minutes, s.next_run_at, s.last_success_at,
      c.created_at as since
    from sync_streams s join connections c on c.id = s.connection_id
    order by s.connection_id, s.position limit 5000`)
}

/** What is still to be sent, by connection; `held` waits for a change or a retry. */
export function countPending(
  tx: Transaction,
): Promise<{ connectionId: string; count: number; held: number; oldestAt: Date | null }[]> {
  return tx.query(sql`
    select connection_id, count(*)::int as count, (count(*) filter (where held_code is not null))::int as held,
      min(since) as oldest_at
    from sync_pending group by connection_id`)
}

/** Open items by cause. */
export function countErrors(tx: Transaction): Promise<
  {
    connectionId: string
    stream: string
    code: string
    count: number
    oldestAt: Date
    property: string | null
  }[]
> {
  return tx.query(sql`
    select connection_id, stream, code, count(*)::int as count, min(first_at) as oldest_at,
      mode() within group (order by substring(detail from '(?:Properties|Fields): ([[:alnum:]_]+)')) as property
    from sync_errors
    where state = 'open' group by connection_id, stream, code
    order by count desc, connection_id, stream, code limit 1000`)
}

/** Calls of the last 24 hours, by connection. */
export function countCallsToday(
  tx: Transaction,
  now: Date,
): Promise<{ connectionId: string; calls: number }[]> {
  return tx.query(sql`
    select connection_id, sum(calls)::int as calls from sync_runs
    where queued_at > ${new Date(now.getTime() - DAY_MS)} group by connection_id`)
}
