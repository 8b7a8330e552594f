import type { BackfillRow } from './backfill.store.ts'
import { advance, listLinked } from './backfill.store.ts'
import { onlyField, pageSizeOf } from './backfill.rules.ts'
import { VendorFault, type Stream } from './connector.ts'
import { commit, type Run } from './engine.ts'
import type { Candidate, Entity } from './entity.ts'
import type { StreamRules } from './field-rules.ts'
import { deliver } from './push.ts'
import { pageOfRows, type PendingRow, type PushPage } from './push-page.store.ts'
import { withPatience } from './retry.ts'
import { writePage } from './write.ts'

/**
 * Fills the field of the next records: a page, from reading to the kept position.
 * @param mostCalls  where each record is a call of its own, a page has no more of them.
 * @returns whether there are more. @throws VendorFault when the vendor cannot go on.
 */
export async function fillPage(
  run: Run,
  backfill: BackfillRow,
  entity: Entity,
  mostCalls: number,
): Promise<boolean> {
  const stream = run.session.streams.find(({ name }) => name === backfill.stream)
  const whole = stream && run.rulesOf(entity, stream)
  const rules = whole ? onlyField(whole, backfill.field) : null
  if (!stream?.fetch || !rules)
    throw new VendorFault('mapping', `The field ${backfill.field} is not mapped any more.`)
  // Whatever is merged and written from here on is of this field alone.
  const own: Run = { ...run, rulesOf: () => rules }
  const each = stream.costs?.update.records === 1 && backfill.direction === 'out'
  const usual = pageSizeOf(stream)
  const size = each ? Math.min(usual, mostCalls) : usual
  const place = { connectionId: run.connectionId, entity: entity.name }
  const list = () =>
    run.engine.store.read(run.workspaceId, (tx) =>
      listLinked(tx, place, backfill.position, size, run.engine.clock.now()),
    )
  const rows = await list()
  if (backfill.direction === 'out') await sendPage(own, stream, entity, rules, rows, list)
  else if (rows.length > 0) await takePage(own, stream, entity, rows)
  const last = rows.at(-1)
  if (!last) return false
  const { id, position } = backfill
  await commit(run, (tx) =>
    advance(tx, id, position, last.localId, rows.length, run.engine.clock.now()),
  )
  return rows.length === size
}

/** Deletions are live sync's to take in, with all that they mean. */
async function read(
  run: Run,
  stream: Stream,
  externalIds: readonly string[],
  need?: 'history',
): Promise<Candidate[]> {
  const { fetch } = stream
  if (!fetch || externalIds.length === 0) return []
  const candidates = await withPatience(() => {
    run.lease.assertHeld()
    return fetch(externalIds, run.signal, need)
  }, run.patience)
  return candidates.filter((candidate) => !candidate.deleted)
}

/**
 * Reads records and merges the field into them; of those that both sides have differently the history is asked as well.
 * @returns the vendor's ids of those that are there.
 */
async function merge(
  run: Run,
  stream: Stream,
  entity: Entity,
  rows: readonly PendingRow[],
  cause: 'pull' | 'before_push',
): Promise<Set<string>> {
  const write = (candidates: readonly Candidate[]) =>
    commit(run, (tx) =>
      writePage(tx, run, stream, entity, candidates, [], run.engine.clock.now(), cause),
    )
  const ids = rows.flatMap(({ externalId }) => externalId ?? [])
  const candidates = await read(run, stream, ids)
  const { deferred } = await write(candidates)
  if (deferred.length > 0) await write(await read(run, stream, deferred, 'history'))
  return new Set(candidates.map(({ externalId }) => externalId))
}

async function takePage(
  run: Run,
  { push: _push, ...stream }: Stream,
  entity: Entity,
  rows: readonly PendingRow[],
): Promise<void> {
  // Without a way to push, a value that only the hub has stays due to nobody.
  await merge(run, stream, entity, rows, 'pull')
}

async function sendPage(
  run: Run,
  stream: Stream,
  entity: Entity,
  rules: StreamRules,
  rows: readonly PendingRow[],
  list: () => Promise<PendingRow[]>,
): Promise<void> {
  const { push, toVendor } = stream
  if (!push || !toVendor) throw new VendorFault('mapping', `Nothing is written to ${stream.name}.`)
  const way = { ...stream, push, toVendor, pushesDeletes: false }
  const load = (of: readonly PendingRow[]): Promise<PushPage> =>
    run.engine.store.read(run.workspaceId, (tx) =>
      pageOfRows(tx, run.connectionId, way, entity, rules, of),
    )
  const first = await load(rows)
  const wanted = new Set(first.changes.map(({ key }) => key))
  await deliver(run, way, entity, { ...first, changes: [] })
  if (wanted.size === 0) return
  // What is there is read and merged before it is written, by the field's policy.
  const due = rows.filter(({ localId }) => wanted.has(localId))
  const there = await merge(run, stream, entity, due, 'before_push')
  // Those that are gone there are live sync's.
  const left = (await list()).filter(
    ({ localId, externalId }) =>
      wanted.has(localId) && externalId !== null && there.has(externalId),
  )
  await deliver(run, way, entity, await load(left))
}
