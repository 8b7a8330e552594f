import { sql } from 'kysely'
import { z } from 'zod'
import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import { defineJob, type JobContext, type Subscriber, type Timer } from '#jobs/job.ts'
import { recordOwnWork } from '#jobs/own-work.ts'
import type { LeadPlace } from './lead.store.ts'
import { followPeople, rescoreBatch } from './rescore-leads.ts'
import { taskEscalated } from './task.rules.ts'
import { escalateTasks } from './task.store.ts'

// Small enough that a capture never waits long behind a batch.
const BATCH = 250

const BatchInput = z.object({
  workspaceId: z.string(),
  cause: z.enum(['decay', 'model']).default('decay'),
})

/** Scores all leads of a workspace anew, batch by batch; a run that broke off simply starts over. */
export const rescoreAll = defineJob({
  name: 'sales.rescore',
  input: BatchInput,
  concurrency: 1,
  retryLimit: 5,
  timeoutMs: 60 * MINUTE_MS,
  run: ({ workspaceId, cause }, context) => goThrough('all', workspaceId, cause, context),
})

/** Routes the leads that have no owner yet. */
export const routeWaiting = defineJob({
  name: 'sales.route_waiting',
  input: BatchInput,
  concurrency: 1,
  retryLimit: 5,
  timeoutMs: 30 * MINUTE_MS,
  run: ({ workspaceId, cause }, context) => goThrough('waiting', workspaceId, cause, context),
})

async function goThrough(
  which: 'all' | 'waiting',
  workspaceId: string,
  cause: 'decay' | 'model',
  { store, clock, signal }: JobContext,
): Promise<void> {
  let after: LeadPlace | null = { personId: '', leadId: '' }
  while (after !== null) {
    signal.throwIfAborted()
    const from: LeadPlace = after
    after = await store.transaction(workspaceId, (tx) =>
      rescoreBatch(tx, { which, after: from, limit: BATCH, cause }, clock.now()),
    )
  }
}

export const peopleFollower: Subscriber = {
  name: 'sales.people',
  events: ['touchpoint.recorded', 'person.merged', 'person.unmerged'],
  handle: (events, tx, { clock }) => followPeople(tx, events, clock.now()),
}

export const settingsFollower: Subscriber = {
  name: 'sales.settings',
  events: ['scoring.published', 'routing.published', 'owner.created', 'owner.updated'],
  async handle(events, tx, context) {
    const { workspaceId } = tx
    if (events.some(({ event }) => event === 'scoring.published')) {
      await context.enqueue(
        rescoreAll.name,
        { workspaceId, cause: 'model' },
        { singletonKey: `${workspaceId} model` },
      )
    }
    if (events.some(({ event }) => event !== 'scoring.published')) {
      await context.enqueue(routeWaiting.name, { workspaceId }, { singletonKey: workspaceId })
    }
  },
}

/** Engagement fades by the day, and overrides end. */
export const decayTimer: Timer = {
  name: 'sales.decay',
  everyMs: DAY_MS,
  async run(context) {
    const workspaces = await context.store.system((tx) =>
      tx.query(sql<{ id: string }>`select id from workspaces order by id`),
    )
    for (const { id } of workspaces) {
      await context.enqueue(
        rescoreAll.name,
        { workspaceId: id, cause: 'decay' },
        { singletonKey: `${id} decay` },
      )
    }
  },
}

/** Capacity comes back with the day and owners from absences, without an event. */
export const waitingTimer: Timer = {
  name: 'sales.waiting',
  everyMs: 15 * MINUTE_MS,
  async run(context) {
    const workspaces = await context.store.system((tx) =>
      tx.query(sql<{ workspaceId: string }>`
        select distinct workspace_id from leads
        where owner_id is null and merged_into is null and status <> 'disqualified'`),
    )
    for (const { workspaceId } of workspaces) {
      await context.enqueue(routeWaiting.name, { workspaceId }, { singletonKey: workspaceId })
    }
  },
}

/** Escalates each overdue follow-up once. */
export const slaTimer: Timer = {
  name: 'sales.sla',
  everyMs: MINUTE_MS,
  async run({ store, clock, signal }) {
    const now = clock.now()
    const workspaces = await store.system((tx) =>
      tx.query(sql<{ workspaceId: string }>`
        select distinct workspace_id from tasks
        where state = 'open' and escalated_at is null and due_at <= ${now}::timestamptz`),
    )
    for (const { workspaceId } of workspaces) {
      let escalated = BATCH
      while (escalated === BATCH) {
        signal.throwIfAborted()
        escalated = await store.transaction(workspaceId, async (tx) => {
          const tasks = await escalateTasks(tx, now, BATCH)
          const audits = tasks.map(({ id, leadId, dueAt }) => ({
            action: 'task.escalated',
            subjectId: id,
            detail: { leadId, dueAt: dueAt.toISOString() },
          }))
          await recordOwnWork(tx, { events: tasks.map(taskEscalated), audits }, now)
          return tasks.length
        })
      }
    }
  },
}
