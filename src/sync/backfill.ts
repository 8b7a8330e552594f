import { MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { fillPage } from './backfill-page.ts'
import { callsADay } from './backfill.rules.ts'
import {
  addDayCalls,
  countDayCalls,
  findBackfill,
  isLiveSyncOn,
  mayStreamRun,
  moveBackfill,
  noteWait,
  type BackfillRow,
  type BackfillWait,
} from './backfill.store.ts'
import { readCallDay } from './call-budget.ts'
import { findOpenPlan } from './change-plan.store.ts'
import { markNeedsLogin } from './connection.store.ts'
import { VendorFault } from './connector.ts'
import { commit, type Engine, type Run } from './engine.ts'
import { gapOf } from './follow.ts'
import { readLane } from './lane.store.ts'
import { Lease, LeaseLost } from './lease.ts'
import { openForRun, runOf, waitsFor, type Opened } from './run-connection.ts'
import {
  addCalls,
  countOutcomes,
  endRun,
  findRun,
  type RunRow,
  type RunState,
} from './run.store.ts'

/** Live sync had or wanted the connection: it is looked at again after this. */
const YIELD_MS = SECOND_MS
/** Changes that live sync cannot move, such as those behind a plan, hold a backfill up no longer than this. */
const STUCK_AFTER = 5
/** A job goes on for this long, then others that wait for a place have their turn. */
const LONGEST_MS = 20 * SECOND_MS
const RETRY_MS = 5 * MINUTE_MS
const PASSING = new Set(['transient', 'rate_burst', 'rate_daily', 'rate_share', 'account'])

/**
 * Works on a backfill, a page at a time, and only while live sync leaves the connection alone: each page takes the connection for
 * itself and gives it back. What a page did and how far it came is kept together, so that it goes on there after a crash.
 * @returns in how many milliseconds to look again; null when it is over, stands still, or the timer takes it up.
 */
export async function workOnBackfill(
  engine: Engine,
  workspaceId: string,
  id: string,
  signal: AbortSignal,
): Promise<number | null> {
  const endMs = performance.now() + LONGEST_MS
  const stuck = { mark: '', looks: 0 }
  let opened: Opened | null = null
  try {
    while (performance.now() < endMs && !signal.aborted) {
      const found = await engine.store.read(workspaceId, async (tx) => {
        const backfill = await findBackfill(tx, id)
        const row = backfill && (await findRun(tx, backfill.runId))
        return backfill?.state === 'running' && row ? { backfill, row } : null
      })
      if (!found) return null
      const { backfill, row } = found
      const gate = await holdUp(engine, workspaceId, backfill, stuck)
      if (typeof gate !== 'number') {
        await engine.store.transaction(workspaceId, (tx) => noteWait(tx, id, gate))
        if (gate.waitsFor !== 'live_sync') return null
        await engine.wait(YIELD_MS, signal).catch(() => null)
        continue
      }
      opened ??= await openForRun(engine, workspaceId, row)
      if (!opened) return null
      const step = await takeTurn(
        engine,
        workspaceId,
        { backfill, row, opened, most: gate },
        signal,
      )
      if (step === 'over') return null
      if (step === 'busy') await engine.wait(YIELD_MS, signal).catch(() => null)
    }
    return signal.aborted ? null : 0
  } finally {
    await opened?.session.close()
  }
}

interface Wait {
  waitsFor: BackfillWait
  resumeAt: Date | null
}

/** Why a backfill does not go on now, or how many calls it may take today. Live sync always goes first. */
async function holdUp(
  engine: Engine,
  workspaceId: string,
  backfill: BackfillRow,
  stuck: { mark: string; looks: number },
): Promise<Wait | number> {
  const now = engine.clock.now()
  const { connectionId, share } = backfill
  const soon = new Date(now.getTime() + MINUTE_MS)
  return engine.store.read(workspaceId, async (tx) => {
    if (!(await mayStreamRun(tx, connectionId, backfill.stream)))
      return { waitsFor: 'connection', resumeAt: soon }
    if (await isLiveSyncOn(tx, connectionId)) return { waitsFor: 'live_sync', resumeAt: null }
    const lane = await readLane(tx, connectionId, now)
    const vendorCalls = engine.connectors.get(lane?.vendor ?? '')?.changeCallsPerDay
    const isDue = lane && lane.streams.length > 0 && !lane.isResting
    if (isDue && gapOf(lane.calls, vendorCalls) !== null) {
      Object.assign(stuck, {
        mark: lane.mark,
        looks: lane.mark === stuck.mark ? stuck.looks + 1 : 1,
      })
      if (stuck.looks < STUCK_AFTER) return { waitsFor: 'live_sync', resumeAt: null }
    }
    const plan = await findOpenPlan(tx, connectionId)
    // While a plan is open nothing else is written; while an undo is carried out nothing is taken in either.
    const isHeld = plan?.undoes ? plan.state === 'approved' : backfill.direction === 'out'
    if (plan && isHeld) return { waitsFor: 'plan', resumeAt: soon }
    const { allowed, endsAt } = await readCallDay(tx, connectionId, now)
    const taken = await countDayCalls(tx, connectionId, now)
    const left = callsADay(allowed, vendorCalls, share) - taken
    return left > 0 ? left : { waitsFor: 'calls', resumeAt: endsAt }
  })
}

interface Turn {
  backfill: BackfillRow
  row: RunRow
  opened: Opened
  /** Calls that it may take today. */
  most: number
}

/** One page under the lease of the connection. */
async function takeTurn(
  engine: Engine,
  workspaceId: string,
  turn: Turn,
  signal: AbortSignal,
): Promise<'more' | 'busy' | 'over'> {
  const { backfill, row, opened, most } = turn
  const { connectionId, runId } = backfill
  const lease = await Lease.take(engine.store, workspaceId, connectionId, runId, engine.leaseMs)
  if (!lease) return 'busy'
  const stop = AbortSignal.any([signal, lease.signal])
  const run = runOf(engine, workspaceId, row, opened, lease, stop)
  const { calls } = opened
  await run.beginStream(backfill.stream)
  try {
    const unsigned = await waitsFor(run, opened, run.session.streams)
    if (unsigned) {
      await pause(run, backfill, 'connection', MINUTE_MS, unsigned.detail)
      return 'over'
    }
    const entity = engine.entities.get(backfill.entity)
    if (!entity) throw new VendorFault('mapping', `Nothing here takes ${backfill.entity} records.`)
    const isMore = await fillPage(run, backfill, entity, most)
    await commit(run, (tx) => noteWait(tx, backfill.id, { waitsFor: null, resumeAt: null }))
    if (isMore) return 'more'
    await finish(run, backfill)
    return 'over'
  } catch (error) {
    if (error instanceof LeaseLost) return 'busy'
    if (signal.aborted) return 'over'
    if (!(error instanceof VendorFault)) throw error
    await fail(run, backfill, error)
    return 'over'
  } finally {
    const more = calls.takeUnkept()
    const count = [...more.values()].reduce((sum, one) => sum + one.calls + one.checks, 0)
    await engine.store.transaction(workspaceId, async (tx) => {
      if (more.size > 0) await addCalls(tx, runId, more)
      await addDayCalls(tx, backfill.id, count, engine.clock.now())
    })
    await lease.release()
  }
}

async function pause(
  run: Run,
  { id }: BackfillRow,
  waitsForWhat: BackfillWait,
  afterMs: number,
  detail: string,
): Promise<void> {
  const resumeAt = new Date(run.engine.clock.now().getTime() + afterMs)
  await commit(run, (tx) => noteWait(tx, id, { waitsFor: waitsForWhat, resumeAt, detail }))
}

/** What passes is tried again by itself; the rest waits for somebody to see to it and resume. */
async function fail(run: Run, backfill: BackfillRow, fault: VendorFault): Promise<void> {
  const { kind, message: detail, retryAfterMs } = fault
  if (PASSING.has(kind)) {
    const isDaily = kind === 'rate_daily' || kind === 'rate_share'
    const afterMs = Math.max(RETRY_MS, retryAfterMs ?? 0)
    await pause(run, backfill, isDaily ? 'calls' : 'vendor', afterMs, detail)
    return
  }
  await commit(run, async (tx) => {
    const now = run.engine.clock.now()
    await moveBackfill(tx, backfill.id, ['running'], 'failed', null, now, { kind, detail })
    if (kind === 'reauth') await markNeedsLogin(tx, run.connectionId, now)
    await tellEnd(run, tx, backfill, 'failed')
  })
}

async function finish(run: Run, backfill: BackfillRow): Promise<void> {
  await commit(run, async (tx) => {
    const now = run.engine.clock.now()
    if (!(await moveBackfill(tx, backfill.id, ['running'], 'done', null, now))) return
    await endBackfillRun(tx, backfill.runId, now)
    await tellEnd(run, tx, backfill, 'done')
  })
}

/** Closes the run of a backfill that is over. */
export async function endBackfillRun(
  tx: Parameters<typeof endRun>[0],
  runId: string,
  now: Date,
): Promise<void> {
  const counts = await countOutcomes(tx, runId)
  const isFaulty = Object.values(counts).some(
    (of) => (of['refused'] ?? 0) + (of['conflict'] ?? 0) > 0,
  )
  const state: RunState = isFaulty ? 'partial' : 'succeeded'
  await endRun(tx, runId, { state, counts, fault: null, retryAt: null, retryStreams: null }, now)
}

async function tellEnd(
  run: Run,
  tx: Parameters<typeof endRun>[0],
  { id, connectionId, field }: BackfillRow,
  state: 'done' | 'failed',
): Promise<void> {
  const data = { connectionId, field, state }
  const events = [{ event: 'sync.backfill_ended', subjectId: id, data }]
  await run.engine.publish(tx, events, run.engine.clock.now())
}
