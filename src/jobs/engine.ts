import type { Log } from '#core/log.ts'
import type { Metrics } from '#core/metrics.ts'
import { SECOND_MS, type Clock } from '#core/time.ts'
import type { Job, JobContext, Subscriber, Timer } from '#jobs/job.ts'
import { Queue } from '#jobs/queue.ts'
import { Relay } from '#jobs/relay.ts'
import { Timers } from '#jobs/timers.ts'
import type { Store } from '#store/store.ts'

const TICK_MS = 5 * SECOND_MS

export interface JobsParts {
  store: Store
  clock: Clock
  log: Log
  metrics: Metrics
  jobs: readonly Job[]
  subscribers: readonly Subscriber[]
  timers: readonly Timer[]
  /** False: nothing runs by itself; `drain` and `tick` still do their work in the foreground. */
  active: boolean
}

export interface Jobs {
  enqueue: JobContext['enqueue']
  /** Delivers every committed event and runs every waiting job, until nothing is left. @throws what a subscriber or job threw. */
  drain(): Promise<void>
  /** Runs the timers that are due by the clock. @returns their names. */
  tick(): Promise<string[]>
  stop(): Promise<void>
}

/** Starts what goes on behind the requests: event relay, job queue and timers. */
export async function startJobs(parts: JobsParts): Promise<Jobs> {
  const { store, clock, log, metrics } = parts
  const shutdown = new AbortController()
  let queue: Queue | undefined
  const context: JobContext = {
    store,
    clock,
    log,
    signal: shutdown.signal,
    async enqueue(name, input, options) {
      if (!queue) throw new Error('the job queue has not started')
      await queue.enqueue(name, input, options)
    },
  }
  queue = new Queue(parts.jobs, context, metrics, parts.active)
  await queue.prepare()
  const relays = parts.subscribers.map((subscriber) => new Relay(subscriber, context, metrics))
  for (const relay of relays) await relay.prepare()
  const timers = new Timers(parts.timers, context)
  await timers.prepare()
  const quit = parts.active ? await runByItself(queue, relays, timers, context) : async () => {}
  return {
    enqueue: (name, input, options) => context.enqueue(name, input, options),
    async drain() {
      for (let busy = true; busy;) {
        busy = false
        for (const relay of relays) if (await relay.drain()) busy = true
        if (await queue.drain()) busy = true
      }
    },
    tick: () => timers.tick(),
    async stop() {
      shutdown.abort()
      await quit()
      await queue.stop()
    },
  }
}

async function runByItself(
  queue: Queue,
  relays: Relay[],
  timers: Timers,
  context: JobContext,
): Promise<() => Promise<void>> {
  await queue.work()
  const unlisten = await context.store.listen('throughline_outbox', () => {
    for (const relay of relays) relay.wake()
  })
  for (const relay of relays) relay.wake()
  let ticking: Promise<unknown> = Promise.resolve()
  let isTicking = false
  const tick = () => {
    if (isTicking) return
    isTicking = true
    ticking = timers
      .tick()
      .catch((error: unknown) => context.log.warn({ error }, 'the timers wait'))
      .finally(() => {
        isTicking = false
      })
  }
  const interval = setInterval(tick, TICK_MS)
  tick()
  return async () => {
    clearInterval(interval)
    await unlisten()
    await Promise.all(relays.map((relay) => relay.stop()))
    await ticking
  }
}
