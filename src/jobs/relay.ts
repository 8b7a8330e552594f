import { setTimeout as sleep } from 'node:timers/promises'
import type { Metrics } from '#core/metrics.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { listRetries } from '#jobs/dead-event.store.ts'
import { Delivery, type Pass, type WishQueue } from '#jobs/delivery.ts'
import type { JobContext, Subscriber, Timer } from '#jobs/job.ts'
import {
  ensurePositions,
  findBusy,
  findNewest,
  isBefore,
  listLags,
  type Place,
  realignAfterRestore,
  passQuiet,
  trimOutbox,
} from '#jobs/relay.store.ts'

/** The channel that a trigger on the outbox notifies. */
const CHANNEL = 'throughline_outbox'
/** Events that come close together are looked at together. */
const GATHER_MS = 20
/** A look without a notification: for what a reconnect or a long transaction kept from us. */
const POLL_MS = 2 * SECOND_MS
const HELD_POLL_MS = 50
const HELD_PATIENCE_MS = MINUTE_MS
const OUTAGE_WAIT_MS = SECOND_MS
/** Subscribers handled at once; each takes a connection from the pool that requests use too. */
const MAX_AT_ONCE = 3
/** Batches after which a subscriber with much to do lets others have a turn. */
const TURN_PASSES = 10
const LAG_EVERY_MS = 10 * SECOND_MS
const MOST_LAG = 100_000
const KEEP_MS = 7 * DAY_MS
const TRIM_ROWS = 5000

interface Line {
  delivery: Delivery
  isRunning: boolean
  /** When its last turn began. */
  turnAtMs: number
  /** Not before this time, because a failed event waits or the database is away. */
  notBeforeMs: number
}

/** Delivers the outbox to all subscribers, each at its own pace. */
export class Relay {
  readonly #context: JobContext
  readonly #metrics: Metrics
  readonly #subscribers: readonly Subscriber[]
  readonly #lines: Map<string, Line>
  readonly #running = new Set<Promise<void>>()
  #looking: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | null = null
  #timerAtMs = Infinity
  #lagAtMs = 0
  #isStopped = true
  #unlisten: (() => Promise<void>) | null = null

