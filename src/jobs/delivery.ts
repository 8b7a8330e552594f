import { noTracer } from '#core/trace.ts'
import { isOutage } from '#store/failure.ts'
import { buryEvent, takeRetry } from '#jobs/dead-event.store.ts'
import { describeFailure } from '#jobs/failure.ts'
import type { JobContext, OutboxEvent, Subscriber } from '#jobs/job.ts'
import {
  type Batch,
  isBefore,
  keepProgress,
  movePosition,
  openBatch,
  type Place,
  readBatch,
  type RelayedEvent,
  takePosition,
} from '#jobs/relay.store.ts'
import type { EnqueueWish, Queue } from '#jobs/queue.ts'
import type { Transaction } from '#store/store.ts'

const BATCH_EVENTS = 500
const MAX_TRIES = 5
/** The waits between the tries of an event that fails alone: 2 s in all, so that what comes behind it is late by no more. */
const FIRST_RETRY_MS = 50
const RETRY_FACTOR = 3
/** How often a position may move past events that do not concern the subscriber. */
const SKIP_EVERY_MS = 1000

/** The queue, as far as subscribers ask it for jobs. */
export type WishQueue = Pick<Queue, 'check' | 'enqueueWith'>

/** What a pass came to, and how far the subscriber is. */
export interface Pass {
  /** `moved`: there may be more. `idle`: nothing below the horizon. `taken`: another process is at it. `waiting`: until `retryAtMs`. */
  outcome: 'moved' | 'idle' | 'taken' | 'waiting'
  position: Place
  retryAtMs?: number
}

/**
 * Hands the outbox's events to one subscriber, in commit order within each workspace. What the subscriber does and how far
 * it has come are one transaction, so an event has its effect once, whatever is killed when.
 *
 * A batch that fails is halved until the event that spoils it stands alone; that one is tried five times over 2 s and then
 * buried in `dead_events`, and what comes behind it goes on. While the database is away nothing counts as a try.
 */
export class Delivery {
  readonly subscriber: Subscriber
  readonly #context: JobContext
  readonly #queue: WishQueue
  readonly #failures = new Map<number, { tries: number; retryAtMs: number }>()
  #skippedAtMs = 0

  constructor(subscriber: Subscriber, context: JobContext, queue: WishQueue) {
    this.subscriber = subscriber
    this.#context = context
    this.#queue = queue
  }

