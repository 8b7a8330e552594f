import { findPreparation, keepPreparation } from './connection.store.ts'
import { VendorFault, type PushChange, type PushResult, type Stream } from './connector.ts'
import type { Transaction } from '#store/store.ts'
import type { Entity } from './entity.ts'
import { commit, type Run } from './engine.ts'
import { LeaseLost } from './lease.ts'
import {
  countPending,
  loadPage,
  seedPending,
  type Delivery,
  type PendingKey,
  type PushPage,
} from './push-page.store.ts'
import { settlePage } from './push.store.ts'
import { revisit } from './pull.ts'
import { isPassing, withPatience } from './retry.ts'
import { writePage } from './write.ts'

const PAGE = 2000

/** What can be pushed: a stream with the parts that a push needs. */
export type PushStream = Stream & Required<Pick<Stream, 'push' | 'toVendor'>>

/**
 * Sends all records that are due to the vendor, in the order of their first unsent change, page by page: while one page
 * is on its way the next is read. Records that the vendor has already cost no call. On streams that are merged field by
 * field, linked records are read and merged before they are written: only what changed here goes out.
 *
 * What was delivered before a fault is settled; the rest stays pending in its order.
 * @throws VendorFault when the vendor cannot go on.
 */
export async function pushStream(run: Run, stream: PushStream, entity: Entity): Promise<void> {
  const way = await chooseWay(run, stream, entity)
  // Records that stood in the way were linked and merged: a second pass sends what is left of them.
  for (let pass = 0; pass < 2; pass += 1) {
    const isAgain = await pushPages(run, way, entity)
    if (!isAgain) return
  }
}

/** The bulk way of the vendor when so much is due that it pays, else the usual one. */
async function chooseWay(run: Run, stream: PushStream, entity: Entity): Promise<PushStream> {
  const { bulk } = stream
  if (!bulk) return stream
  const due = await run.engine.store.read(run.workspaceId, (tx) =>
    countPending(tx, run.connectionId, entity.name, bulk.atLeast),
  )
  return wayFor(stream, due)
}

/** The bulk way of the vendor for so many records, else the usual one. */
export function wayFor(stream: PushStream, records: number): PushStream {
  const { bulk } = stream
  if (!bulk || records < bulk.atLeast) return stream
  return {
    ...stream,
    batchSize: bulk.batchSize,
    push: (changes, signal) => bulk.push(changes, signal),
  }
}

/** @returns whether records were found in the way, which are due again now. */
async function pushPages(run: Run, stream: PushStream, entity: Entity): Promise<boolean> {
  let isAgain = false
  for await (const page of freshPages(run, stream, entity)) {
    isAgain = (await deliver(run, stream, entity, page)) || isAgain
  }
  return isAgain
}

/**
 * What is due, page by page, each merged with what the vendor did to its records since. While one page is worked on the next
 * is read, unless pages are files.
 */
export async function* freshPages(
  run: Run,
  stream: PushStream,
  entity: Entity,
): AsyncGenerator<PushPage, void> {
  let next = load(run, stream, entity, null)
  try {
    for (let after: PendingKey | null = null; ;) {
      let page = await next
      if (page.last === null) return
      if (await freshen(run, stream, entity, page.changes)) {
        page = await load(run, stream, entity, after)
      }
      after = page.last ?? after
      if (page.last === null) return
      const { last } = page
      // Of a vendor's files one at a time is held in memory: ten thousand records each.
      const isFile = stream.batchSize > PAGE
      if (!isFile) next = load(run, stream, entity, last)
      yield page
      if (isFile) next = load(run, stream, entity, last)
    }
  } finally {
    await next.catch(() => null) // its fault, if any, is of no use any more: the page is read again next time
  }
}

/**
 * Reads the records that are about to be changed and merges what the vendor did to them since: a write of ours never covers
 * an edit that we have not seen.
 * @returns whether anything changed, so that what there is to send is to be read again.
 */
