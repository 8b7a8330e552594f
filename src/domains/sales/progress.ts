import { defaultScoreRules } from '#analytics/scoring/default-rules.ts'
import type { ScoreRules } from '#analytics/scoring/score-rules.schema.ts'
import { newId } from '#core/id.ts'
import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'
import type { LeadDraft } from './lead.rules.ts'
import { saveLeads } from './lead.store.ts'
import { closeTasks, insertTasks, type TaskRow } from './task.store.ts'
import {
  followUps,
  isWaiting,
  progressEvents,
  routeDrafts,
  scoreDrafts,
  type Published,
  type Routing,
  type ScoreCause,
  type Scored,
} from './progress.rules.ts'
import type { Assignment } from './routing.rules.ts'
import { taskClosed, taskCreated } from './task.rules.ts'
import type { RoutingRules } from './routing.schema.ts'
import { listCounters, listRoutedOwners, saveCounters } from './routing.store.ts'
import { insertScores, listTouches, type SettingsRow } from './score.store.ts'

const noRouting: Published<RoutingRules> = {
  version: 0,
  rules: {
    rules: [],
    fallback: { ownerIds: [], strategy: 'round_robin', slaMinutes: 1440, followUp: 'mql' },
  },
}

/** The scoring model to go by; the built-in one, version 0, until one is published. */
export function modelOf(settings: Pick<SettingsRow, 'scoring'>): Published<ScoreRules> {
  return settings.scoring ?? { version: 0, rules: defaultScoreRules }
}

/** The routing rules to go by; none and no fallback owner, version 0, until some are published. */
export function routingOf(settings: Pick<SettingsRow, 'routing'>): Published<RoutingRules> {
  return settings.routing ?? noRouting
}

export interface Progressed {
  /** As given, in order, with the leads as they are now. */
  drafts: LeadDraft[]
  /** Of the leads that were routed in this pass. */
  assignments: ReadonlyMap<string, Assignment>
  newTasks: TaskRow[]
  events: EventDraft[]
}

/**
 * Takes leads through everything that follows from a change: score, qualification, owner, follow-up task; and writes what
 * differs, a statement each for leads, scores, counters and tasks.
 *
 * @param drafts  with `after` being `before` itself where nothing changed yet; the caller holds `lockLeads`.
 * @param jobTitles  by person, for those who have one.
 */
export async function progressLeads(
  tx: Transaction,
  drafts: readonly LeadDraft[],
  {
    settings,
    jobTitles,
    cause,
    now,
  }: {
    settings: SettingsRow
    jobTitles: ReadonlyMap<string, string>
    cause: ScoreCause
    now: Date
  },
): Promise<Progressed> {
  const touches = await listTouches(
    tx,
    drafts.map(({ after }) => after.personId),
  )
  const scored = scoreDrafts(
    drafts,
    modelOf(settings),
    ({ personId }) => ({
      jobTitle: jobTitles.get(personId) ?? null,
      touches: touches.get(personId) ?? [],
    }),
    cause,
    now,
  )
  return finishProgress(tx, scored, settings, now)
}

/** Owner, tasks and writes for leads whose scores are settled. */
async function finishProgress(
  tx: Transaction,
  scored: readonly Scored[],
  settings: SettingsRow,
  now: Date,
): Promise<Progressed> {
  const routing = await giveOwners(
    tx,
    scored.map(({ draft }) => draft),
    settings,
    now,
  )
  const drafts = routing.drafts.map(({ before, after }): LeadDraft => {
    const isWritten = before !== after
    return isWritten
      ? { before, after: { ...after, updatedAt: now, version: (before?.version ?? 0) + 1 } }
      : { before, after }
  })
  await saveLeads(
    tx,
    drafts.filter(({ before, after }) => before !== after).map(({ after }) => after),
  )
  await insertScores(
    tx,
    scored.flatMap(({ entry }) => entry ?? []),
    now,
  )
  await saveCounters(tx, routing.counters, now)
  const closed = await stopFollowUps(tx, drafts, now)
  const tasks = followUps(scored, routing, routingOf(settings).rules, now)
  const newTasks = await insertTasks(
    tx,
    tasks.map((task) => ({ id: newId('tsk'), ...task })),
    now,
  )
  const events = [
    ...progressEvents(scored, routing),
    ...closed.map(taskClosed),
    ...newTasks.map(taskCreated),
  ]
  return { drafts, assignments: routing.assignments, newTasks, events }
}

/** Sales has moved the lead on: its open task is done, or beside the point. */
async function stopFollowUps(
  tx: Transaction,
  drafts: readonly LeadDraft[],
  now: Date,
): Promise<TaskRow[]> {
  const moved = drafts.filter(
    ({ before, after }) =>
      before !== null && before.status !== after.status && after.status !== 'new',
  )
  const idsOf = (isDown: boolean) =>
    moved
      .filter(({ after }) => (after.status === 'disqualified') === isDown)
      .map(({ after }) => after.id)
  const [done, cancelled] = [idsOf(false), idsOf(true)]
  return [
    ...(done.length === 0 ? [] : await closeTasks(tx, done, 'done', now)),
    ...(cancelled.length === 0 ? [] : await closeTasks(tx, cancelled, 'cancelled', now)),
  ]
}

async function giveOwners(
  tx: Transaction,
  drafts: LeadDraft[],
  settings: SettingsRow,
  now: Date,
): Promise<Routing> {
  if (!drafts.some(isWaiting)) return { drafts, assignments: new Map(), counters: [] }
  const owners = await listRoutedOwners(tx)
  const counters = owners.length === 0 ? [] : await listCounters(tx, now)
  return routeDrafts(drafts, { routing: routingOf(settings), owners, counters }, now)
}
