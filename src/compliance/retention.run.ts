import { dueOf, lockHolds } from '#compliance/hold.store.ts'
import type { PersonalStore } from '#compliance/personal-store.ts'
import { subjectOf } from '#compliance/privacy.store.ts'
import type { Due, Removed, RetainedKind, RetainedPeople } from '#compliance/retained-store.ts'
import { cutOff, daysOf } from '#compliance/retention.rules.ts'
import {
  endRun,
  findOpenRun,
  findRun,
  insertRun,
  listHeldKinds,
  listOpenKinds,
  listRules,
  listWorkspaces,
  lockOpenKind,
  noteRemoved,
} from '#compliance/retention.store.ts'
import { newId } from '#core/id.ts'
import { DAY_MS } from '#core/time.ts'
import type { JobContext, Timer } from '#jobs/job.ts'
import { recordOwnWork } from '#jobs/own-work.ts'
import type { Store, Transaction } from '#store/store.ts'

const WORKSPACES = 200
const ROWS = 1000
const PEOPLE = 200

export interface RetentionParts {
  kinds: readonly RetainedKind[]
  stores: readonly PersonalStore[]
}

/** Once a day, what is due goes. */
export function retentionTimer(parts: RetentionParts): Timer {
  return {
    name: 'compliance.retention',
    everyMs: DAY_MS,
    run: ({ store, clock, signal }: JobContext) =>
      applyRetention(store, parts, clock.now(), signal),
  }
}

/** Removes what is due in every workspace. A run that was stopped goes on where it was. */
export async function applyRetention(
  store: Store,
  parts: RetentionParts,
  now: Date,
  signal?: AbortSignal,
): Promise<void> {
  let after = ''
  for (;;) {
    const ids = await store.system((tx) => listWorkspaces(tx, after, WORKSPACES))
    for (const id of ids) await applyTo(store, id, parts, now, signal)
    if (ids.length < WORKSPACES) return
    after = ids.at(-1)!
  }
}

async function applyTo(
  store: Store,
  workspaceId: string,
  parts: RetentionParts,
  now: Date,
  signal?: AbortSignal,
): Promise<void> {
  const runId = await store.transaction(workspaceId, (tx) => openRun(tx, parts.kinds, now))
  if (runId === null) return
  const open = await store.transaction(workspaceId, (tx) => listOpenKinds(tx, runId))
  for (const { kind: name, before } of open) {
    const kind = parts.kinds.find((one) => one.name === name)
    let more = true
    while (more) {
      signal?.throwIfAborted()
      more = await store.transaction(workspaceId, (tx) =>
        removeBatch(tx, { runId, name, kind, before, now }, parts.stores),
      )
    }
  }
  await store.transaction(workspaceId, (tx) => closeRun(tx, runId, now))
}

/** The run that is open, else a new one over the kinds that are kept for a time. Null: the workspace keeps everything. */
async function openRun(
  tx: Transaction,
  kinds: readonly RetainedKind[],
  now: Date,
): Promise<string | null> {
  const open = await findOpenRun(tx)
  if (open) return open.id
  const rules = new Map((await listRules(tx)).map((rule) => [rule.kind, rule]))
  const due = kinds.flatMap((kind) => {
    const days = daysOf(kind, rules.get(kind.name))
    return days === null ? [] : [{ kind: kind.name, before: cutOff(now, days) }]
  })
  if (due.length === 0) return null
  const id = newId('rtr')
  await insertRun(tx, id, due, now)
  return id
}

interface Batch {
  runId: string
  name: string
  /** None when no module keeps it any more. */
  kind: RetainedKind | undefined
  before: Date
  now: Date
}

/** One transaction: what goes, and the report of it. @returns whether there may be more. */
async function removeBatch(
  tx: Transaction,
  { runId, name, kind, before, now }: Batch,
  stores: readonly PersonalStore[],
): Promise<boolean> {
  await lockHolds(tx, 'shared')
  if (!(await lockOpenKind(tx, runId, name))) return false
  const nothing: Removed = { count: 0, oldest: null, newest: null }
  // A run may go on after days: the rule and the holds of the moment count, and never more than what was due at its start.
  const [rule] = await listRules(tx, name)
  const days = kind && daysOf(kind, rule)
  if (kind === undefined || days === null || days === undefined) {
    await noteRemoved(tx, runId, name, nothing, { at: now, held: 0 })
    return false
  }
  const earlier = new Date(Math.min(before.getTime(), cutOff(now, days).getTime()))
  const due = dueOf(tx.workspaceId, earlier, now)
  const isHeld = (await listHeldKinds(tx)).has(name)
  const limit = 'removeDue' in kind ? ROWS : PEOPLE
  const removed = isHeld
    ? nothing
    : 'removeDue' in kind
      ? await kind.removeDue(tx, due, limit)
      : await erasePeople(tx, kind, due, limit, runId, stores)
  const more = removed.count >= limit
  const held = more ? 0 : await countHeld(tx, kind, due, isHeld)
  await noteRemoved(tx, runId, name, removed, more ? null : { at: now, held })
  return more
}

/** What is due and stays: by a hold of the kind all of it, else what holds of people and accounts keep. */
async function countHeld(
  tx: Transaction,
  kind: RetainedKind,
  due: Due,
  isKindHeld: boolean,
): Promise<number> {
  const { months } = await kind.countDue(tx, due)
  return months.reduce((sum, { count, held }) => sum + held + (isKindHeld ? count : 0), 0)
}

/** Takes out what names these people, here alone: connected systems keep theirs under their own rules. */
async function erasePeople(
  tx: Transaction,
  kind: RetainedPeople,
  due: Due,
  limit: number,
  runId: string,
  stores: readonly PersonalStore[],
): Promise<Removed> {
  const people = await kind.listDue(tx, due, limit)
  if (people.length === 0) return { count: 0, oldest: null, newest: null }
  const ids = people.map(({ personId }) => personId)
  const subject = await subjectOf(tx, ids)
  for (const store of stores)
    await store.erase(tx, subject, { id: runId, now: due.now, reach: 'here' })
  const audits = ids.map((subjectId) => ({
    action: 'person.erased',
    subjectId,
    detail: { runId, kind: kind.name },
  }))
  const events = ids.map((subjectId) => ({
    event: 'privacy.person_erased',
    subjectId,
    data: { requestId: runId },
  }))
  await recordOwnWork(tx, { audits, events }, due.now)
  const times = people.map(({ at }) => at.getTime())
  return {
    count: people.length,
    oldest: new Date(Math.min(...times)),
    newest: new Date(Math.max(...times)),
  }
}

async function closeRun(tx: Transaction, runId: string, now: Date): Promise<void> {
  if (!(await endRun(tx, runId, now))) return
  const run = await findRun(tx, runId)
  if (!run || (run.removed === 0 && run.held === 0)) return
  const kinds = Object.fromEntries(
    run.kinds.map(({ kind, removed, held }) => [kind, { removed, held }]),
  )
  const detail = { removed: run.removed, held: run.held, kinds }
  await recordOwnWork(
    tx,
    { events: [], audits: [{ action: 'retention.ran', subjectId: runId, detail }] },
    now,
  )
}