  constructor(
    subscribers: readonly Subscriber[],
    context: JobContext,
    metrics: Metrics,
    queue: WishQueue,
  ) {
    this.#subscribers = subscribers
    this.#context = context
    this.#metrics = metrics
    this.#lines = new Map(
      subscribers.map((subscriber) => [
        subscriber.name,
        {
          delivery: new Delivery(subscriber, context, queue),
          isRunning: false,
          turnAtMs: 0,
          notBeforeMs: 0,
        },
      ]),
    )
  }

  /** Gives each subscriber its position. */
  async prepare(): Promise<void> {
    const isRealigned = await this.#context.store.system(async (tx) => {
      await ensurePositions(tx, [...this.#lines.keys()])
      return realignAfterRestore(tx)
    })
    if (isRealigned)
      this.#context.log.warn('the database was restored elsewhere: events were put in order again')
  }

  /** Delivers from now on, as events come. */
  async start(): Promise<void> {
    this.#isStopped = false
    this.#unlisten = await this.#context.store.listen(CHANNEL, () => this.#lookIn(GATHER_MS))
    this.#lookIn(0)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#timer) clearTimeout(this.#timer)
    await this.#unlisten?.()
    await this.#looking
    await Promise.all(this.#running)
  }

  /** Lets go of old events that everyone has passed. */
  readonly trimTimer: Timer = {
    name: 'jobs.trim_outbox',
    everyMs: HOUR_MS,
    run: async ({ store, clock, signal }) => {
      const before = new Date(clock.now().getTime() - KEEP_MS)
      const names = [...this.#lines.keys()]
      await store.system((tx) => passQuiet(tx, this.#subscribers))
      for (let rows = TRIM_ROWS; rows === TRIM_ROWS && !signal.aborted;) {
        rows = await store.system((tx) => trimOutbox(tx, names, before, TRIM_ROWS))
      }
    },
  }

  /**
   * Resolves when every subscriber has handled (or buried) all that is committed now; waits for running transactions that
   * hold it back. Answers up to where that was; the handlers may have told of more events since.
   * @throws what an outage of the database throws, and Error when a transaction holds events back for a minute.
   */
  async drain(): Promise<Place | null> {
    const newest = await this.#context.store.system((tx) => findNewest(tx))
    for (const { delivery } of this.#lines.values()) {
      for (let movedAtMs = Date.now(); ;) {
        const pass = await delivery.pass(true)
        if (pass.outcome === 'idle' && (!newest || !isBefore(pass.position, newest))) break
        if (pass.outcome === 'moved' || pass.outcome === 'waiting') movedAtMs = Date.now()
        else if (Date.now() - movedAtMs > HELD_PATIENCE_MS) {
          throw new Error('A transaction that has been open for a minute holds events back.')
        }
        await waitAfter(pass)
      }
    }
    await this.#retryBuried()
    return newest
  }

  #lookIn(delayMs: number): void {
    const atMs = Date.now() + delayMs
    if (this.#isStopped || atMs >= this.#timerAtMs) return
    if (this.#timer) clearTimeout(this.#timer)
    this.#timerAtMs = atMs
    this.#timer = setTimeout(() => {
      this.#timerAtMs = Infinity
      this.#looking = this.#looking.then(() => this.#look())
    }, delayMs)
  }

  /** Finds out who has something to do and lets them do it; comes back by itself. Never rejects. */
  async #look(): Promise<void> {
    if (this.#isStopped) return
    let nextMs = POLL_MS
    try {
      const { names, isHeld } = await this.#context.store.system((tx) =>
        findBusy(tx, this.#subscribers),
      )
      if (isHeld) nextMs = HELD_POLL_MS
      this.#begin(names)
      await this.#observe()
    } catch (error) {
      this.#context.log.warn({ error }, 'the outbox cannot be read right now')
      nextMs = OUTAGE_WAIT_MS
    }
    const waits = [...this.#lines.values()]
      .map((line) => line.notBeforeMs - Date.now())
      .filter((ms) => ms > 0)
    this.#lookIn(Math.min(nextMs, ...waits))
  }

  /** Whoever has waited longest comes first, so that a busy few cannot keep the others out. */
  #begin(names: readonly string[]): void {
    const lines = names.map((name) => this.#lines.get(name)).filter((line) => line !== undefined)
    for (const line of lines.toSorted((a, b) => a.turnAtMs - b.turnAtMs)) {
      if (this.#running.size >= MAX_AT_ONCE) return
      if (!line.isRunning && line.notBeforeMs <= Date.now()) this.#beginTurn(line)
    }
  }

  #beginTurn(line: Line): void {
    line.isRunning = true
    line.turnAtMs = performance.now()
    const turn = this.#takeTurn(line).finally(() => {
      line.isRunning = false
      this.#running.delete(turn)
      this.#lookIn(0)
    })
    this.#running.add(turn)
  }

  /** Never rejects. */
  async #takeTurn(line: Line): Promise<void> {
    try {
      for (let passes = 0; passes < TURN_PASSES && !this.#isStopped; passes++) {
        const pass = await line.delivery.pass()
        line.notBeforeMs = notBefore(pass)
        if (pass.outcome !== 'moved') return
      }
    } catch (error) {
      if (this.#isStopped) return
      line.notBeforeMs = Date.now() + OUTAGE_WAIT_MS
      this.#context.log.warn(
        { subscriber: line.delivery.subscriber.name, error },
        'a subscriber waits for the database',
      )
    }
  }

  async #observe(): Promise<void> {
    if (Date.now() - this.#lagAtMs < LAG_EVERY_MS) return
    this.#lagAtMs = Date.now()
    const lags = await this.#context.store.system(async (tx) => {
      await passQuiet(tx, this.#subscribers)
      return listLags(tx, this.#subscribers, MOST_LAG)
    })
    for (const { name, waiting } of lags) this.#metrics.outboxLag.set({ subscriber: name }, waiting)
    const retrying = this.#retryBuried()
      .catch((error: unknown) =>
        this.#context.log.warn({ error }, 'buried events wait for the database'),
      )
      .finally(() => this.#running.delete(retrying))
    this.#running.add(retrying) // beside the looks, which must not wait for it
  }

  async #retryBuried(): Promise<void> {
    const events = await this.#context.store.system((tx) =>
      listRetries(tx, [...this.#lines.keys()], 100),
    )
    for (const event of events) await this.#lines.get(event.subscriber)?.delivery.retry(event)
  }
}

/** Another process is at it: a look every few milliseconds would only be in its way. */
const TAKEN_WAIT_MS = 100

function notBefore({ outcome, retryAtMs }: Pass): number {
  if (outcome === 'waiting') return retryAtMs ?? 0
  return outcome === 'taken' ? Date.now() + TAKEN_WAIT_MS : 0
}

async function waitAfter(pass: Pass): Promise<void> {
  if (pass.outcome === 'moved') return
  const untilMs = pass.outcome === 'waiting' ? (pass.retryAtMs ?? 0) - Date.now() : 10
  await sleep(Math.max(1, untilMs))
}