  /** Lets the subscriber work; the jobs that it asks for are queued by the same transaction, as the last thing in it. */
  async #handle(events: readonly OutboxEvent[], tx: Transaction): Promise<void> {
    const wishes: EnqueueWish[] = []
    const enqueue: JobContext['enqueue'] = async (name, input, options) => {
      this.#queue.check(name)
      wishes.push({ name, input, options })
    }
    const work = async () => {
      await this.subscriber.handle(events, tx, { ...this.#context, enqueue })
      await this.#queue.enqueueWith(tx, wishes)
    }
    // Of events of several traces the work belongs to the first: a span has one parent.
    const parent = events.find((event) => event.trace)?.trace
    if (!parent) return work()
    const { tracer = noTracer } = this.#context
    const attributes = { 'throughline.events': events.length }
    await tracer.span(
      `handle ${this.subscriber.name}`,
      { kind: 'consumer', parent, attributes },
      work,
    )
  }

  /**
   * Handles the next batch.
   * @param mustSkip  move the position past events of no concern at once, instead of once a second.
   * @throws what an outage of the database throws.
   */
  async pass(mustSkip = false): Promise<Pass> {
    const { store } = this.#context
    const batch = await store.system((tx) => readBatch(tx, this.subscriber, BATCH_EVENTS))
    if (batch.events.length === 0) return this.#skip(batch, mustSkip)
    const groups = [...Map.groupBy(batch.events, (event) => event.workspaceId).values()]
    const run = new BatchRun(this.subscriber, this.#context, batch, groups.length)
    if (groups.length > 1 && !batch.isOpen && !(await run.open()))
      return { outcome: 'taken', position: batch.from }
    let retryAtMs = Infinity
    for (const group of groups) {
      const ended = await this.#deliver(run, group)
      if (ended === 'taken') return { outcome: 'taken', position: batch.from }
      if (ended !== 'done') retryAtMs = Math.min(retryAtMs, ended)
    }
    if (retryAtMs !== Infinity) return { outcome: 'waiting', position: batch.from, retryAtMs }
    return { outcome: 'moved', position: batch.end }
  }

  async #skip(batch: Batch, mustSkip: boolean): Promise<Pass> {
    const isDue = mustSkip || batch.isOpen || Date.now() - this.#skippedAtMs >= SKIP_EVERY_MS
    if (!isDue || !isBefore(batch.from, batch.end)) return { outcome: 'idle', position: batch.from }
    this.#skippedAtMs = Date.now()
    const hasMoved = await this.#context.store.system(async (tx) => {
      if (!(await takePosition(tx, this.subscriber.name, batch.version))) return false
      await movePosition(tx, this.subscriber.name, batch.end)
      return true
    })
    return hasMoved
      ? { outcome: 'idle', position: batch.end }
      : { outcome: 'taken', position: batch.from }
  }

  /** The events of one workspace. Answers when to go on, should one of them fail and wait for its next try. */
  async #deliver(
    run: BatchRun,
    events: readonly RelayedEvent[],
  ): Promise<'done' | 'taken' | number> {
    let width = events.length
    for (let done = 0; done < events.length;) {
      const first = events[done]!
      const failure = this.#failures.get(first.seq)
      if (failure && failure.retryAtMs > Date.now()) return failure.retryAtMs
      const part = events.slice(done, done + (failure ? 1 : width))
      const isLast = done + part.length === events.length
      try {
        if (!(await run.settle(part, isLast, (tx) => this.#handle(part, tx)))) return 'taken'
        this.#failures.delete(first.seq)
        width = Math.min(width * 2, events.length)
      } catch (error) {
        if (isOutage(error) || this.#context.signal.aborted) throw error
        if (part.length > 1) {
          width = Math.floor(part.length / 2)
          continue
        }
        const tries = (failure?.tries ?? 0) + 1
        if (tries < MAX_TRIES) {
          this.#failures.set(first.seq, { tries, retryAtMs: Date.now() + retryDelayMs(tries) })
          continue
        }
        if (!(await this.#bury(run, first, isLast, error))) return 'taken'
      }
      done += part.length
    }
    return 'done'
  }

  async #bury(
    run: BatchRun,
    event: RelayedEvent,
    isLast: boolean,
    error: unknown,
  ): Promise<boolean> {
    const { clock, log } = this.#context
    const subscriber = this.subscriber.name
    const burial = {
      subscriber,
      event,
      error: describeFailure(error),
      tries: MAX_TRIES,
      at: clock.now(),
    }
    if (!(await run.settle([event], isLast, (tx) => buryEvent(tx, burial)))) return false
    this.#failures.delete(event.seq)
    log.error(
      { subscriber, event: event.event, seq: event.seq, failure: burial.error },
      'an event was buried',
    )
    return true
  }

  /** Hands a buried event over once more; should it fail again, it is buried again. */
  async retry(event: OutboxEvent): Promise<void> {
    const { store, clock } = this.#context
    const subscriber = this.subscriber.name
    try {
      await store.transaction(event.workspaceId, async (tx) => {
        if (await takeRetry(tx, subscriber, event.seq)) await this.#handle([event], tx)
      })
    } catch (error) {
      if (isOutage(error) || this.#context.signal.aborted) throw error
      const burial = { subscriber, event, error: describeFailure(error), tries: 1, at: clock.now() }
      await store.transaction(event.workspaceId, (tx) => buryEvent(tx, burial))
    }
  }
}

const retryDelayMs = (tries: number) => FIRST_RETRY_MS * RETRY_FACTOR ** (tries - 1)

/** One batch under way: knows the position's version and where it has to go when a part is settled. */
class BatchRun {
  readonly #name: string
  readonly #context: JobContext
  readonly #end: Place
  #version: number
  #isOpen: boolean
  #groupsLeft: number

  constructor(subscriber: Subscriber, context: JobContext, batch: Batch, groups: number) {
    this.#name = subscriber.name
    this.#context = context
    this.#end = batch.end
    this.#version = batch.version
    this.#isOpen = batch.isOpen
    this.#groupsLeft = groups
  }

  async open(): Promise<boolean> {
    const isMine = await this.#context.store.system(async (tx) => {
      if (!(await takePosition(tx, this.#name, this.#version))) return false
      await openBatch(tx, this.#name, this.#end)
      return true
    })
    if (isMine) {
      this.#version += 1
      this.#isOpen = true
    }
    return isMine
  }

  /**
   * Does `work` for the events and notes them as settled, in one transaction.
   * @param isLast  whether the workspace has no more events in this batch.
   * @returns false, with nothing done, when another process moved the position.
   */
  async settle(
    events: readonly RelayedEvent[],
    isLast: boolean,
    work: (tx: Transaction) => Promise<void>,
  ): Promise<boolean> {
    const last = events.at(-1)!
    const isEnd = isLast && this.#groupsLeft === 1
    const isMine = await this.#context.store.transaction(last.workspaceId, async (tx) => {
      if (!(await takePosition(tx, this.#name, this.#version))) return false
      await work(tx)
      if (isEnd) await movePosition(tx, this.#name, this.#end)
      else if (this.#isOpen) await keepProgress(tx, this.#name, last)
      else await movePosition(tx, this.#name, last)
      return true
    })
    if (!isMine) return false
    this.#version += 1
    if (isLast) this.#groupsLeft -= 1
    return true
  }
}
