import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Job as QueuedJob, PgBoss, type QueueOptions, type SendOptions } from 'pg-boss'
import type { Metrics } from '#core/metrics.ts'
import { DAY_MS, MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { currentTrace, noTracer } from '#core/trace.ts'
import { describeFailure } from '#jobs/failure.ts'
import type { Job, JobContext } from '#jobs/job.ts'
import { bossDatabase, countJobs, DEAD_QUEUE, holdWaiting, leaveRole } from '#jobs/queue.store.ts'
import type { Transaction } from '#store/store.ts'

/** A worker that does not say so much for this long is taken for dead; the least that pg-boss takes is 10 s. */
const HEARTBEAT_S = 12
/** How often dead workers are looked for; with the above, a job is taken up again after 12 to 25 s. */
const WATCH_S = 5
const STOP_MS = 8 * SECOND_MS
/** Workers are woken by NOTIFY; they look by themselves this often, for jobs that come due later. */
const POLL_S = 5
const POLL_WITHOUT_NOTIFY_S = 2
/** The first retry is due after 2 to 4 s, with jitter. */
const FIRST_RETRY_MS = 4 * SECOND_MS
/** Jobs due within this time belong to what `drain` waits for. */
const DRAIN_AHEAD_MS = MINUTE_MS
/** A held job is looked for again after its holder has most likely committed. */
const AFTER_COMMIT_MS = 100
const MAX_SENDS = 5
const KEEP_DEAD_S = (90 * DAY_MS) / SECOND_MS
const KEEP_DONE_S = DAY_MS / SECOND_MS

export interface EnqueueOptions {
  singletonKey?: string
  startAfter?: Date
}

/** A job that somebody asked for in a transaction. */
export interface EnqueueWish {
  name: string
  input: unknown
  options?: EnqueueOptions | undefined
}

/** The job queue: pg-boss on the hub's own database. A job that keeps failing ends in the queue of dead jobs, where people see it. */
export class Queue {
  readonly #boss: PgBoss
  #stopping = false
  readonly #jobs: ReadonlyMap<string, Job>
  readonly #context: JobContext
  readonly #metrics: Metrics
  readonly #workers = new Map<string, string>()
  readonly #reminders = new Set<NodeJS.Timeout>()

  constructor(jobs: readonly Job[], context: JobContext, metrics: Metrics, isActive: boolean) {
    this.#jobs = new Map(jobs.map((job) => [job.name, job]))
    this.#context = context
    this.#metrics = metrics
    this.#boss = new PgBoss({
      connectionString: context.store.connectionString,
      application_name: 'throughline jobs',
      max: 4,
      supervise: isActive,
      schedule: false,
      useListenNotify: isActive,
      superviseIntervalSeconds: WATCH_S,
      monitorIntervalSeconds: WATCH_S,
    })
    this.#boss.on('error', (error: Error) => {
      // While it stops, its last connections may hear from the database first.
      if (!this.#stopping) context.log.warn({ error }, 'the job queue met an error')
    })
  }

  /** Brings the queues up to date with the jobs. */
  async prepare(): Promise<void> {
    await this.#boss.start()
    await this.#ensureQueue(DEAD_QUEUE, 'standard', {
      retentionSeconds: KEEP_DEAD_S,
      retryLimit: 0,
    })
    for (const job of this.#jobs.values()) {
      await this.#ensureQueue(job.name, 'short', {
        retryLimit: job.retryLimit,
        retryDelay: 2,
        retryBackoff: true,
        retryDelayMax: 600,
        expireInSeconds: Math.max(1, Math.ceil(job.timeoutMs / SECOND_MS)),
        heartbeatSeconds: HEARTBEAT_S,
        deleteAfterSeconds: KEEP_DONE_S,
        deadLetter: DEAD_QUEUE,
        notify: true,
      })
    }
  }

  /** @param policy  `short`: one waiting job for each singletonKey. */
  async #ensureQueue(
    name: string,
    policy: 'short' | 'standard',
    options: QueueOptions & { deadLetter?: string; notify?: boolean },
  ): Promise<void> {
    await this.#boss.createQueue(name, { policy, ...options })
    await this.#boss.updateQueue(name, options) // an existing queue keeps its old options otherwise
  }

  /** Takes jobs up as they come. */
  async work(): Promise<void> {
    for (const job of this.#jobs.values()) {
      const options = {
        localConcurrency: job.concurrency,
        pollingIntervalSeconds: POLL_WITHOUT_NOTIFY_S,
        notifyPollingIntervalSeconds: POLL_S,
      }
      const worker = await this.#boss.work(job.name, options, async (queued: QueuedJob[]) => {
        for (const one of queued) await this.#run(job, one)
      })
      this.#workers.set(job.name, worker)
    }
  }

  /** @throws Error when there is no job of this name. */
  async enqueue(name: string, input: unknown, options: EnqueueOptions = {}): Promise<void> {
    await this.#send(name, input, { singletonKey: randomUUID(), ...options })
  }

  /**
   * The same as part of a transaction, whose last statements these are: the job exists once it commits and not before, so
   * that it sees what the transaction wrote. A job that waits under the key already is held until then.
   */
  async enqueueWith(tx: Transaction, wishes: readonly EnqueueWish[]): Promise<void> {
    if (wishes.length === 0) return
    await leaveRole(tx)
    for (const { name, input, options } of wishes) {
      const { singletonKey = randomUUID() } = options ?? {}
      for (let tries = 1; ; tries++) {
        if (await this.#send(name, input, { ...options, singletonKey, db: bossDatabase(tx) })) break
        if (await holdWaiting(tx, name, singletonKey)) break
        if (tries === MAX_SENDS)
          throw new Error(`The job ${name} could not be queued: its key is in constant use.`)
      }
      this.#remind(name, options?.startAfter ?? new Date(Date.now() + AFTER_COMMIT_MS))
    }
  }

  /** @throws Error when there is no job of this name. */
  check(name: string): void {
    if (!this.#jobs.has(name)) throw new Error(`There is no job ${name}.`)
  }

  /** False when a job waits under the key already. */
  async #send(name: string, input: unknown, options: SendOptions): Promise<boolean> {
    this.check(name)
    const id = await this.#boss.send(name, { input, trace: currentTrace() }, options)
    if (options.startAfter instanceof Date) this.#remind(name, options.startAfter)
    return id !== null
  }

  /** NOTIFY comes when a job is queued; one that is due a little later would wait for the next poll. */
  #remind(name: string, at: Date): void {
    const waitMs = at.getTime() - Date.now()
    const worker = this.#workers.get(name)
    if (worker === undefined || waitMs <= 0 || waitMs > MINUTE_MS || this.#context.signal.aborted)
      return
    const reminder = setTimeout(() => {
      this.#reminders.delete(reminder)
      this.#boss.notifyWorker(worker)
    }, waitMs + 50)
    this.#reminders.add(reminder)
  }

  /**
   * Runs in the foreground whatever waits or is due within a minute, retries among it, and waits for what others run.
   * @returns whether there was anything.
   * @throws what a job threw; the job is left for its next try.
   */
  async drain(): Promise<boolean> {
    let hasRun = false
    for (;;) {
      const counts = await countJobs(this.#context.store, [...this.#jobs.keys()], DRAIN_AHEAD_MS)
      if (counts.length === 0) return hasRun
      hasRun = true
      let ran = 0
      for (const { name, waiting } of counts) if (waiting > 0) ran += await this.#runWaiting(name)
      if (ran === 0) await sleep(20) // others have them
    }
  }

  async #runWaiting(name: string): Promise<number> {
    const job = this.#jobs.get(name)
    if (!job) return 0
    const options = { batchSize: 1, ignoreStartAfter: true }
    for (let ran = 0; ; ran++) {
      const [one] = await this.#boss.fetch<object>(name, options)
      if (!one) return ran
      try {
        await this.#run(job, one)
      } catch (error) {
        if (!(error instanceof JobFailure)) throw error
        await this.#boss.fail(name, one, { message: error.message })
        throw error.original()
      }
      await this.#boss.complete(name, one)
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true
    for (const reminder of this.#reminders) clearTimeout(reminder)
    await this.#boss.stop({ graceful: true, timeout: STOP_MS, close: true })
  }

  /** Hands a dead job over once more. False when there is none with this id. */
  async retryDead(id: string): Promise<boolean> {
    return (await this.#boss.redrive(DEAD_QUEUE, { ids: [id] })) > 0
  }

  async #run(job: Job, one: QueuedJob): Promise<void> {
    const startedAtMs = performance.now()
    const timeout = one.signal ?? AbortSignal.timeout(job.timeoutMs)
    const signal = AbortSignal.any([this.#context.signal, timeout])
    const observe = (outcome: 'done' | 'failed') =>
      this.#metrics.jobDuration.observe(
        { job: job.name, outcome },
        (performance.now() - startedAtMs) / SECOND_MS,
      )
    try {
      const { input, trace } = one.data as { input: unknown; trace?: string | null }
      const parsed = job.input.parse(input)
      const work = () => job.run(parsed, { ...this.#context, signal })
      const { tracer = noTracer } = this.#context
      // Work that no traced request began is traced where it is of interest, such as a run of a sync.
      await (trace
        ? tracer.span(`job ${job.name}`, { kind: 'consumer', parent: trace }, work)
        : work())
      observe('done')
    } catch (error) {
      observe('failed')
      const fields = {
        job: job.name,
        jobId: one.id,
        tries: one.retryCount + 1,
        failure: describeFailure(error),
      }
      this.#context.log.error({ ...fields, error }, 'a job failed')
      this.#remind(job.name, new Date(Date.now() + FIRST_RETRY_MS))
      throw new JobFailure(error)
    }
  }
}

/**
 * What pg-boss keeps of a failure: kind and place, since the message may quote personal data and its tables are not
 * sealed. It keeps all that can be read of an error, a `cause` too; only a private field is out of its sight.
 */
class JobFailure extends Error {
  readonly #original: unknown

  constructor(original: unknown) {
    super(describeFailure(original))
    this.#original = original
    this.name = 'JobFailure'
    this.stack = ''
  }

  original(): unknown {
    return this.#original
  }
}
