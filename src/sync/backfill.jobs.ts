import { sql } from 'kysely'
import { z } from 'zod'
import { MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { defineJob, type Job, type JobContext, type Subscriber, type Timer } from '#jobs/job.ts'
import { workOnBackfill } from './backfill.ts'
import type { Engine } from './engine.ts'

const JOB = 'sync.backfill'
const MOST = 500
const Input = z.object({ workspaceId: z.string(), backfillId: z.string() })

/** One backfill. Places of its own: a backfill never takes one of live sync's. */
export function backfillJob(engineOf: (context: JobContext) => Engine): Job {
  return defineJob({
    name: JOB,
    input: Input,
    concurrency: 2,
    retryLimit: 0,
    timeoutMs: 30 * MINUTE_MS,
    async run(input, context) {
      const { workspaceId, backfillId } = Input.parse(input)
      const again = await workOnBackfill(engineOf(context), workspaceId, backfillId, context.signal)
      if (again !== null) await askFor(context, workspaceId, backfillId)
    },
  })
}

function askFor(context: JobContext, workspaceId: string, backfillId: string): Promise<void> {
  return context.enqueue(JOB, { workspaceId, backfillId }, { singletonKey: backfillId })
}

/** Starts and resumes what somebody asked for without waiting for the timer. */
export const backfillSubscriber: Subscriber = {
  name: JOB,
  events: ['sync.backfill_started', 'sync.backfill_resumed'],
  async handle(events, _tx, context) {
    for (const { workspaceId, subjectId } of events) await askFor(context, workspaceId, subjectId)
  },
}

/** Takes up backfills whose time to wait is over, and those whose process went away. */
export const backfillTimer: Timer = {
  name: JOB,
  everyMs: 15 * SECOND_MS,
  async run(context) {
    const now = context.clock.now()
    const rows = await context.store.system((tx) =>
      tx.query(sql<{ workspaceId: string; id: string }>`
        select workspace_id, id from sync_backfills
        where state = 'running' and (resume_at is null or resume_at <= ${now}) order by id limit ${MOST}`),
    )
    for (const { workspaceId, id } of rows) await askFor(context, workspaceId, id)
  },
}
