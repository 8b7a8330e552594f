import { sql } from 'kysely'
import { newId } from '#core/id.ts'
import { MINUTE_MS, SECOND_MS } from '#core/time.ts'
import type { JobContext, Timer } from '#jobs/job.ts'
import type { SystemTransaction } from '#store/store.ts'
import { insertRun, type RunCause } from './run.store.ts'

/** A due time that is met later than this is made up for, not kept. */
const PUNCTUAL_MS = 10 * MINUTE_MS
/** Connections looked at in one go. */
const MAX_CONNECTIONS = 500

interface DueStream {
  workspaceId: string
  connectionId: string
  name: string
  nextRunAt: Date
  everyMinutes: number
}

/** Turns due times into runs, tries failed runs again, and sees that every open run is taken up by some process. */
export const scheduleTimer: Timer = {
  name: 'sync.schedule',
  everyMs: 15 * SECOND_MS,
  async run(context) {
    const now = context.clock.now()
    await context.store.system(async (tx) => {
      await queueDue(tx, now)
      await queueRetries(tx, now)
    })
    await takeUp(context)
  },
}

/**
 * One run for all streams of a connection that are due. Each due time leads to exactly one run: the stream's next time
 * moves in the same transaction. The locks let foreign keys pass, so that a run which someone queues meanwhile is no
 * deadlock. Times that passed while nothing ran are answered together by one catch-up run.
 */
export async function queueDue(tx: SystemTransaction, now: Date): Promise<void> {
  const due = await tx.query(sql<DueStream>`
    select s.workspace_id, s.connection_id, s.name, s.next_run_at, s.every_minutes
    from sync_streams s
    where not s.paused and s.next_run_at <= ${now}
      and s.connection_id in (
        select c.id from connections c
        where c.state = 'active' and exists
          (select 1 from sync_streams d where d.connection_id = c.id and not d.paused and d.next_run_at <= ${now})
          and not exists (select 1 from sync_runs r where r.connection_id = c.id and r.state = 'queued')
        order by c.id limit ${MAX_CONNECTIONS}
        for no key update of c skip locked)
    order by s.connection_id, s.next_run_at
    for no key update of s skip locked`)
  for (const streams of Map.groupBy(due, (stream) => stream.connectionId).values()) {
    const first = streams[0]!
    const slots = slotsUntil(first, now)
    const lateMs = now.getTime() - first.nextRunAt.getTime()
    const run = {
      id: newId('run'),
      workspaceId: first.workspaceId,
      connectionId: first.connectionId,
      streams: streams.map((stream) => stream.name),
      cause: slots > 1 || lateMs > PUNCTUAL_MS ? ('catch_up' as const) : ('schedule' as const),
      dueAt: first.nextRunAt,
      slots,
      retries: 0,
    }
    // Someone's run may have come in between: then the streams stay due until that one has begun.
    if (!(await insertRun(tx, run, now)) && !(await isAnswered(tx, run))) continue
    await moveOn(tx, streams, now)
  }
}

/** Whether a run with the same due time exists: the due time is answered then, and must not stay due. */
async function isAnswered(
  tx: SystemTransaction,
  { connectionId, dueAt }: { connectionId: string; dueAt: Date },
): Promise<boolean> {
  const rows = await tx.query(sql`
    select 1 from sync_runs
    where connection_id = ${connectionId} and due_at = ${dueAt} and cause not in ('change', 'undo', 'backfill')`)
  return rows.length > 0
}

/** How many due times of the stream have come. */
function slotsUntil(stream: Pick<DueStream, 'nextRunAt' | 'everyMinutes'>, now: Date): number {
  const lateMs = now.getTime() - stream.nextRunAt.getTime()
  return Math.floor(lateMs / (stream.everyMinutes * MINUTE_MS)) + 1
}

async function moveOn(
  tx: SystemTransaction,
  streams: readonly DueStream[],
  now: Date,
): Promise<void> {
  const rows = streams.map((stream) => {
    const aheadMs = slotsUntil(stream, now) * stream.everyMinutes * MINUTE_MS
    const { connectionId, name } = stream
    return { connectionId, name, nextRunAt: new Date(stream.nextRunAt.getTime() + aheadMs) }
  })
  await tx.execute(sql`
    update sync_streams s set next_run_at = r."nextRunAt"
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r("connectionId" text, name text, "nextRunAt" timestamptz)
    where s.connection_id = r."connectionId" and s.name = r.name`)
}

/** Runs that a passing fault ended are tried again; the due time itself is answered already. */
export async function queueRetries(tx: SystemTransaction, now: Date): Promise<void> {
  const rows = await tx.query(sql<{
    id: string
    workspaceId: string
    connectionId: string
    streams: string[]
    cause: RunCause
    retryAt: Date
    retries: number
  }>`
    select r.id, r.workspace_id, r.connection_id, coalesce(r.retry_streams, r.streams) as streams, r.cause, r.retry_at, r.retries
    from sync_runs r join connections c on c.id = r.connection_id
    where r.retry_at <= ${now} and c.state = 'active'
      and not exists (select 1 from sync_runs q where q.connection_id = c.id and q.state in ('queued', 'running')
        and q.cause <> 'backfill')
    order by r.retry_at limit ${MAX_CONNECTIONS}
    for no key update of r skip locked`)
  for (const { id, workspaceId, connectionId, streams, cause, retryAt, retries } of rows) {
    const run = {
      id: newId('run'),
      workspaceId,
      connectionId,
      streams,
      // An undo that goes on is still one: it looks at nothing else.
      cause: cause === 'undo' ? ('undo' as const) : ('retry' as const),
      dueAt: retryAt,
      slots: 0,
      retries: retries + 1,
    }
    await insertRun(tx, run, now)
    await tx.execute(sql`update sync_runs set retry_at = null where id = ${id}`)
  }
}

/** Queues a job for every run that waits, and for every one whose process went away. */
async function takeUp(context: JobContext): Promise<void> {
  const open = await context.store.system((tx) =>
    tx.query(sql<{ id: string; workspaceId: string }>`
      select r.id, r.workspace_id from sync_runs r
      join connections c on c.id = r.connection_id
      left join sync_leases l on l.connection_id = r.connection_id
      where r.state in ('queued', 'running') and r.cause <> 'backfill' and c.state <> 'paused'
        and (l.held_until is null or l.held_until < clock_timestamp())
      order by r.queued_at limit ${MAX_CONNECTIONS}`),
  )
  for (const { id: runId, workspaceId } of open) {
    await context.enqueue('sync.run', { workspaceId, runId }, { singletonKey: runId })
  }
}