export async function freshen(
  run: Run,
  stream: PushStream,
  entity: Entity,
  changes: readonly Pick<PushChange, 'externalId' | 'deleted'>[],
): Promise<boolean> {
  const { fetch } = stream
  if (!fetch || !run.rulesOf(entity, stream)) return false
  const ids = changes.flatMap(({ externalId, deleted }) =>
    externalId === null || deleted ? [] : [externalId],
  )
  let isChanged = false
  const size = stream.fetchSize ?? stream.batchSize
  for (let from = 0; from < ids.length; from += size) {
    const part = ids.slice(from, from + size)
    const candidates = await withPatience(() => fetch(part, run.signal), run.patience)
    const moved = await commit(run, (tx) =>
      writePage(tx, run, stream, entity, candidates, [], run.engine.clock.now(), 'before_push'),
    )
    isChanged ||=
      moved.deferred.length > 0 || moved.outcomes.some(({ outcome }) => outcome !== 'unchanged')
    if (moved.deferred.length > 0) await revisit(run, stream, entity)
  }
  return isChanged
}

/** A new connection is due all records that exist: they are queued in pages, before anything that changed later. */
export async function seedStream(run: Run, stream: Stream, entity: Entity): Promise<void> {
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
  if (!again && (await isPrepared(run))) return
  await withPatience(() => {
    run.lease.assertHeld()
    return run.session.prepare(run.signal)
  }, run.patience)
  await commit(run, (tx) => keepPreparation(tx, run.connectionId, preparation))
}

/** Whether what must exist at the vendor was seen to. */
export async function isPrepared(run: Run): Promise<boolean> {
  const done = await run.engine.store.read(run.workspaceId, (tx) =>
    findPreparation(tx, run.connectionId),
  )
  return done === run.session.preparation
}

function load(
  run: Run,
  stream: PushStream,
  entity: Entity,
  after: PendingKey | null,
): Promise<PushPage> {
  const page = run.engine.store.read(run.workspaceId, (tx) =>
    loadPage(
      tx,
      run.connectionId,
      stream,
      entity,
      run.rulesOf(entity, stream),
      after,
      run.engine.clock.now(),
      Math.max(PAGE, stream.batchSize),
    ),
  )
  page.catch(() => null) // awaited by the caller later; until then a failure must not count as unhandled
  return page
}

/**
 * Sends what of a page differs, then settles all that became of it in one transaction.
 * @param also  what else is kept of the deliveries, in that transaction.
 * @returns whether records were found in the way.
 */
export async function deliver(
  run: Run,
  stream: PushStream,
  entity: Entity,
  page: PushPage,
  also?: (tx: Transaction, deliveries: readonly Delivery[]) => Promise<void>,
): Promise<boolean> {
  // Only what sends needs what we keep at the vendor: a stream that has nothing to send is not held up by it.
  if (page.changes.length > 0) await ensurePrepared(run)
  const deliveries: Delivery[] = [...page.settled]
  let fault: unknown = null
  const isNew = (change: PushChange) => change.externalId === null
  const kinds = [
    page.changes.filter(isNew),
    page.changes.filter((change) => !isNew(change) && !change.deleted),
    page.changes.filter((change) => change.deleted),
  ]
  try {
    for (const changes of kinds) {
      for (let from = 0; from < changes.length; from += stream.batchSize) {
        const batch = changes.slice(from, from + stream.batchSize)
        await deliverBatch(run, stream, batch, deliveries)
      }
    }
  } catch (error) {
    if (error instanceof LeaseLost) throw error
    fault = error
  }
  const found = deliveries.flatMap(({ result }) => (result.kind === 'exists' ? [result.now] : []))
  await commit(run, async (tx) => {
    const now = run.engine.clock.now()
    await settlePage(tx, run, stream, page, deliveries, now)
    await also?.(tx, deliveries)
    if (found.length > 0 && run.rulesOf(entity, stream)) {
      await writePage(tx, run, stream, entity, found, [], now)
    }
  })
  count(run, stream, deliveries)
  if (run.cause === 'change') noteLags(run, page, deliveries)
  if (fault !== null) throw fault
  return found.length > 0
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

/** A change that came while its record was on its way counts from the first one that was not sent. */
function noteLags(run: Run, page: PushPage, deliveries: readonly Delivery[]): void {
  const nowMs = run.engine.clock.now().getTime()
  for (const { change, result } of deliveries) {
    const since = page.pending.get(change.record.localId)?.since
    if (result.kind === 'written' && since)
      run.engine.onWritten?.(run.workspaceId, Math.max(0, nowMs - since.getTime()))
  }
}
