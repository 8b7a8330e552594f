import { SECOND_MS } from '#core/time.ts'
import type { QuotaState } from '#gateway/quota.ts'
import { secondsUntil, type Meter, type Span } from '#levels/quota.rules.ts'
import type { Grant, Settlement, Wish } from '#levels/quota.store.ts'

const MOST_BLOCK = 512
/** Refused requests do not ask the database again for so long; others may have given something back by then. */
const SPENT_MS = SECOND_MS
/** A block that nothing was taken of for so long goes back. */
const IDLE_MS = 3 * SECOND_MS

/** What one process holds of one quota in one period. */
export class Block {
  readonly meter: Meter
  readonly span: Span
  readonly #workspaceId: string
  /** Requests that may still be admitted by it. */
  left = 0
  refused = 0
  waiting = 0
  filling: Promise<void> | null = null
  /** Whether the period has a row. */
  isKnown = false
  #limit: number
  #used = 0
  #taken = 0
  /** Doubles with each that is used up, from one: who asks little holds little. */
  #size = 1
  #spentAtMs = Number.NEGATIVE_INFINITY
  #usedAtMs = 0

  constructor(workspaceId: string, meter: Meter, span: Span) {
    this.#workspaceId = workspaceId
    this.meter = meter
    this.span = span
    this.#limit = meter.limit
  }

  setLimit(limit: number): void {
    if (limit === this.#limit) return
    this.#limit = limit
    this.#spentAtMs = Number.NEGATIVE_INFINITY
  }

  /** Nothing was left when the database was asked a moment ago. */
  isSpent(nowMs: number): boolean {
    return this.left === 0 && nowMs - this.#spentAtMs < SPENT_MS
  }

  get isIdle(): boolean {
    return this.waiting === 0 && this.left === 0 && this.#used === 0 && this.refused === 0
  }

  wish(): Wish {
    const { subject, period } = this.meter
    const { startsOn } = this.span
    return {
      subject,
      period,
      startsOn,
      limit: this.#limit,
      waiting: Math.max(1, this.waiting),
      block: this.#size,
    }
  }

  /** @param grant  null: the period has no row, which is made the next time. */
  fill(grant: Grant | null, nowMs: number): void {
    const granted = grant?.granted ?? 0
    this.isKnown = grant !== null
    this.left += granted
    this.#taken = grant?.taken ?? this.#taken
    this.#usedAtMs = nowMs
    this.#size = Math.min(MOST_BLOCK, this.#size * 2)
    if (granted === 0) this.#spentAtMs = nowMs
  }

  use(nowMs: number): void {
    this.left -= 1
    this.#used += 1
    this.#usedAtMs = nowMs
  }

  /** What the database is to be told; null: nothing. Counts as told from here on. */
  settle(nowMs: number, isOver: boolean): Settlement | null {
    const isUnused = nowMs - this.#usedAtMs > IDLE_MS && this.waiting === 0
    const back = isOver || isUnused ? this.left : 0
    const settlement = {
      workspaceId: this.#workspaceId,
      subject: this.meter.subject,
      period: this.meter.period,
      startsOn: this.span.startsOn,
      limit: this.#limit,
      used: this.#used,
      refused: this.refused,
      back,
    }
    if (isUnused) this.#size = 1
    this.left -= back
    this.#taken -= back
    this.#used = 0
    this.refused = 0
    return settlement.used + settlement.refused + back > 0 ? settlement : null
  }

  /** What could not be told after all. */
  owe(used: number, refused: number): void {
    this.#used += used
    this.refused += refused
  }

  state(now: Date, allowed: boolean): QuotaState {
    const { startsAtMs, endsAtMs } = this.span
    return {
      name: this.meter.name,
      limit: this.#limit,
      remaining: Math.max(0, this.#limit - this.#taken + this.left),
      windowS: (endsAtMs - startsAtMs) / SECOND_MS,
      resetS: secondsUntil(endsAtMs, now),
      allowed,
    }
  }
}
