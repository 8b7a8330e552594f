import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { PgBoss, type Job as QueuedJob } from 'pg-boss'
import type { Metrics } from '#core/metrics.ts'
import { SECOND_MS } from '#core/time.ts'
import type { Job, JobContext } from '#jobs/job.ts'

const HEARTBEAT_S = 12
const STOP_MS = 10 * SECOND_MS

/**
 * The job queue: pg-boss on the hub's own database. A job whose process died is taken up again about 15 seconds later; one that
 * keeps failing ends in state `failed`, where it stays visible.
 */
export class Queue {
  readonly #boss: PgBoss
  readonly #jobs: ReadonlyMap<string, Job>
  readonly #context: JobContext
  readonly #metrics: Metrics

  constructor(jobs: readonly Job[], context: JobContext, metrics: Metrics, active: boolean) {
    this.#jobs = new Map(jobs.map((job) => [job.name, job]))
    this.#context = context
    this.#metrics = metrics
    this.#boss = new PgBoss({
      connectionString: context.store.connectionString,
      application_name: 'throughline-jobs',
      max: 4,
      supervise: active,
      schedule: false,
      superviseIntervalSeconds: 30,
      monitorIntervalSeconds: 3,
    })
    this.#boss.on('error', (error: Error) =>
      context.log.warn({ error }, 'the job queue met an error'),
    )
  }

  async prepare(): Promise<void> {
    await this.#boss.start()
    for (const job of this.#jobs.values()) {
      const options = {
        policy: 'short' as const, // one waiting job for each singletonKey
        retryLimit: job.retryLimit,
        retryDelay: 2,
        retryBackoff: true,
        retryDelayMax: 600,
        expireInSeconds: Math.max(1, Math.ceil(job.timeoutMs / SECOND_MS)),
        heartbeatSeconds: HEARTBEAT_S,
      }
      await this.#boss.createQueue(job.name, options)
    }
  }

  /** Takes jobs up as they come. */
  async work(): Promise<void> {
    for (const job of this.#jobs.values()) {
      await this.#boss.work(
        job.name,
        { localConcurrency: job.concurrency, pollingIntervalSeconds: 1 },
        async (queued: QueuedJob[]) => {
          for (const one of queued) await this.#run(job, one)
        },
      )
    }
  }

  /** @throws Error when there is no job of this name. */
  async enqueue(
    name: string,
    input: unknown,
    options: { singletonKey?: string; startAfter?: Date } = {},
  ): Promise<void> {
    if (!this.#jobs.has(name)) throw new Error(`there is no job ${name}`)
    await this.#boss.send(
      name,
      { input },
      {
        singletonKey: options.singletonKey ?? randomUUID(),
        ...(options.startAfter ? { startAfter: options.startAfter } : {}),
      },
    )
  }

  /** Runs in the foreground whatever waits, due or not yet tried again. @returns whether there was anything. @throws what a job threw. */
  async drain(): Promise<boolean> {
    let ran = false
    for (const job of this.#jobs.values()) {
      for (;;) {
        const [one] = await this.#boss.fetch<object>(job.name, { batchSize: 1 })
        if (!one) break
        ran = true
        try {
          await this.#run(job, one)
        } catch (error) {
          await this.#boss.fail(job.name, one)
          throw error
        }
        await this.#boss.complete(job.name, one)
      }
    }
    if ((await this.#countActive()) > 0) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      return true
    }
    return ran
  }

  async stop(): Promise<void> {
    await this.#boss.stop({ graceful: true, timeout: STOP_MS, close: true })
  }

  async #countActive(): Promise<number> {
    const row = await this.#context.store.system((tx) =>
      tx.find(
        sql<{ active: number }>`select count(*) as active from pgboss.job where state = 'active'`,
      ),
    )
    return row?.active ?? 0
  }

  async #run(job: Job, one: QueuedJob): Promise<void> {
    const startedMs = performance.now()
    const signal = AbortSignal.any([
      this.#context.signal,
      one.signal ?? AbortSignal.timeout(job.timeoutMs),
    ])
    const durationS = () => (performance.now() - startedMs) / SECOND_MS
    try {
      const input = job.input.parse((one.data as { input: unknown }).input)
      await job.run(input, { ...this.#context, signal })
      this.#metrics.jobDuration.observe({ job: job.name, outcome: 'done' }, durationS())
    } catch (error) {
      this.#metrics.jobDuration.observe({ job: job.name, outcome: 'failed' }, durationS())
      this.#context.log.error(
        { job: job.name, jobId: one.id, tries: one.retryCount + 1, error },
        'a job failed',
      )
      throw error
    }
  }
}
