import { randomUUID } from 'node:crypto'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { fence, Lease } from '#jobs/lease.ts'
import type { JobContext, Timer } from '#jobs/job.ts'
import {
  ensureTimers,
  HOLD_S,
  holdTimer,
  listTimers,
  releaseTimer,
  takeTimer,
} from '#jobs/timer.store.ts'

const MAX_WAIT_MS = 5 * SECOND_MS
const RENEW_MS = (HOLD_S / 3) * SECOND_MS
/** Shorter timers are duties of looking after something; they go on when the clock was set back, others wait for it. */
const SHORT_MS = HOUR_MS

/**
 * Runs each timer once for each due time, in whichever process comes first.
 *
 * - Due times that passed while nobody ran are made up for by one run.
 * - A process that dies in a run is replaced within 30 s, for the same due time; one that was only paused finds its lease
 *   lost and can commit nothing more through `context.store`.
 * - A run that fails is tried again after a minute at most, its own interval if that is shorter.
 * - Timers do not wait for each other.
 */
export class Timers {
  readonly #timers: ReadonlyMap<string, Timer>
  readonly #context: JobContext
  readonly #holder = randomUUID()
  readonly #running = new Map<string, Promise<void>>()
  #wake: NodeJS.Timeout | null = null
  #looking: Promise<unknown> = Promise.resolve()
  #isStopped = true

  constructor(timers: readonly Timer[], context: JobContext) {
    this.#timers = new Map(timers.map((timer) => [timer.name, timer]))
    this.#context = context
  }

  async prepare(): Promise<void> {
    const now = this.#context.clock.now()
    await this.#context.store.system((tx) => ensureTimers(tx, [...this.#timers.values()], now))
  }

  /** Runs what is due from now on. */
  start(): void {
    this.#isStopped = false
    this.#lookIn(0)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#wake) clearTimeout(this.#wake)
    await this.#looking
    await Promise.all(this.#running.values())
  }

  /** Runs what is due at the clock's present, to the end. @returns the names of those that this process ran. */
  async tick(): Promise<string[]> {
    const { begun } = await this.#beginDue()
    await Promise.all(begun.map(async (name) => this.#running.get(name)))
    return begun
  }

  #lookIn(delayMs: number): void {
    if (this.#isStopped) return
    this.#wake = setTimeout(() => {
      this.#looking = this.#look()
    }, delayMs)
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    let waitMs = MAX_WAIT_MS
    try {
      const { soonestAt } = await this.#beginDue()
      if (soonestAt) waitMs = soonestAt.getTime() - this.#context.clock.now().getTime()
    } catch (error) {
      this.#context.log.warn({ error }, 'the timers wait for the database')
    }
    this.#lookIn(Math.min(MAX_WAIT_MS, Math.max(200, waitMs)))
  }

  async #beginDue(): Promise<{ begun: string[]; soonestAt: Date | null }> {
    const { store, clock } = this.#context
    const now = clock.now()
    const idle = [...this.#timers.keys()].filter((name) => !this.#running.has(name))
    const states = await store.system((tx) => listTimers(tx, idle))
    const begun: string[] = []
    let soonestAt: Date | null = null
    for (const state of states) {
      const timer = this.#timers.get(state.name)
      if (!timer || this.#running.has(timer.name)) continue
      const isSetBack = wasSetBack(timer, state.nextDueAt, now)
      if (state.nextDueAt > now && !isSetBack) {
        soonestAt ??= state.nextDueAt
        continue
      }
      if (!(await store.system((tx) => takeTimer(tx, state, this.#holder)))) continue
      begun.push(timer.name)
      const run = this.#run(timer, isSetBack ? now : state.nextDueAt)
      this.#running.set(
        timer.name,
        run.finally(() => this.#running.delete(timer.name)),
      )
    }
    return { begun, soonestAt }
  }

  /** Never rejects. */
  async #run(timer: Timer, dueAt: Date): Promise<void> {
    const { store, clock, log, signal } = this.#context
    const { name } = timer
    const holder = this.#holder
    const renew = () => store.system((tx) => holdTimer(tx, name, holder))
    const lease = new Lease({ ms: HOLD_S * SECOND_MS, renewEveryMs: RENEW_MS, renew, log })
    const own = {
      ...this.#context,
      store: fence(store, lease),
      signal: AbortSignal.any([signal, lease.lost]),
    }
    let hasFailed = false
    try {
      await timer.run(own)
    } catch (error) {
      hasFailed = true
      if (!signal.aborted) log.error({ timer: name, error }, 'a timer failed')
    } finally {
      lease.end()
    }
    const now = clock.now()
    const nextDueAt = hasFailed ? retryAt(timer, now) : nextDue(timer, dueAt, now)
    try {
      const isOurs = await store.system((tx) =>
        releaseTimer(tx, { name, holder, nextDueAt, ranAt: hasFailed ? null : now }),
      )
      if (!isOurs)
        log.warn({ timer: name }, 'a timer was taken over by another process while it ran')
    } catch (error) {
      log.warn(
        { timer: name, error },
        'a timer ran, but that could not be noted: it will run again',
      )
    }
  }
}

/** The first due time after now in the timer's own rhythm. */
function nextDue({ everyMs }: Timer, dueAt: Date, now: Date): Date {
  const missed = Math.max(0, Math.floor((now.getTime() - dueAt.getTime()) / everyMs))
  return new Date(dueAt.getTime() + (missed + 1) * everyMs)
}

function retryAt({ everyMs }: Timer, now: Date): Date {
  return new Date(now.getTime() + Math.min(everyMs, MINUTE_MS))
}

function wasSetBack({ everyMs }: Timer, nextDueAt: Date, now: Date): boolean {
  return everyMs < SHORT_MS && nextDueAt.getTime() - now.getTime() > 2 * everyMs
}
