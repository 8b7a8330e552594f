import { newId } from '#core/id.ts'
import type { Transaction } from '#store/store.ts'
import { pageFrom, stateOf } from './change-plan-page.ts'
import { fitOf, plannedFields, type PlannedChange } from './change-plan.rules.ts'
import {
  clearPlanned,
  countPlanned,
  findLimit,
  findOpenPlan,
  insertPlan,
  insertPlanned,
  listPlanned,
  markPlanned,
  movePlan,
  noteLeftOut,
  notePrepares,
  readStandings,
  type PlanCount,
} from './change-plan.store.ts'
import type { PushChange } from './connector.ts'
import { commit, type Run } from './engine.ts'
import type { Entity } from './entity.ts'
import {
  deliver,
  freshen,
  freshPages,
  isPrepared,
  pushStream,
  wayFor,
  type PushStream,
} from './push.ts'
import { noteUnproved } from './prove.store.ts'
import { countPending, type Delivery, type PushPage } from './push-page.store.ts'

const PAGE = 2000

/** What became of the changes of a stream: they are out, or they wait for a plan to be signed. */
export type Sent = 'through' | 'waiting'

/**
 * Sends what is due of a stream, unless it is to be planned first: because somebody asked for a plan, or because more is due
 * than the connection lets go without one. An approved plan is carried out to the letter, and nothing beside it.
 */
export async function sendOrPlan(run: Run, stream: PushStream, entity: Entity): Promise<Sent> {
  const { open, limit, due } = await run.engine.store.read(run.workspaceId, async (tx) => {
    const most = await findLimit(tx, run.connectionId)
    return {
      open: await findOpenPlan(tx, run.connectionId),
      limit: most,
      due: await countPending(tx, run.connectionId, entity.name, (most ?? 0) + 1),
    }
  })
  // An undo is its own runs' business: what changed here and there goes on meanwhile, and it looks anew before it writes.
  if (open?.undoes) {
    if (limit !== null && due > limit) return 'waiting'
    await pushStream(run, stream, entity)
    return 'through'
  }
  if (open?.state === 'approved' && open.streams.includes(stream.name)) {
    await carryOut(run, open.id, stream, entity)
    return 'through'
  }
  if (open?.state === 'building' && open.builtIn === run.id) {
    const planned = await buildPlan(run, open.id, stream, entity)
    return planned > 0 ? 'waiting' : 'through'
  }
  // A run that was to plan writes nothing, also when its plan was discarded on the way.
  if (open || run.cause === 'plan') return due > 0 ? 'waiting' : 'through'
  if (limit !== null && due > limit) return planAbove(run, stream, entity, limit)
  await pushStream(run, stream, entity)
  return 'through'
}

/** More is due than may go without a plan. Much of it may turn out to be there already: what counts is what would be written. */
async function planAbove(
  run: Run,
  stream: PushStream,
  entity: Entity,
  limit: number,
): Promise<Sent> {
  // A single change is no reason to plan: the next whole run plans all that came together.
  if (run.cause === 'change') return 'waiting'
  const id = newId('pln')
  const streams = run.session.streams.flatMap((one) => (one.push ? [one.name] : []))
  const plan = { id, connectionId: run.connectionId, builtIn: run.id, streams, madeBy: null }
  await commit(run, (tx) => insertPlan(tx, plan, run.engine.clock.now()))
  const planned = await buildPlan(run, id, stream, entity)
  if (planned > limit) return 'waiting'
  await commit(run, (tx) =>
    movePlan(tx, id, ['building'], 'discarded', null, run.engine.clock.now()),
  )
  await pushStream(run, stream, entity)
  return 'through'
}

/**
 * Goes the whole way of a push but for the write itself, and keeps what would be written.
 * @returns how many records.
 */
async function buildPlan(
  run: Run,
  planId: string,
  stream: PushStream,
  entity: Entity,
): Promise<number> {
  await commit(run, (tx) => clearPlanned(tx, planId, stream.name))
  const leftOut: Record<string, number> = {}
  let planned = 0
  for await (const page of freshPages(run, stream, entity)) {
    const changes = page.changes.map((change) => plannedOf(change, page))
    planned += changes.length
    for (const { result } of page.settled) {
      if (result.kind === 'passed') continue
      const why = result.kind === 'skipped' ? result.code : result.kind
      leftOut[why] = (leftOut[why] ?? 0) + 1
    }
    await commit(run, (tx) =>
      insertPlanned(tx, planId, { stream: stream.name, entity: entity.name }, changes),
    )
  }
  const prepares = planned > 0 && !(await isPrepared(run))
  await commit(run, async (tx) => {
    await noteLeftOut(tx, planId, stream.name, leftOut)
    if (prepares) await notePrepares(tx, planId)
  })
  return planned
}

function plannedOf(change: PushChange, page: PushPage): Omit<PlannedChange, 'seq'> {
  const { localId } = change.record
  const { externalId, properties } = change
  const isNew = externalId === null
  return {
    localId,
    externalId,
    side: 'there' as const,
    action: change.deleted ? 'delete' : isNew ? 'create' : 'update',
    changedIn: page.pending.get(localId)?.changedIn ?? '0',
    properties,
    sent: plannedFields(page.plans.get(localId)),
  }
}

