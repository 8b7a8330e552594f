import { sql } from 'kysely'
import type { Queries, Transaction } from '#store/store.ts'
import type { StreamCalls } from './call-ledger.ts'
import type { FaultKind, Stream } from './connector.ts'

export type RunState = 'queued' | 'running' | 'succeeded' | 'partial' | 'failed'
export type RunCause =
  | 'schedule'
  | 'catch_up'
  | 'manual'
  | 'retry'
  | 'change'
  | 'plan'
  | 'undo'
  | 'backfill'

export interface RunRow {
  id: string
  connectionId: string
  streams: string[]
  cause: RunCause
  dueAt: Date
  slots: number
  reconcile: boolean
  state: RunState
  counts: Record<string, Record<string, number>>
  calls: number
  checkCalls: number
  attempts: number
  queuedAt: Date
  startedAt: Date | null
  endedAt: Date | null
  faultStream: string | null
  faultKind: FaultKind | 'internal' | null
  faultDetail: string | null
  retryAt: Date | null
  retries: number
}

export const runColumns = sql.raw(
  `id, connection_id, streams, cause, due_at, slots, reconcile, state, counts, calls, check_calls, attempts, queued_at, started_at, ended_at,
  fault_stream, fault_kind, fault_detail, retry_at, retries`,
)

export function findRun(tx: Queries, id: string): Promise<RunRow | null> {
  return tx.find(sql<RunRow>`select ${runColumns} from sync_runs where id = ${id}`)
}

/** The run that waits to be taken up; there is at most one a connection. */
export async function findQueuedRun(tx: Queries, connectionId: string): Promise<string | null> {
  const row = await tx.find(sql<{ id: string }>`
    select id from sync_runs where connection_id = ${connectionId} and state = 'queued'`)
  return row?.id ?? null
}

/** Adds a queued run; false when one waits already or the same due time has its run. */
export async function insertRun(
  tx: Queries,
  run: {
    id: string
    workspaceId: string
    connectionId: string
    streams: readonly string[]
    cause: RunCause
    dueAt: Date
    slots: number
    retries: number
    reconcile?: boolean
  },
  now: Date,
): Promise<boolean> {
  const rows = await tx.execute(sql`
    insert into sync_runs (id, workspace_id, connection_id, streams, cause, due_at, slots, retries, reconcile, queued_at)
    values (${run.id}, ${run.workspaceId}, ${run.connectionId}, ${[...run.streams]}, ${run.cause}, ${run.dueAt},
      ${run.slots}, ${run.retries}, ${run.reconcile ?? false}, ${now})
    on conflict do nothing`)
  return rows === 1
}

export async function startRun(tx: Transaction, id: string, fence: number, now: Date) {
  await tx.execute(sql`
    update sync_runs
    set state = 'running', fence = ${fence}, attempts = attempts + 1, started_at = coalesce(started_at, ${now})
    where id = ${id}`)
}

export interface StreamRow {
  name: string
  paused: boolean
  reconciledAt: Date
}

/**
 * The streams of the connection as they are set; new ones of the connector are added and due at once. One that a newer version brings
 * to a connection of before waits, where it would write, until somebody resumes it: nobody was asked.
 */
export async function ensureStreams(
  tx: Transaction,
  connectionId: string,
  streams: readonly Stream[],
  now: Date,
): Promise<Map<string, StreamRow>> {
  const rows = streams.map((stream, position) => ({
    name: stream.name,
    entity: stream.entity,
    direction: stream.direction,
    everyMinutes: stream.everyMinutes,
    reason: stream.cadenceReason,
    position,
  }))
  await tx.execute(sql`
    insert into sync_streams
      (connection_id, name, entity, direction, every_minutes, cadence_reason, next_run_at, reconciled_at, position, paused)
    select ${connectionId}, name, entity, direction, "everyMinutes", reason, ${now}, ${now}, position,
      direction <> 'pull' and exists (select 1 from sync_streams where connection_id = ${connectionId})
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r(name text, entity text, direction text, "everyMinutes" integer, reason text, position smallint)
    on conflict (connection_id, name) do update
    set direction = excluded.direction, entity = excluded.entity, position = excluded.position
    where (sync_streams.direction, sync_streams.entity, sync_streams.position)
      is distinct from (excluded.direction, excluded.entity, excluded.position)`)
  const known = await tx.query(sql<StreamRow>`
    select name, paused, reconciled_at from sync_streams where connection_id = ${connectionId}`)
  return new Map(known.map((row) => [row.name, row]))
}

