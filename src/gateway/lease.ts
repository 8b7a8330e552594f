import { SECOND_MS } from '#core/time.ts'
import type { LimitState } from '#gateway/limiter.ts'
import type { LeaseGrant, LeaseReturn, LeaseWish } from '#gateway/rate-window.store.ts'

const MOST_SIZE = 4096
/** Refused requests do not ask the database again for so long; another process may have given something back by then. */
const SPENT_MS = 100
/** A lease that nothing was taken of for so long goes back. */
const IDLE_MS = SECOND_MS

/** What one process holds of one window; times are of its own steady clock, in milliseconds. */
export class Lease {
  readonly key: string
  readonly limit: number
  /** Requests that may still be admitted by it. */
  left = 0
  refused = 0
  waiting = 0
  filling: Promise<void> | null = null
  /** Whether the window has a row. */
  isKnown = false
  /** Doubles with each that is used up, from one: who asks little holds little. */
  #size = 1
  #round = 0
  #taken = 0
  #endsAtMs = Number.NEGATIVE_INFINITY
  #spentAtMs = Number.NEGATIVE_INFINITY
  #usedAtMs = Number.NEGATIVE_INFINITY

  constructor(key: string, limit: number) {
    this.key = key
    this.limit = limit
  }

  /** Whether one more request may pass; null: the database must be asked. */
  take(nowMs: number): boolean | null {
    if (this.isOver(nowMs)) return null
    if (this.left > 0) {
      this.left -= 1
      this.#usedAtMs = nowMs
      return true
    }
    if (nowMs - this.#spentAtMs >= SPENT_MS) return null
    this.refused += 1
    return false
  }

  isOver(nowMs: number): boolean {
    return nowMs >= this.#endsAtMs
  }

  wish(): LeaseWish {
    const { key, limit, waiting } = this
    return { key, limit, waiting: Math.max(1, waiting), size: this.#size }
  }

  /**
   * @param grant  null: the window has no row, which is made the next time.
   * @param askedAtMs  the window is taken to end by this, so never too late.
   */
  fill(grant: LeaseGrant | null, askedAtMs: number): void {
    this.isKnown = grant !== null
    if (grant === null) return
    if (grant.round !== this.#round) {
      this.left = 0
      this.refused = 0
    }
    this.#round = grant.round
    this.#taken = grant.taken
    this.#endsAtMs = askedAtMs + grant.leftMs
    this.#usedAtMs = askedAtMs
    this.left += grant.granted
    this.#size = Math.min(MOST_SIZE, this.#size * 2)
    if (grant.granted === 0) this.#spentAtMs = performance.now()
  }

  /** What is to go back, and counts as gone from here on; null: nothing. */
  giveBack(nowMs: number, isLast: boolean): LeaseReturn | null {
    const isIdle = nowMs - this.#usedAtMs >= IDLE_MS && this.waiting === 0
    if (!isIdle && !isLast) return null
    this.#size = 1
    const back = this.left
    if (back === 0 || this.isOver(nowMs)) return null
    this.left = 0
    this.#taken -= back
    return { key: this.key, round: this.#round, back }
  }

  state(nowMs: number, allowed: boolean): LimitState {
    return {
      limit: this.limit,
      remaining: allowed ? Math.max(0, this.limit - this.#taken + this.left) : 0,
      resetS: Math.max(1, Math.ceil((this.#endsAtMs - nowMs) / SECOND_MS)),
      allowed,
    }
  }
}
