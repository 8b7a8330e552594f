import type { Log } from '#core/log.ts'
import type { Metrics } from '#core/metrics.ts'
import type { Tracer } from '#core/trace.ts'
import type { Clock } from '#core/time.ts'
import type { Job, JobContext, Subscriber, Timer } from '#jobs/job.ts'
import { Queue } from '#jobs/queue.ts'
import { type DeadJob, listDeadJobs } from '#jobs/queue.store.ts'
import { Relay } from '#jobs/relay.ts'
import { Timers } from '#jobs/timers.ts'
import type { Store } from '#store/store.ts'

export interface JobsParts {
  store: Store
  clock: Clock
  log: Log
  metrics: Metrics
  jobs: readonly Job[]
  subscribers: readonly Subscriber[]
  timers: readonly Timer[]
  tracer?: Tracer | undefined
  /** False: nothing runs by itself; `drain` and `tick` still do their work in the foreground. */
  active: boolean
}

export interface Jobs {
  enqueue: JobContext['enqueue']
  /**
   * Delivers every committed event and runs every waiting job, until nothing is left.
   * @throws what a job threw, or an outage of the database. Events that keep failing are buried, not thrown.
   */
  drain(): Promise<void>
  /** Runs the timers that are due by the clock. @returns their names. */
  tick(): Promise<string[]>
  /** The jobs that failed on their last try, newest first. */
  listDead(workspaceId: string | null, limit: number): Promise<DeadJob[]>
  /** Queues a dead job again; false when there is none with this id. */
  retryDead(id: string): Promise<boolean>
  /** Lets running work end, for some seconds, and stops. */
  stop(): Promise<void>
}

/** Starts what goes on behind the requests: event relay, job queue and timers. */
export async function startJobs(parts: JobsParts): Promise<Jobs> {
  const { store, clock, log, metrics } = parts
  const shutdown = new AbortController()
  const context: JobContext = {
    store,
    clock,
    log,
    signal: shutdown.signal,
    ...(parts.tracer && { tracer: parts.tracer }),
    enqueue: (name, input, options) => queue.enqueue(name, input, options),
  }
  const queue = new Queue(parts.jobs, context, metrics, parts.active)
  const relay = new Relay(parts.subscribers, context, metrics, queue)
  const timers = new Timers([...parts.timers, relay.trimTimer], context)
  await queue.prepare()
  await relay.prepare()
  await timers.prepare()
  if (parts.active) {
    await queue.work()
    await relay.start()
    timers.start()
  }
  return {
    enqueue: (name, input, options) => queue.enqueue(name, input, options),
    async drain() {
      // Handlers and jobs tell of further events, also those that run by themselves meanwhile: the end is a round in which
      // no job was left and no event had come since the round before.
      for (let reached: number | null | undefined; ;) {
        const newest = await relay.drain()
        const hasRun = await queue.drain()
        if (!hasRun && reached === (newest?.seq ?? null)) return
        reached = newest?.seq ?? null
      }
    },
    tick: () => timers.tick(),
    listDead: (workspaceId, limit) => store.system((tx) => listDeadJobs(tx, workspaceId, limit)),
    retryDead: (id) => queue.retryDead(id),
    async stop() {
      shutdown.abort()
      await Promise.all([relay.stop(), timers.stop()])
      await queue.stop()
    },
  }
}
