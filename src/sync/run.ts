import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import { noTracer } from '#core/trace.ts'
import { closePlans } from './change-plan.ts'
import type { FaultKind, Stream } from './connector.ts'
import { markNeedsLogin } from './connection.store.ts'
import { commit, type Engine, type Run } from './engine.ts'
import { followChanges } from './follow.ts'
import { goThrough, type StreamFault, type Way } from './go-through.ts'
import { seeToHooks } from './hook-upkeep.ts'
import { Lease, LeaseLost } from './lease.ts'
import { openForRun, runOf, waitsFor } from './run-connection.ts'
import { seeToUndo } from './undo.ts'
import {
  addCalls,
  countOutcomes,
  dropRun,
  endRun,
  ensureStreams,
  findRun,
  startRun,
  type RunRow,
  type RunState,
} from './run.store.ts'

/** Times that a run is taken up before it is given up as broken. */
const MAX_ATTEMPTS = 20
/** Minutes until a run that a passing fault ended is tried again, by how many ended so in a row. */
const RETRY_MINUTES = [5, 15, 60, 240]

/** Both sides are compared whole this often, besides on request. */
const RECONCILE_DAYS = 7

export type RunEnd = 'done' | 'busy' | 'gone'

/**
 * Goes through the streams of a queued or cut-off run, in the connector's order: the sync engine's straight line.
 *
 * Taking up a run again is safe at any point: pulled rows are kept together with their position, pushes are upserts.
 * @returns 'busy' when another process works on the connection, 'gone' when there is nothing to do.
 */
export async function performRun(
  engine: Engine,
  workspaceId: string,
  runId: string,
  signal: AbortSignal,
): Promise<RunEnd> {
  const row = await engine.store.read(workspaceId, (tx) => findRun(tx, runId))
  if (!row || (row.state !== 'queued' && row.state !== 'running')) return 'gone'
  if (row.cause === 'backfill') return 'gone' // has a lane of its own
  const lease = await Lease.take(engine.store, workspaceId, row.connectionId, runId, engine.leaseMs)
  if (!lease) return 'busy'
  try {
    const { tracer = noTracer } = engine
    const facts = {
      'throughline.run_id': runId,
      'throughline.connection_id': row.connectionId,
      'throughline.workspace_id': workspaceId,
      'throughline.cause': row.cause,
    }
    await tracer.span('sync run', { attributes: facts }, () =>
      perform(engine, workspaceId, row, lease, signal),
    )
    return 'done'
  } catch (error) {
    if (error instanceof LeaseLost) return 'busy' // the other process goes on with it
    throw error
  } finally {
    await lease.release()
  }
}

async function perform(
  engine: Engine,
  workspaceId: string,
  row: RunRow,
  lease: Lease,
  signal: AbortSignal,
): Promise<void> {
  const opened = await openForRun(engine, workspaceId, row)
  if (!opened) return
  const { session, calls } = opened
  const stop = AbortSignal.any([signal, lease.signal])
  // Before the run ends, so that whoever sees the end sees its calls; and once more for what came behind.
  const noteCalls = async () => {
    const more = calls.takeUnkept()
    if (more.size > 0)
      await engine.store.transaction(workspaceId, (tx) => addCalls(tx, row.id, more))
  }
  const run = runOf(engine, workspaceId, row, opened, lease, stop)
  try {
    const settings = await commit(run, async (tx) => {
      await startRun(tx, run.id, lease.fence, engine.clock.now())
      return ensureStreams(tx, run.connectionId, session.streams, engine.clock.now())
    })
    const due = session.streams.filter(
      (stream) => row.streams.includes(stream.name) && settings.get(stream.name)?.paused === false,
    )
    const howOf = (stream: Stream): Way => {
      const days = daysSince(settings.get(stream.name)?.reconciledAt, engine)
      return !row.reconcile && days < RECONCILE_DAYS ? 'whole' : 'compared'
    }
    const isBroken = row.attempts >= MAX_ATTEMPTS
    const follow = (streams: readonly Stream[]) => goThrough(run, streams, () => 'changes')
    const goOn = async () => {
      const undone = await seeToUndo(run)
      if (row.cause === 'undo' || (undone ?? []).length > 0) return undone ?? []
      if (row.cause === 'change') return followChanges(run, follow, () => calls.count)
      await seeToHooks(run)
      return goThrough(run, due, howOf)
    }
    const unsigned = isBroken ? null : await waitsFor(run, opened, due)
    const faults = isBroken ? [broken()] : unsigned ? [unsigned] : await goOn()
    await closePlans(run, faults.length === 0)
    await noteCalls()
    await finish(run, row, faults)
  } finally {
    await session.close()
    await noteCalls()
  }
}

