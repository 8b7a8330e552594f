import { newId } from '#core/id.ts'
import type { Log } from '#core/log.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#core/time.ts'
import type { JobContext, Timer } from '#jobs/job.ts'
import { isOutage } from '#store/failure.ts'
import type { Transaction } from '#store/store.ts'
import { closeOrphans, compare, type Change, type KnownAlert } from './alert.rules.ts'
import {
  deleteOld,
  fireAlerts,
  forgetAlerts,
  insertAlerts,
  insertHistory,
  listKnown,
  listWorkspaces,
  noteSeen,
  readFacts,
  readWorkspaceName,
  reopenAlerts,
  resolveAlerts,
} from './alert.store.ts'
import { listRoutes } from './channel.store.ts'
import { enqueueDelivery } from './deliver.ts'
import {
  insertMessages,
  listTold,
  retractResolved,
  skipMessages,
  type NewMessage,
} from './message.store.ts'
import { noticeOf, type Notice } from './notice.rules.ts'
import { wants } from './route.rules.ts'
import type { Watch } from './watch.ts'

const WORKSPACES = 200
/** What is over for so long is let go of. */
const KEPT_MS = 400 * DAY_MS

interface LookParts {
  watches: readonly Watch[]
  publicUrl: () => string
}

/** Looks through every watch in every workspace. */
export function createLookTimer(parts: LookParts): Timer {
  return {
    name: 'alerts.look',
    everyMs: MINUTE_MS,
    async run(context) {
      let after = ''
      for (;;) {
        const page = await context.store.system((tx) => listWorkspaces(tx, after, WORKSPACES))
        for (const { id } of page) {
          context.signal.throwIfAborted()
          await lookAround(parts, id, context)
        }
        if (page.length < WORKSPACES) return
        after = page.at(-1)?.id ?? ''
      }
    },
  }
}

export const tidyTimer: Timer = {
  name: 'alerts.tidy',
  everyMs: HOUR_MS,
  async run({ store, clock }) {
    const before = new Date(clock.now().getTime() - KEPT_MS)
    await store.system((tx) => deleteOld(tx, before))
  },
}

/** One look at one workspace: what changed is kept, and owed to the channels, in one transaction. */
async function lookAround(parts: LookParts, workspaceId: string, context: JobContext) {
  const { store, clock, log } = context
  const now = clock.now()
  const owed = await store.transaction(workspaceId, async (tx) => {
    const known = await listKnown(tx, now)
    const changes = await findChanges(tx, parts.watches, known, now, log)
    return keep(tx, changes, parts.publicUrl(), now)
  })
  for (const channelId of new Set(owed)) await enqueueDelivery(context, workspaceId, channelId)
}

async function findChanges(
  tx: Transaction,
  watches: readonly Watch[],
  known: readonly KnownAlert[],
  now: Date,
  log: Log,
): Promise<Change[]> {
  const byWatch = Map.groupBy(known, ({ watch }) => watch)
  const changes = closeOrphans(known, watches)
  for (const watch of watches) {
    try {
      const findings = await tx.savepoint(() => watch.look(tx, now))
      changes.push(...compare(watch, findings, byWatch.get(watch.name) ?? [], now))
    } catch (error) {
      // A look that fails shows nothing: neither that something is wrong nor that it is over. The others go on.
      if (isOutage(error)) throw error
      log.error({ watch: watch.name, workspaceId: tx.workspaceId, error }, 'a watch failed')
    }
  }
  return changes
}

const idsOf = (changes: readonly Change[], kind: Change['kind']) =>
  changes.flatMap((change) =>
    change.kind === kind && 'id' in change && change.id !== null ? [change.id] : [],
  )

