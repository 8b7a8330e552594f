import { VendorFault, type PushChange, type PushResult, type Stream } from './connector.ts'
import type { Entity } from './entity.ts'
import { commit, type Run } from './engine.ts'
import { LeaseLost } from './lease.ts'
import {
  findPlan,
  loadPage,
  seedPending,
  settlePage,
  type Delivery,
  type PendingKey,
  type PushPage,
} from './push.store.ts'
import { isPassing, withPatience } from './retry.ts'

const PAGE = 2000

/** What can be pushed: a stream with the parts that a push needs. */
type PushStream = Stream & Required<Pick<Stream, 'push' | 'toVendor'>>

/**
 * Sends all records that are due to the vendor, in the order of their first unsent change, page by page: while one page
 * is on its way the next is read. Records whose properties the vendor has already cost no call.
 *
 * What was delivered before a fault is settled; the rest stays pending in its order.
 * @throws VendorFault when the vendor cannot go on.
 */
export async function pushStream(run: Run, stream: PushStream, entity: Entity): Promise<void> {
  await seed(run, stream, entity)
  await ensurePrepared(run)
  let next = load(run, stream, entity, null)
  for (;;) {
    const page = await next
    if (page.last === null) return
    next = load(run, stream, entity, page.last)
    try {
      await deliver(run, stream, page)
    } catch (error) {
      await next.catch(() => null) // its fault, if any, is of no use any more: the page is read again next time
      throw error
    }
  }
}

/** A new connection is due all records that exist: they are queued in pages, before anything that changed later. */
async function seed(run: Run, stream: PushStream, entity: Entity): Promise<void> {
  if (!entity.listIds) return
  let isSeeded = false
  while (!isSeeded) {
    isSeeded = await commit(run, (tx) =>
      seedPending(tx, run.connectionId, stream, entity, run.engine.clock.now()),
    )
  }
}

/** Sees to what must exist at the vendor, once a connection and not once a run. */
async function ensurePrepared(run: Run, again = false): Promise<void> {
  const { preparation } = run.session
  const done = await run.engine.store.read(run.workspaceId, (tx) => findPlan(tx, run.connectionId))
  if (done === preparation && !again) return
  await withPatience(() => {
    run.lease.assertHeld()
    return run.session.prepare(run.signal)
  }, run.patience)
  await commit(run, (tx) => findPlan(tx, run.connectionId, preparation))
}

function load(
  run: Run,
  stream: PushStream,
  entity: Entity,
  after: PendingKey | null,
): Promise<PushPage> {
  const page = run.engine.store.read(run.workspaceId, (tx) =>
    loadPage(tx, run.connectionId, stream, entity, after, run.engine.clock.now(), PAGE),
  )
  page.catch(() => null) // awaited by the caller later; until then a failure must not count as unhandled
  return page
}

/** Sends what of a page differs, then settles all that became of it in one transaction. */
async function deliver(run: Run, stream: PushStream, page: PushPage): Promise<void> {
  const deliveries: Delivery[] = [...page.settled]
  let fault: unknown = null
  try {
    for (let from = 0; from < page.changes.length; from += stream.batchSize) {
      const batch = page.changes.slice(from, from + stream.batchSize)
      await deliverBatch(run, stream, batch, deliveries)
    }
  } catch (error) {
    if (error instanceof LeaseLost) throw error
    fault = error
  }
  await commit(run, (tx) => settlePage(tx, run, stream, page, deliveries, run.engine.clock.now()))
  count(run, stream, deliveries)
  if (fault !== null) throw fault
}

/**
 * Sends one batch. When it fails again and again while the vendor answers others, one of its records is the cause: the
 * batch is halved, breadth first, until that record stands alone.
 */
async function deliverBatch(
  run: Run,
  stream: PushStream,
  batch: readonly PushChange[],
  deliveries: Delivery[],
): Promise<void> {
  const suspects: (readonly PushChange[])[] = [batch]
  for (let part = suspects.shift(); part; part = suspects.shift()) {
    try {
      const results = await send(run, stream, part, part === batch)
      part.forEach((change, i) => deliveries.push({ change, result: results[i]! }))
    } catch (error) {
      const isOver = run.patience.circuit.isOpen || run.signal.aborted
      if (isOver || !isPassing(error) || error.kind === 'rate_burst') throw error
      const middle = part.length >> 1
      if (middle > 0) suspects.push(part.slice(0, middle), part.slice(middle))
      else deliveries.push({ change: part[0]!, result: undelivered(error) })
    }
  }
}

async function send(
  run: Run,
  stream: PushStream,
  part: readonly PushChange[],
  isWhole: boolean,
): Promise<PushResult[]> {
  const call = () => {
    run.lease.assertHeld()
    return stream.push(part, run.signal)
  }
  try {
    return await withPatience(call, run.patience, isWhole ? undefined : 1)
  } catch (error) {
    if (!(error instanceof VendorFault) || error.kind !== 'mapping') throw error
    // Something that we had seen to was removed at the vendor: put it back once, then go on.
    await ensurePrepared(run, true)
    return withPatience(call, run.patience)
  }
}

function undelivered(fault: VendorFault): PushResult {
  return {
    kind: 'refused',
    fault: 'transient',
    code: 'delivery.failing',
    detail: fault.message,
  }
}

function count(run: Run, stream: PushStream, deliveries: readonly Delivery[]): void {
  if (!run.engine.metrics) return
  const labels = { vendor: run.vendor, stream: stream.name, direction: 'push' }
  for (const { result } of deliveries) {
    const outcome =
      result.kind === 'written' ? (result.created ? 'created' : 'updated') : result.kind
    run.engine.metrics.syncRecords.inc({ ...labels, outcome })
  }
}