/**
 * Writes what was approved, and nothing else. What cannot be written any more as it was approved is left, with the reason;
 * what the run did before it was cut off is recognised.
 */
async function carryOut(
  run: Run,
  planId: string,
  stream: PushStream,
  entity: Entity,
): Promise<void> {
  // Records that stood in the way were linked and merged: a second pass sees whether they are as planned.
  for (let pass = 0; pass < 2; pass += 1) {
    for (let after = 0; ;) {
      const planned = await run.engine.store.read(run.workspaceId, (tx) =>
        listPlanned(tx, planId, stream.name, after, PAGE),
      )
      const last = planned.at(-1)
      if (!last) break
      after = last.seq
      await freshen(
        run,
        stream,
        entity,
        planned.filter(({ action }) => action === 'update'),
      )
      await carryOutPage(run, planId, stream, entity, planned)
    }
  }
}

async function carryOutPage(
  run: Run,
  planId: string,
  stream: PushStream,
  entity: Entity,
  planned: readonly PlannedChange[],
): Promise<void> {
  const { page, outdated } = await run.engine.store.read(run.workspaceId, (tx) =>
    pageOf(tx, run.connectionId, entity, planned),
  )
  await commit(run, (tx) => markPlanned(tx, planId, entity.name, outdated))
  const way = wayFor(stream, page.changes.length)
  await deliver(run, way, entity, page, async (tx, deliveries) => {
    await markPlanned(tx, planId, entity.name, deliveries.flatMap(stateOf))
    // What a run that was cut off had written is proved as if this one had.
    const arrived = deliveries.filter(
      ({ change, result }) => result.kind === 'unchanged' && !change.deleted,
    )
    const unread = arrived.map(({ change }) => ({ localId: change.record.localId, before: {} }))
    if (stream.fetch) await noteUnproved(tx, run.connectionId, entity.name, unread)
  })
}

/** Planned changes as a page of the push: those that fit are sent, those that are there already only settle. */
async function pageOf(
  tx: Transaction,
  connectionId: string,
  entity: Entity,
  planned: readonly PlannedChange[],
): Promise<{ page: PushPage; outdated: Parameters<typeof markPlanned>[3] }> {
  const ids = planned.map(({ localId }) => localId)
  const records = new Map(
    ((await entity.load?.(tx, ids)) ?? []).map((record) => [record.localId, record]),
  )
  const standings = await readStandings(tx, connectionId, entity.name, ids)
  const unlinked = { externalId: null, goneThere: null, base: null, disputed: new Set<string>() }
  const changes: PushChange[] = []
  const settled: Delivery[] = []
  const outdated: Parameters<typeof markPlanned>[3][number][] = []
  for (const one of planned) {
    const { localId, externalId, properties, action } = one
    const record = records.get(localId)
    const standing = standings.get(localId) ?? unlinked
    const fit = fitOf(one, { ...standing, isHere: record !== undefined })
    const change = {
      key: localId,
      record: record ?? { localId, values: {} },
      externalId: action === 'create' ? standing.externalId : externalId,
      properties,
      ...(action === 'delete' ? { deleted: true } : {}),
    }
    if (fit.kind === 'send') changes.push(change)
    else if (fit.kind === 'arrived') settled.push({ change, result: { kind: 'unchanged' } })
    else outdated.push({ localId, state: 'outdated', note: fit.note })
  }
  return { outdated, page: pageFrom(planned, changes, settled) }
}

/** At the end of a run: a plan that was made is proposed, one that was carried out is done. */
export async function closePlans(run: Run, isSound: boolean): Promise<void> {
  await commit(run, async (tx) => {
    const plan = await findOpenPlan(tx, run.connectionId)
    if (!plan) return
    const now = run.engine.clock.now()
    const counts = await countPlanned(tx, plan.id)
    if (plan.state === 'building' && plan.builtIn === run.id) {
      const isEmpty = counts.every(({ state }) => state === 'kept')
      const to = !isSound ? 'failed' : isEmpty ? 'done' : 'proposed'
      await movePlan(tx, plan.id, ['building'], to, null, now)
      if (to !== 'proposed') return
      await run.engine.publish(
        tx,
        [
          {
            event: 'sync.plan_proposed',
            subjectId: plan.id,
            data: { connectionId: run.connectionId, changes: sumOf(counts), undoes: plan.undoes },
          },
        ],
        now,
      )
    }
    const isLeft = counts.some(({ state }) => state === 'planned')
    if (plan.state === 'approved' && isSound && !isLeft) {
      await movePlan(tx, plan.id, ['approved'], 'done', null, now)
    }
  })
}

function sumOf(counts: readonly Pick<PlanCount, 'state' | 'records'>[]): number {
  return counts.reduce((sum, { state, records }) => sum + (state === 'kept' ? 0 : records), 0)
}
