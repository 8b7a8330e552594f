import { sql } from 'kysely'
import { z } from 'zod'
import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import { defineJob, type Subscriber, type Timer } from '#jobs/job.ts'
import { Target } from './model.schema.ts'
import { scoreAll } from './score-cases.ts'
import { trainModel } from './train-model.ts'

export const trainJob = defineJob({
  name: 'scoring.train',
  input: z.object({ workspaceId: z.string(), modelId: z.string() }),
  concurrency: 1,
  retryLimit: 2,
  timeoutMs: 60 * MINUTE_MS,
  run: ({ workspaceId, modelId }, context) => trainModel(workspaceId, modelId, context),
})

export const scoreJob = defineJob({
  name: 'scoring.score',
  input: z.object({ workspaceId: z.string(), target: Target, changed: z.boolean() }),
  concurrency: 1,
  retryLimit: 3,
  timeoutMs: 60 * MINUTE_MS,
  async run(input, context) {
    await scoreAll(input, context)
  },
})

/** Starts the training that was asked for, and scores everything anew by a model that was put into use. */
export const modelFollower: Subscriber = {
  name: 'scoring.models',
  events: ['model.requested', 'model.promoted'],
  async handle(events, { workspaceId }, context) {
    for (const { event, subjectId, data } of events) {
      if (event === 'model.requested') {
        await context.enqueue(
          trainJob.name,
          { workspaceId, modelId: subjectId },
          { singletonKey: subjectId },
        )
      } else {
        const { target } = data
        await context.enqueue(
          scoreJob.name,
          { workspaceId, target, changed: false },
          { singletonKey: `${workspaceId} ${String(target)} all` },
        )
      }
    }
  },
}

function scoringTimer(name: string, everyMs: number, changed: boolean): Timer {
  return {
    name,
    everyMs,
    async run(context) {
      const promoted = await context.store.system((tx) =>
        tx.query(sql<{ workspaceId: string; target: Target }>`
          select workspace_id, target from learned_models where status = 'promoted' order by workspace_id, target`),
      )
      for (const { workspaceId, target } of promoted) {
        await context.enqueue(
          scoreJob.name,
          { workspaceId, target, changed },
          { singletonKey: `${workspaceId} ${target} ${changed ? 'changed' : 'all'}` },
        )
      }
    },
  }
}

/** Time itself changes probabilities: a lead that is quiet for a week is another one. */
export const dailyTimer = scoringTimer('scoring.daily', DAY_MS, false)

/** What is new, or was touched, changed or moved on since. */
export const changedTimer = scoringTimer('scoring.changed', 10 * MINUTE_MS, true)
