import type { SandboxClock } from '#sandbox/clock.ts'
import { refuse } from './errors.ts'

/** Salesforce docs: API request limits and allocations. `null` lifts the limit. */
export interface Limits {
  /** Calls in any 24 hours, all apps together. */
  dailyApiRequests: number | null
  /** Batches of the Bulk APIs in any 24 hours: 10,000 rows each. */
  dailyBulkApiBatches: number | null
}

/** An Enterprise org with few licences. */
export const DEFAULT_LIMITS: Limits = { dailyApiRequests: 100_000, dailyBulkApiBatches: 15_000 }

const HOUR_MS = 3_600_000

/** A count over the last 24 hours, in hours. */
class RollingDay {
  private hours = new Map<number, number>()

  add(nowMs: number, count = 1): void {
    const hour = Math.floor(nowMs / HOUR_MS)
    this.hours.set(hour, (this.hours.get(hour) ?? 0) + count)
  }

  sum(nowMs: number): number {
    const oldest = Math.floor(nowMs / HOUR_MS) - 23
    let sum = 0
    for (const [hour, count] of this.hours) {
      if (hour < oldest) this.hours.delete(hour)
      else sum += count
    }
    return sum
  }
}

/** Counts the calls of an org and refuses those beyond its allocation. */
export class Quota {
  limits: Limits
  /** Calls of other apps that count against the same allocation. */
  private readonly clock: SandboxClock
  private calls = new RollingDay()
  private batches = new RollingDay()

  constructor(clock: SandboxClock, limits: Limits) {
    this.clock = clock
    this.limits = limits
  }

  /** Forgets all calls so far. */
  reset(): void {
    this.calls = new RollingDay()
    this.batches = new RollingDay()
  }

  /** Another tool of the customer's made so many calls. */
  spend(calls: number): void {
    this.calls.add(this.clock.now(), calls)
  }

  /**
   * Counts one call; answers the header that tells how far it has come.
   * @throws Refusal 403 REQUEST_LIMIT_EXCEEDED; the call is then not counted.
   */
  admit(): Record<string, string> {
    const nowMs = this.clock.now()
    const { dailyApiRequests: most } = this.limits
    if (most !== null && this.calls.sum(nowMs) >= most) throw dailyRefusal(this.header())
    this.calls.add(nowMs)
    return this.header()
  }

  /** @throws Refusal 400 when the batches of the day are used up. */
  admitBatches(count: number): void {
    const nowMs = this.clock.now()
    const { dailyBulkApiBatches: most } = this.limits
    if (most !== null && this.batches.sum(nowMs) + count > most) {
      throw refuse(400, 'LIMIT_EXCEEDED', 'Max daily ingest batch limit exceeded.')
    }
    this.batches.add(nowMs, count)
  }

  usage(): { calls: number; batches: number } {
    const nowMs = this.clock.now()
    return { calls: this.calls.sum(nowMs), batches: this.batches.sum(nowMs) }
  }

  /** Salesforce docs: Sforce-Limit-Info, on every answer. */
  header(): Record<string, string> {
    const used = this.calls.sum(this.clock.now())
    return { 'sforce-limit-info': `api-usage=${used}/${this.limits.dailyApiRequests ?? 5_000_000}` }
  }
}

/** Which of the limits, as the message begins. */
export function dailyRefusal(headers: Record<string, string> = {}) {
  const refusal = refuse(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.')
  refusal.answer.headers = headers
  return refusal
}

export function concurrencyRefusal() {
  const message = 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.'
  return refuse(403, 'REQUEST_LIMIT_EXCEEDED', message)
}
