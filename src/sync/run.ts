import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import { noTracer } from '#core/trace.ts'
import { CallBudget } from './call-budget.ts'
import { closePlans, sendOrPlan, type Sent } from './change-plan.ts'
import {
  VendorFault,
  type Connector,
  type FaultKind,
  type OpenConnection,
  type Session,
  type Stream,
  type VendorCall,
} from './connector.ts'
import {
  findConnection,
  markNeedsLogin,
  readSettings,
  updateConnection,
} from './connection.store.ts'
import { commit, type Engine, type Run } from './engine.ts'
import type { Entity } from './entity.ts'
import { followChanges } from './follow.ts'
import { Lease, LeaseLost } from './lease.ts'
import { mappingsOf, rulesOf, type StoredRule } from './field-rules.ts'
import { listRules } from './field-rule.store.ts'
import { integrationOf } from './integration.ts'
import { closeStreamError, openErrors, type OutcomePlace } from './outcome.store.ts'
import { pullStream, revisit } from './pull.ts'
import { seedStream } from './push.ts'
import { proveStream } from './prove.ts'
import { reconcileStream } from './reconcile.ts'
import { Circuit } from './retry.ts'
import {
  addCalls,
  countOutcomes,
  dropRun,
  endRun,
  ensureStreams,
  findRun,
  markStream,
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

/** Of a stream: all that is due, the same after both sides were compared whole, or only what is known to have changed. */
type Way = 'whole' | 'compared' | 'changes'

export type RunEnd = 'done' | 'busy' | 'gone'

interface StreamFault {
  stream: string
  kind: FaultKind
  detail: string
  retryAfterMs: number | null
}

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
  const opened = await open(engine, workspaceId, row)
  if (!opened) return
  const { session, vendor, calls, rules } = opened
  const stop = AbortSignal.any([signal, lease.signal])
  const noted = { calls: 0, checks: 0 }
  // Before the run ends, so that whoever sees the end sees its calls; and once more for what came behind.
  const noteCalls = async () => {
    const more = { calls: calls.count - noted.calls, checks: calls.checks - noted.checks }
    Object.assign(noted, { calls: calls.count, checks: calls.checks })
    if (more.calls + more.checks > 0)
      await engine.store.transaction(workspaceId, (tx) => addCalls(tx, row.id, more))
  }
  const run: Run = {
    id: row.id,
    cause: row.cause,
    workspaceId,
    connectionId: row.connectionId,
    vendor,
    session,
    rulesOf: (entity, stream) => rulesOf(entity, stream, rules),
    lease,
    signal: stop,
    patience: {
      circuit: new Circuit(),
      signal: stop,
      wait: (durationMs, abort) => engine.wait(durationMs, abort),
      random: () => engine.random(),
    },
    async asCheck(work) {
      calls.isCheck = true
      try {
        return await work()
      } finally {
        calls.isCheck = false
      }
    },
    engine,
  }
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
    const goOn = () =>
      row.cause === 'change'
        ? followChanges(run, follow, () => calls.count)
        : goThrough(run, due, howOf)
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

/** A call to the vendor as a span, by the template of its path. */
function noteCall(engine: Engine, vendor: string, call: VendorCall): void {
  const { method, path, status, durationMs } = call
  const attributes = {
    'http.request.method': method,
    'url.template': path,
    'http.response.status_code': status,
    'throughline.vendor': vendor,
  }
  const failure = status === 0 ? 'no_answer' : status >= 400 ? String(status) : null
  engine.tracer?.note(`${method} ${path}`, { kind: 'client', attributes }, durationMs, failure)
}

/** Calls of the session so far: of the sync, and of reading back. */
interface Calls {
  count: number
  checks: number
  isCheck: boolean
}

/** Opens the connection, or null when it is gone or its vendor is not known to this version. */
async function open(
  engine: Engine,
  workspaceId: string,
  row: RunRow,
): Promise<{
  session: Session
  vendor: string
  calls: Calls
  rules: readonly StoredRule[]
  connector: Connector
  settings: Record<string, unknown>
} | null> {
  const found = await engine.store.transaction(workspaceId, async (tx) => {
    const connection = await findConnection(tx, row.connectionId)
    if (!connection) return null
    const settings = await readSettings(tx, row.connectionId)
    return { connection, settings, rules: await listRules(tx, row.connectionId) }
  })
  const connector = found && engine.connectors.get(found.connection.vendor)
  if (!found?.settings || !connector) return null
  const calls: Calls = { count: 0, checks: 0, isCheck: false }
  const connection = openConnection(
    engine,
    workspaceId,
    row.connectionId,
    found.settings,
    (call) => {
      const { status } = call
      if (calls.isCheck) calls.checks += 1
      else calls.count += 1
      const statusClass = status === 0 ? 'none' : `${Math.floor(status / 100)}xx`
      engine.metrics?.syncCalls.inc({ vendor: connector.vendor, status: statusClass })
      engine.onVendorCall?.(workspaceId, connector.vendor, call)
      noteCall(engine, connector.vendor, call)
    },
  )
  const opened = connector.open({ ...connection, mappings: mappingsOf(found.rules) })
  const session: Session = {
    ...opened,
    async close() {
      await opened.close()
      await connection.budget.close()
    },
  }
  const { rules, settings } = found
  return { session, vendor: connector.vendor, calls, rules, connector, settings }
}

/** What a connector is given to work with. */
export function openConnection(
  engine: Engine,
  workspaceId: string,
  connectionId: string,
  settings: Record<string, unknown>,
  onCall: (call: VendorCall) => void,
): OpenConnection & { budget: CallBudget } {
  const budget = new CallBudget(engine.store, engine.clock, workspaceId, connectionId)
  return {
    budget,
    id: connectionId,
    settings,
    clock: engine.clock,
    beforeCall: () => budget.take(),
    onCall(call) {
      onCall(call)
      engine.log.debug({ connectionId, ...call }, 'vendor call')
    },
    async saveSettings(changes) {
      await engine.store.transaction(workspaceId, async (tx) => {
        const known = await readSettings(tx, connectionId, 'lock')
        if (!known) return
        const now = engine.clock.now()
        await updateConnection(tx, connectionId, { settings: { ...known, ...changes } }, now)
      })
    },
    wait: (durationMs, signal) => engine.wait(durationMs, signal),
    ...(engine.callTimeoutMs === undefined ? {} : { timeoutMs: engine.callTimeoutMs }),
  }
}

/** Runs the streams one after the other; a fault that is the vendor's as a whole ends the run, one of a stream does not. */
async function goThrough(
  run: Run,
  streams: readonly Stream[],
  wayOf: (stream: Stream) => Way,
): Promise<StreamFault[]> {
  const faults: StreamFault[] = []
  for (const stream of streams) {
    const { tracer = noTracer } = run.engine
    const attributes = { 'throughline.stream': stream.name, 'throughline.vendor': run.vendor }
    const fault = await tracer.span(`sync ${stream.name}`, { attributes }, async (span) => {
      const found = await goThroughOne(run, stream, wayOf(stream))
      if (found) span.fail(found.kind)
      return found
    })
    if (!fault) continue
    faults.push(fault)
    if (!['permission', 'mapping', 'gone', 'conflict', 'record'].includes(fault.kind)) break
  }
  return faults
}

async function goThroughOne(run: Run, stream: Stream, way: Way): Promise<StreamFault | null> {
  const entity = run.engine.entities.get(stream.entity)
  const place = placeOf(run, stream)
  let sent: Sent = 'through'
  try {
    if (!entity) throw new VendorFault('mapping', `Nothing here takes ${stream.entity} records.`)
    const { pull, push, toVendor } = stream
    if (way === 'changes') await revisit(run, stream, entity)
    else {
      if (way === 'compared') await reconcileStream(run, stream)
      if (push && toVendor) await seedStream(run, stream, entity)
      if (pull) await pullStream(run, { ...stream, pull }, entity)
    }
    if (push && toVendor) sent = await sendOrPlan(run, { ...stream, push, toVendor }, entity)
  } catch (error) {
    run.signal.throwIfAborted()
    if (!(error instanceof VendorFault)) throw error
    const { kind, message: detail, retryAfterMs } = error
    await commit(run, async (tx) => {
      const now = run.engine.clock.now()
      await markStream(tx, run.connectionId, stream.name, false, now)
      const item = { record: '', localId: null, externalId: null, code: `stream.${kind}`, detail }
      await openErrors(tx, place, [item], now)
    })
    return { stream: stream.name, kind, detail, retryAfterMs }
  }
  if (sent === 'waiting') await noteStream(run, stream, 'plan.waiting', null)
  // Changes alone do not show that the stream as a whole is sound.
  if (way === 'changes') return null
  const now = run.engine.clock.now()
  await commit(run, (tx) => markStream(tx, run.connectionId, stream.name, true, now))
  return readBack(run, stream, entity, way === 'compared' ? 'whole' : 'written', sent)
}

/** Opens the item of the stream as a whole. */
async function noteStream(
  run: Run,
  stream: Stream,
  code: string,
  detail: string | null,
): Promise<void> {
  const item = { record: '', localId: null, externalId: null, code, detail }
  await commit(run, (tx) => openErrors(tx, placeOf(run, stream), [item], run.engine.clock.now()))
}

/**
 * What was done stands, whether it can be read back or not: a fault on the way leaves the records unproved for the next run,
 * and an item that says so. Only what stops every call ends the run.
 */
async function readBack(
  run: Run,
  stream: Stream,
  entity: Entity,
  scope: 'written' | 'whole',
  sent: Sent,
): Promise<StreamFault | null> {
  try {
    await proveStream(run, stream, entity, scope)
    if (sent === 'through') await commit(run, (tx) => closeStreamError(tx, placeOf(run, stream)))
    return null
  } catch (error) {
    run.signal.throwIfAborted()
    if (!(error instanceof VendorFault)) throw error
    const { kind, message: detail, retryAfterMs } = error
    await noteStream(run, stream, 'certificate.unread', detail)
    return ['reauth', 'rate_daily', 'account'].includes(kind)
      ? { stream: stream.name, kind, detail, retryAfterMs }
      : null
  }
}

function placeOf(run: Run, stream: Stream): OutcomePlace {
  return {
    runId: run.id,
    connectionId: run.connectionId,
    stream: stream.name,
    entity: stream.entity,
    direction: stream.direction === 'push' ? 'push' : 'pull',
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
    const retryAt = fault && isPassingKind(fault.kind) ? retryTime(row, fault, now) : null
    await endRun(tx, run.id, { state, counts, fault, retryAt }, now)
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
  return ['transient', 'rate_burst', 'rate_daily', 'account'].includes(kind)
}

function retryTime(row: RunRow, fault: StreamFault, now: Date): Date {
  const usual = (RETRY_MINUTES[Math.min(row.retries, RETRY_MINUTES.length - 1)] ?? 5) * MINUTE_MS
  return new Date(now.getTime() + Math.max(usual, fault.retryAfterMs ?? 0))
}

function daysSince(at: Date | undefined, engine: Engine): number {
  return at ? (engine.clock.now().getTime() - at.getTime()) / DAY_MS : 0
}

/** The fault of a connection that some domain has not signed as it stands; null when all have, or nobody must. */
async function waitsFor(
  { engine, workspaceId, connectionId, session }: Run,
  { connector, settings }: { connector: Connector; settings: Record<string, unknown> },
  due: readonly Stream[],
): Promise<StreamFault | null> {
  const { approval } = engine
  if (!approval) return null
  const signatures = await engine.store.read(workspaceId, async (tx) =>
    approval.list(tx, await integrationOf(tx, connectionId, connector, settings, session.streams)),
  )
  const missing = signatures.flatMap((one) => (one.approvedAt === null ? [one.domain] : []))
  if (missing.length === 0) return null
  return {
    stream: due[0]?.name ?? '',
    kind: 'approval',
    detail: `Not signed yet for ${missing.join(', ')}.`,
    retryAfterMs: null,
  }
}

function broken(): StreamFault {
  return {
    stream: '',
    kind: 'mapping',
    detail: `The run was cut off ${MAX_ATTEMPTS} times and is given up; the next one goes on.`,
    retryAfterMs: null,
  }
}
