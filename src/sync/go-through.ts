import { noTracer } from '#core/trace.ts'
import { ALLOWANCE_USED_UP } from './call-budget.ts'
import { leavePlanned } from './change-plan.store.ts'
import { sendOrPlan, type Sent } from './change-plan.ts'
import { VendorFault, type FaultKind, type Stream } from './connector.ts'
import { commit, type Run } from './engine.ts'
import type { Entity } from './entity.ts'
import { closeStreamError, openErrors, type OutcomePlace } from './outcome.store.ts'
import { proveStream } from './prove.ts'
import { pullStream, revisit } from './pull.ts'
import { seedStream } from './push.ts'
import { reconcileStream } from './reconcile.ts'
import { markStream } from './run.store.ts'

export interface StreamFault {
  stream: string
  kind: FaultKind
  detail: string
  retryAfterMs: number | null
  /** No other stream of the run can go on either. */
  endsRun: boolean
}

/** Of a stream: all that is due, the same after both sides were compared whole, or only what is known to have changed. */
export type Way = 'whole' | 'compared' | 'changes'

/** Goes through the streams one after the other. */
export function goThrough(
  run: Run,
  streams: readonly Stream[],
  wayOf: (stream: Stream) => Way,
): Promise<StreamFault[]> {
  return eachStream(run, streams, (stream, entity) =>
    unlessNotGranted(run, stream, () => goThroughOne(run, stream, entity, wayOf(stream))),
  )
}

/** A right that many accounts do not have, and this one does not, is told on its stream; the run is sound without it. */
async function unlessNotGranted(
  run: Run,
  stream: Stream,
  work: () => Promise<StreamFault | null>,
): Promise<StreamFault | null> {
  try {
    return await work()
  } catch (error) {
    const { optional } = stream
    const isMissing = error instanceof VendorFault && error.kind === 'permission'
    if (!isMissing || optional === undefined) throw error
    const now = run.engine.clock.now()
    await commit(run, async (tx) => {
      await markStream(tx, run.connectionId, stream.name, false, now)
      await leavePlanned(tx, run.connectionId, stream.name, error.message)
    })
    await noteStream(run, stream, 'stream.not_granted', `${error.message} ${optional}`)
    return null
  }
}

/**
 * Works on the streams in order; a fault that is the vendor's as a whole ends the run, one of a stream does not.
 * @param work  answers the fault of what it did not throw for.
 */
export async function eachStream(
  run: Run,
  streams: readonly Stream[],
  work: (stream: Stream, entity: Entity) => Promise<StreamFault | null>,
): Promise<StreamFault[]> {
  const faults: StreamFault[] = []
  for (const stream of streams) {
    const { tracer = noTracer } = run.engine
    const attributes = { 'throughline.stream': stream.name, 'throughline.vendor': run.vendor }
    const fault = await tracer.span(`sync ${stream.name}`, { attributes }, async (span) => {
      const found = await withFaults(run, stream, work)
      if (found) span.fail(found.kind)
      return found
    })
    if (!fault) continue
    faults.push(fault)
    if (fault.endsRun) break
  }
  return faults
}

async function withFaults(
  run: Run,
  stream: Stream,
  work: (stream: Stream, entity: Entity) => Promise<StreamFault | null>,
): Promise<StreamFault | null> {
  const entity = run.engine.entities.get(stream.entity)
  await run.beginStream(stream.name)
  try {
    if (!entity) throw new VendorFault('mapping', `Nothing here takes ${stream.entity} records.`)
    return await work(stream, entity)
  } catch (error) {
    run.signal.throwIfAborted()
    if (!(error instanceof VendorFault)) throw error
    const { kind, message: detail, retryAfterMs } = error
    await commit(run, async (tx) => {
      const now = run.engine.clock.now()
      await markStream(tx, run.connectionId, stream.name, false, now)
      const item = { record: '', localId: null, externalId: null, code: `stream.${kind}`, detail }
      await openErrors(tx, placeOf(run, stream), [item], now)
    })
    return { stream: stream.name, kind, detail, retryAfterMs, endsRun: endsRun(error) }
  }
}

async function goThroughOne(
  run: Run,
  stream: Stream,
  entity: Entity,
  way: Way,
): Promise<StreamFault | null> {
  let sent: Sent = 'through'
  const { pull, push, toVendor } = stream
  if (way === 'changes') await revisit(run, stream, entity)
  else {
    if (way === 'compared') await reconcileStream(run, stream)
    if (push && toVendor) await seedStream(run, stream, entity)
    if (pull) await pullStream(run, { ...stream, pull }, entity)
  }
  if (push && toVendor) sent = await sendOrPlan(run, { ...stream, push, toVendor }, entity)
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
export async function readBack(
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
    return ['reauth', 'rate_daily', 'rate_share', 'account'].includes(kind)
      ? { stream: stream.name, kind, detail, retryAfterMs, endsRun: endsRun(error) }
      : null
  }
}

/** Whether a fault is the vendor's as a whole, or the allowance of the whole connection is used up. */
function endsRun({ kind, code }: VendorFault): boolean {
  if (kind === 'rate_share') return code === ALLOWANCE_USED_UP
  return !['permission', 'mapping', 'gone', 'conflict', 'record'].includes(kind)
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
