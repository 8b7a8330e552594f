import type { Metrics } from '#core/metrics.ts'
import { SECOND_MS } from '#core/time.ts'
import type { JobContext, Subscriber } from '#jobs/job.ts'
import {
  buryEvent,
  countLag,
  ensurePosition,
  findPosition,
  movePosition,
  readEvents,
  takePosition,
  type Position,
  type RelayedEvent,
} from '#jobs/relay.store.ts'

const BATCH = 500
const POLL_MS = 2 * SECOND_MS
const MAX_TRIES = 5
const MAX_BACK_OFF_MS = 30 * SECOND_MS
const MOST_LAG = 100_000

/** What a pass over the outbox came to. */
type Pass = 'moved' | 'nothing new' | 'taken elsewhere'

/**
 * Hands the outbox's events to one subscriber, in commit order. Its effects and its position commit together, so an event has
 * its effect once, whatever is killed when. An event that fails five times alone is buried where people see it, and passed.
 */
export class Relay {
  readonly #subscriber: Subscriber
  readonly #events: ReadonlySet<string>
  readonly #context: JobContext
  readonly #metrics: Metrics
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> | null = null
  #again = false
  #stopped = false
  #failures = 0

  constructor(subscriber: Subscriber, context: JobContext, metrics: Metrics) {
    this.#subscriber = subscriber
    this.#events = new Set(subscriber.events)
    this.#context = context
    this.#metrics = metrics
  }

  async prepare(): Promise<void> {
    await this.#context.store.system((tx) => ensurePosition(tx, this.#subscriber.name))
  }

  /** Looks for new events soon; called on each notification and by its own poll. */
  wake(): void {
    if (this.#stopped) return
    if (this.#running) {
      this.#again = true
      return
    }
    if (this.#timer) clearTimeout(this.#timer)
    this.#running = this.#run().finally(() => {
      this.#running = null
      if (this.#stopped) return
      const waitMs = this.#failures > 0 ? backOffMs(this.#failures) : this.#again ? 0 : POLL_MS
      this.#again = false
      this.#timer = setTimeout(() => this.wake(), waitMs)
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer) clearTimeout(this.#timer)
    await this.#running
  }

  /** Handles all that is committed now. @returns whether there was anything. @throws what the subscriber threw, once it is buried or gives up. */
  async drain(): Promise<boolean> {
    let moved = false
    for (;;) {
      const pass = await this.#pass()
      if (pass === 'nothing new') return moved
      if (pass === 'taken elsewhere') await new Promise((resolve) => setTimeout(resolve, 20))
      else moved = true
    }
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped && (await this.#pass()) === 'moved') this.#failures = 0
      this.#failures = 0
      const lag = await this.#context.store.system((tx) =>
        countLag(tx, this.#subscriber.name, MOST_LAG),
      )
      this.#metrics.outboxLag.set({ subscriber: this.#subscriber.name }, lag)
    } catch (error) {
      if (this.#stopped) return
      this.#failures += 1
      this.#context.log.warn(
        { subscriber: this.#subscriber.name, failures: this.#failures, error },
        'a subscriber waits',
      )
    }
  }

  /** One batch: read on, cut it into stretches of one workspace, handle each in a transaction of its own. */
  async #pass(): Promise<Pass> {
    const { store } = this.#context
    const { name } = this.#subscriber
    const { from, events } = await store.system(async (tx) => ({
      from: await findPosition(tx, name),
      events: await readEvents(tx, name, BATCH),
    }))
    if (events.length === 0) return 'nothing new'
    let position: Position = from
    for (const stretch of stretches(events)) {
      const end = stretch.at(-1)!
      const own = stretch.filter((event) => this.#events.has(event.event))
      const taken =
        own.length === 0 ? await this.#skip(position, end) : await this.#handle(own, position, end)
      if (!taken) return 'taken elsewhere'
      position = { xid: end.xid, seq: end.seq }
    }
    return 'moved'
  }

  /** Nothing in the stretch concerns the subscriber: it is only passed. */
  async #skip(from: Position, end: RelayedEvent): Promise<boolean> {
    return this.#context.store.system(async (tx) => {
      if (!(await takePosition(tx, this.#subscriber.name, from))) return false
      await movePosition(tx, this.#subscriber.name, end)
      return true
    })
  }

  async #handle(events: RelayedEvent[], from: Position, end: RelayedEvent): Promise<boolean> {
    const { store, clock } = this.#context
    const { name } = this.#subscriber
    const workspaceId = events[0]!.workspaceId
    try {
      return await store.transaction(workspaceId, async (tx) => {
        if (!(await takePosition(tx, name, from))) return false
        await this.#subscriber.handle(events, tx, this.#context)
        await movePosition(tx, name, end)
        return true
      })
    } catch (error) {
      if (isOutage(error) || this.#stopped) throw error
      this.#context.log.warn(
        { subscriber: name, events: events.length, error },
        'a batch of events failed; each is tried alone',
      )
    }
    // One of them spoils the batch: the good ones go through, the bad one is buried; all under one position.
    return store.transaction(workspaceId, async (tx) => {
      if (!(await takePosition(tx, name, from))) return false
      for (const event of events) {
        for (let tries = 1; ; tries += 1) {
          try {
            await tx.savepoint(() => this.#subscriber.handle([event], tx, this.#context))
            break
          } catch (error) {
            if (isOutage(error)) throw error
            if (tries < MAX_TRIES) continue
            await buryEvent(tx, name, event, describe(error), tries, clock.now())
            this.#context.log.error(
              { subscriber: name, event: event.event, seq: event.seq, error },
              'an event was buried',
            )
            break
          }
        }
      }
      await movePosition(tx, name, end)
      return true
    })
  }
}

/** Cuts events into stretches of one workspace each, in order. */
function stretches(events: RelayedEvent[]): RelayedEvent[][] {
  const parts: RelayedEvent[][] = []
  for (const event of events) {
    const last = parts.at(-1)
    if (last && last[0]!.workspaceId === event.workspaceId) last.push(event)
    else parts.push([event])
  }
  return parts
}

/** The database is away or the transaction lost a race: no fault of the event. */
function isOutage(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code === 'service.unavailable' || /^(08|40|53|57|25P0)/.test(code) || code.startsWith('E')
}

/** What kind of error it was, without any value of the event. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error ? `${error.name} ${String(error.code)}` : error.name
}

function backOffMs(failures: number): number {
  return Math.min(MAX_BACK_OFF_MS, 500 * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2)
}
