import { sql } from 'kysely'
import { silentLog } from '#core/log.ts'
import { createMetrics } from '#core/metrics.ts'
import { systemClock, type Clock } from '#core/time.ts'
import { startJobs, type Jobs, type JobsParts } from '#jobs/engine.ts'
import type { Queries, Store } from '#store/store.ts'
import { copyDatabase, freshWorkspaceId, openTestStore } from '#tests/store.ts'

/** A database of its own with its tables, for tests that look at everything the engines see. */
export interface JobsBench {
  store: Store
  connectionString: string
  /** Starts jobs on it, as one process would; idle unless `active`. They are stopped with the bench. */
  start(parts?: Partial<Omit<JobsParts, 'store'>>): Promise<Jobs>
  freshWorkspaceId(): Promise<string>
  close(): Promise<void>
}

export async function openJobsBench(clock: Clock = systemClock): Promise<JobsBench> {
  const database = await copyDatabase()
  const { connectionString } = database
  const store = await openTestStore({ connectionString, poolSize: 10 })
  const started: Jobs[] = []
  return {
    store,
    connectionString,
    async start(parts = {}) {
      const idle = { jobs: [], subscribers: [], timers: [], active: false }
      const jobs = await startJobs({
        store,
        clock,
        log: silentLog,
        metrics: createMetrics(),
        ...idle,
        ...parts,
      })
      started.push(jobs)
      return jobs
    },
    freshWorkspaceId: () => freshWorkspaceId(store),
    async close() {
      await Promise.all(started.map((jobs) => jobs.stop()))
      await store.close()
      await database.drop()
    },
  }
}

/** Writes events in the open transaction. */
export async function emit(
  tx: Queries,
  event: string,
  subjectIds: readonly string[],
  occurredAt = new Date(),
): Promise<void> {
  await tx.execute(sql`
    insert into outbox (event, subject_id, occurred_at)
    select ${event}, subject_id, ${occurredAt} from unnest(${[...subjectIds]}::text[]) as subject_id`)
}
