import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import { hasLiveCalls } from './call-budget.ts'
import { callDay } from './call-day.store.ts'

/** What can be done at once for a connection. */
export interface Lane {
  vendor: string
  /** Streams with something due, in the order of a whole run. */
  streams: readonly string[]
  /** Changes whenever what is due first in some stream does: the same text twice means that nothing moved. */
  mark: string
  /** Some run works on the connection. */
  isTaken: boolean
  /** A run that waits to be taken up: it goes first. */
  queuedRunId: string | null
  /** The vendor failed, and is tried again by the back-off of runs. */
  isResting: boolean
  /** Something is left of what the connection's allowance has for changes that go at once. */
  hasCalls: boolean
  /** Calls that changes took today. */
  calls: number
}

/**
 * Looks at a connection: what is due of its streams that are not paused, and whose last whole pass was sound. Null when there is no such connection, or it is paused or needs a login. A few statements, a few rows of each
 * index.
 */
export async function readLane(
  tx: Transaction,
  connectionId: string,
  now: Date,
): Promise<Lane | null> {
  const row = await tx.find(sql<
    Omit<Lane, 'streams' | 'mark' | 'hasCalls'> & { due: [string, string][] }
  >`
    select c.vendor,
      coalesce((
        select jsonb_agg(jsonb_build_array(d.name, concat_ws('/', d.pending, d.asked)) order by d.position)
        from (
          select s.name, s.position, p.mark as pending, v.mark as asked
          from sync_streams s
          left join lateral (
            select concat_ws(':', first_seq, local_id, changed_in) as mark from sync_pending
            where connection_id = s.connection_id and entity = s.entity and s.direction in ('push', 'both')
              and held_code is null and (next_attempt_at is null or next_attempt_at <= ${now})
            order by first_seq, local_id limit 1) p on true
          left join lateral (
            select concat_ws(':', external_id, noted_in) as mark from sync_revisits
            where connection_id = s.connection_id and stream = s.name and wants_entity = ''
            order by external_id limit 1) v on true
          where s.connection_id = c.id and not s.paused and s.last_success_at is not null
            and not exists (
              select from sync_errors
              where connection_id = s.connection_id and stream = s.name and record = '' and code <> 'stream.rate_share')
            and (p.mark is not null or v.mark is not null)) d), '[]') as due,
      exists (
        select from sync_leases where connection_id = c.id and held_until > clock_timestamp()) as is_taken,
      (select id from sync_runs where connection_id = c.id and state = 'queued') as queued_run_id,
      exists (
        select from sync_runs where connection_id = c.id and retry_at is not null and coalesce(fault_kind, '') <> 'rate_share') as is_resting,
      coalesce((
        select calls from sync_lanes where connection_id = c.id and day = ${callDay(now)}), 0) as calls
    from connections c where c.id = ${connectionId} and c.state = 'active'`)
  if (!row) return null
  const hasCalls = await hasLiveCalls(tx, connectionId, now)
  const { due, ...rest } = row
  return { ...rest, hasCalls, streams: due.map(([name]) => name), mark: JSON.stringify(due) }
}

/** Adds to the calls that changes took today. */
export async function noteLaneCalls(
  tx: Transaction,
  connectionId: string,
  calls: number,
  now: Date,
): Promise<void> {
  if (calls === 0) return
  await tx.execute(sql`
    insert into sync_lanes as known (connection_id, day, calls)
    select c.id, ${callDay(now)}, ${calls} from connections c where c.id = ${connectionId}
    on conflict (connection_id) do update
    set day = excluded.day,
      calls = excluded.calls + case when known.day = excluded.day then known.calls else 0 end`)
}

/** Takes back a run that nobody has begun. */
export async function withdrawRun(tx: Transaction, runId: string): Promise<void> {
  await tx.execute(sql`delete from sync_runs where id = ${runId} and state = 'queued'`)
}