/** @returns the channels to which something is due at once. */
async function keep(
  tx: Transaction,
  changes: readonly Change[],
  publicUrl: string,
  now: Date,
): Promise<string[]> {
  await noteSeen(tx, idsOf(changes, 'seen'), now)
  await forgetAlerts(tx, idsOf(changes, 'forget'))
  const fired = await keepFired(tx, changes, now)
  const reopened = idsOf(changes, 'reopen')
  const resolved = changes.filter((change) => change.kind === 'resolve')
  await reopenAlerts(tx, reopened, now)
  await resolveAlerts(tx, idsOf(resolved, 'resolve'), now)
  await insertHistory(
    tx,
    reopened.map((alertId) => ({ alertId, what: 'reopened' })),
    now,
  )
  await retractResolved(tx, reopened, now)
  if (fired.length + resolved.length === 0) return []
  const place = { publicUrl, workspace: await readWorkspaceName(tx) }
  const owed = [
    ...(await oweFired(tx, fired, place, now)),
    ...(await oweResolved(tx, resolved, place, now)),
  ]
  await insertMessages(tx, owed, now)
  return owed.filter(({ dueAt }) => dueAt <= now).map(({ channelId }) => channelId)
}

/** @returns the ids of the alerts that fire from now on. */
async function keepFired(
  tx: Transaction,
  changes: readonly Change[],
  now: Date,
): Promise<string[]> {
  const waiting = changes.filter((change) => change.kind === 'wait')
  const firing = changes.filter((change) => change.kind === 'fire')
  const lasted = firing.flatMap(({ id, finding }) => (id === null ? [] : [{ id, finding }]))
  await insertAlerts(
    tx,
    waiting.map(({ watch, finding }) => ({ watch, finding, state: 'waiting' })),
    now,
  )
  await fireAlerts(tx, lasted, now)
  const added = await insertAlerts(
    tx,
    firing.filter(({ id }) => id === null).map((change) => ({ ...change, state: 'firing' })),
    now,
  )
  return [...lasted.map(({ id }) => id), ...added]
}

interface Place {
  publicUrl: string
  workspace: string
}

/** Every channel that wants to know is told that an alert fires. */
async function oweFired(
  tx: Transaction,
  ids: readonly string[],
  place: Place,
  now: Date,
): Promise<NewMessage[]> {
  const written = await writeDown(tx, ids, 'fired', place, now)
  const routes = await listRoutes(tx)
  return written.flatMap(({ alert, historyId, notice }) =>
    routes
      .filter((route) => wants(route, alert))
      .map(({ id: channelId }) => ({
        id: newId('msg'),
        channelId,
        alertId: alert.id,
        historyId,
        kind: 'fired',
        notice,
        dueAt: now,
      })),
  )
}

/**
 * Whoever was told that an alert fired is told that it is over, once it stays so. What somebody has not heard of because it was
 * held back the whole time is not told at all.
 */
async function oweResolved(
  tx: Transaction,
  resolved: readonly { id: string; quietMs: number }[],
  place: Place,
  now: Date,
): Promise<NewMessage[]> {
  const ids = resolved.map(({ id }) => id)
  const written = await writeDown(tx, ids, 'resolved', place, now)
  const told = await listTold(tx, ids, now)
  await skipMessages(
    tx,
    told.filter(({ isUnheard }) => isUnheard).map(({ id }) => id),
  )
  const quietOf = new Map(resolved.map(({ id, quietMs }) => [id, quietMs]))
  return written.flatMap(({ alert, historyId, notice }) =>
    told
      .filter(({ alertId, isUnheard }) => alertId === alert.id && !isUnheard)
      .map(({ channelId }) => ({
        id: newId('msg'),
        channelId,
        alertId: alert.id,
        historyId,
        kind: 'resolved',
        notice,
        dueAt: new Date(now.getTime() + (quietOf.get(alert.id) ?? 0)),
      })),
  )
}

async function writeDown(
  tx: Transaction,
  ids: readonly string[],
  what: 'fired' | 'resolved',
  place: Place,
  now: Date,
) {
  if (ids.length === 0) return []
  const type: Notice['type'] = what === 'fired' ? 'alert.firing' : 'alert.resolved'
  const alerts = await readFacts(tx, ids)
  const entries = alerts.map(({ id }) => ({ alertId: id, what }))
  const historyIds = await insertHistory(tx, entries, now)
  return alerts.map((alert, i) => ({
    alert,
    historyId: historyIds[i] ?? '',
    notice: JSON.stringify(noticeOf(type, alert, place, now)),
  }))
}