/** Notes that a run of the stream has ended, and how. */
export async function markStream(
  tx: Transaction,
  connectionId: string,
  stream: string,
  isThrough: boolean,
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    update sync_streams
    set last_run_at = ${now}, last_success_at = case when ${isThrough} then ${now} else last_success_at end
    where connection_id = ${connectionId} and name = ${stream}`)
}

/** Stream → outcome → records, counted from the outcomes themselves. */
export async function countOutcomes(
  tx: Transaction,
  runId: string,
): Promise<Record<string, Record<string, number>>> {
  const rows = await tx.query(sql<{ stream: string; outcome: string; count: number }>`
    select stream, outcome, count(*)::int as count from sync_outcomes
    where run_id = ${runId} group by stream, outcome order by stream, outcome`)
  const counts: Record<string, Record<string, number>> = {}
  for (const { stream, outcome, count } of rows) {
    const ofStream = (counts[stream] ??= {})
    ofStream[outcome] = count
  }
  return counts
}

export async function endRun(
  tx: Transaction,
  id: string,
  end: {
    state: RunState
    counts: RunRow['counts']
    fault: { stream: string | null; kind: string; detail: string } | null
    retryAt: Date | null
    /** Which streams are tried again then; null: all of the run. */
    retryStreams: readonly string[] | null
  },
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    update sync_runs
    set state = ${end.state}, counts = ${JSON.stringify(end.counts)}::jsonb, ended_at = ${now},
      fault_stream = ${end.fault?.stream ?? null}, fault_kind = ${end.fault?.kind ?? null},
      fault_detail = ${end.fault?.detail ?? null}, retry_at = ${end.retryAt},
      retry_streams = ${end.retryStreams && [...end.retryStreams]}::text[]
    where id = ${id}`)
  // A later run speaks for the connection now: what an earlier one wanted to try again is settled by it. Changes that go at once
  // have calls of their own, and say nothing of the streams that wait for theirs; a backfill speaks for one field only.
  await tx.execute(sql`
    update sync_runs r set retry_at = null
    from sync_runs ended
    where ended.id = ${id} and ended.cause <> 'backfill' and r.connection_id = ended.connection_id and r.id <> ended.id
      and r.retry_at is not null
      and not (ended.cause = 'change' and r.cause <> 'change' and coalesce(r.fault_kind, '') = 'rate_share')`)
}

/** Removes a run of which nothing is to be told, with its outcomes. */
export async function dropRun(tx: Transaction, id: string): Promise<void> {
  await tx.execute(sql`delete from sync_runs where id = ${id}`)
}

export async function markReconciled(
  tx: Transaction,
  connectionId: string,
  stream: string,
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    update sync_streams set reconciled_at = ${now}
    where connection_id = ${connectionId} and name = ${stream}`)
}

/** Adds to the run's ledger of calls, and of each stream's. One statement. */
export async function addCalls(
  tx: Transaction,
  id: string,
  more: ReadonlyMap<string, StreamCalls>,
): Promise<void> {
  const rows = [...more].map(([stream, of]) => ({ stream, ...of }))
  await tx.execute(sql`
    with more as (
      select stream, calls, checks
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(stream text, calls integer, checks integer)),
    of_streams as (
      insert into sync_run_calls as known (run_id, stream, calls, check_calls)
      select id, stream, more.calls, checks from more, sync_runs where id = ${id}
      on conflict (run_id, stream) do update
      set calls = known.calls + excluded.calls, check_calls = known.check_calls + excluded.check_calls)
    update sync_runs set calls = sync_runs.calls + more.calls, check_calls = check_calls + more.checks
    from (select sum(calls)::int as calls, sum(checks)::int as checks from more) more where id = ${id}`)
}