/** Closes the run: its state is its worst outcome, and a passing fault gets it another try. */
async function finish(run: Run, row: RunRow, faults: readonly StreamFault[]): Promise<void> {
  const { engine } = run
  const now = engine.clock.now()
  const fault = faults.at(-1) ?? null
  const ended = await commit(run, async (tx) => {
    const counts = await countOutcomes(tx, run.id)
    const state = stateOf(counts, fault)
    const isNews = fault ? fault.kind !== 'approval' : !isQuiet(counts)
    if (row.cause === 'change' && !isNews) {
      await dropRun(tx, run.id)
      return { state, counts }
    }
    const passing = faults.filter(({ kind }) => isPassingKind(kind))
    const retryAt =
      fault && passing.includes(fault)
        ? earliest(passing.map((one) => retryTime(row, one, now)))
        : null
    // Streams that had enough are not gone through once more when others get theirs.
    const isShared = faults.every(({ kind, endsRun }) => kind === 'rate_share' && !endsRun)
    const retryStreams = isShared ? faults.map(({ stream }) => stream) : null
    await endRun(tx, run.id, { state, counts, fault, retryAt, retryStreams }, now)
    const isLoginLost =
      fault?.kind === 'reauth' && (await markNeedsLogin(tx, run.connectionId, now))
    const events = [
      {
        event: 'sync.run_ended',
        subjectId: run.id,
        data: {
          connectionId: run.connectionId,
          cause: row.cause,
          state,
          fault: fault?.kind ?? null,
        },
      },
    ]
    if (isLoginLost) {
      events.push({
        event: 'connection.login_needed',
        subjectId: run.connectionId,
        data: { connectionId: run.connectionId, cause: row.cause, state, fault: 'reauth' },
      })
    }
    await engine.publish(tx, events, now)
    return { state, counts }
  })
  engine.log.info(
    {
      workspaceId: run.workspaceId,
      runId: run.id,
      connectionId: run.connectionId,
      vendor: run.vendor,
      ...ended,
      fault: fault?.kind ?? null,
      durationMs: now.getTime() - (row.startedAt ?? now).getTime(),
    },
    'sync run',
  )
}

function stateOf(counts: RunRow['counts'], fault: StreamFault | null): RunState {
  const has = (outcome: string) => Object.values(counts).some((of) => (of[outcome] ?? 0) > 0)
  if (fault) return Object.keys(counts).length > 0 ? 'partial' : 'failed'
  return has('refused') || has('conflict') ? 'partial' : 'succeeded'
}

/** Whether nothing came of it that anyone would look for. */
function isQuiet(counts: RunRow['counts']): boolean {
  return Object.values(counts).every((of) => Object.keys(of).every((name) => name === 'unchanged'))
}

function isPassingKind(kind: FaultKind): boolean {
  return ['transient', 'rate_burst', 'rate_daily', 'rate_share', 'account'].includes(kind)
}

function earliest(times: readonly Date[]): Date {
  return new Date(Math.min(...times.map((at) => at.getTime())))
}

function retryTime(row: RunRow, fault: StreamFault, now: Date): Date {
  if (fault.kind === 'rate_share') return new Date(now.getTime() + (fault.retryAfterMs ?? 0))
  const usual = (RETRY_MINUTES[Math.min(row.retries, RETRY_MINUTES.length - 1)] ?? 5) * MINUTE_MS
  return new Date(now.getTime() + Math.max(usual, fault.retryAfterMs ?? 0))
}

function daysSince(at: Date | undefined, engine: Engine): number {
  return at ? (engine.clock.now().getTime() - at.getTime()) / DAY_MS : 0
}

function broken(): StreamFault {
  return {
    stream: '',
    kind: 'mapping',
    detail: `The run was cut off ${MAX_ATTEMPTS} times and is given up; the next one goes on.`,
    retryAfterMs: null,
    endsRun: true,
  }
}
