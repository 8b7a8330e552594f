import { z } from 'zod'
import { MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { defineJob, type Job, type JobContext, type Subscriber } from '#jobs/job.ts'
import type { Engine } from './engine.ts'
import { seeToHooksNow } from './hook-upkeep.ts'

const JOB = 'sync.hooks'
/** A connection whose webhooks somebody else is at is looked at again after this. */
const TAKEN_MS = SECOND_MS
/** After a vendor did not answer, by how often; then the next whole run goes on, and tells of a vendor that stays away. */
const PUT_OFF_MS = [10 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS]

const Input = z.object({
  workspaceId: z.string(),
  connectionId: z.string(),
  tries: z.int().default(0),
})

/** Whether a connection is in real time follows its settings, not its next whole run. */
export const hookSubscriber: Subscriber = {
  name: JOB,
  events: ['connection.updated', 'connection.approved'],
  async handle(events, _tx, context) {
    const due = new Map(events.map(({ subjectId, workspaceId }) => [subjectId, workspaceId]))
    for (const [connectionId, workspaceId] of due) {
      await context.enqueue(JOB, { workspaceId, connectionId }, { singletonKey: connectionId })
    }
  },
}

export function hookJob(engineOf: (context: JobContext) => Engine): Job {
  return defineJob({
    name: JOB,
    input: Input,
    concurrency: 2,
    retryLimit: 0,
    timeoutMs: 5 * MINUTE_MS,
    async run(input, context) {
      const { workspaceId, connectionId, tries } = Input.parse(input)
      const engine = engineOf(context)
      const look = await seeToHooksNow(engine, workspaceId, connectionId, context.signal)
      const waitMs = look === 'taken' ? TAKEN_MS : PUT_OFF_MS[tries]
      if (look === 'done' || waitMs === undefined) return
      await context.enqueue(
        JOB,
        { workspaceId, connectionId, tries: look === 'taken' ? tries : tries + 1 },
        // A key of its own: the next change of the connection does not wait for it.
        { singletonKey: `${connectionId} again`, startAfter: new Date(Date.now() + waitMs) },
      )
    },
  })
}
