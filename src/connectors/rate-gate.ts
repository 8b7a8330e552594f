/** How many calls may start within any window of this length. */
export interface RateLimit {
  max: number
  intervalMs: number
}

/**
 * Holds calls back so that a connection stays within its vendor's limits: a sliding window a bucket, counted over the
 * calls of this process, plus blocks that the vendor asked for.
 */
export class RateGate {
  readonly #limits: Map<string, RateLimit>
  readonly #startedAtMs = new Map<string, number[]>()
  readonly #blockedUntilMs = new Map<string, number>()
  readonly #wait: (durationMs: number, signal: AbortSignal) => Promise<void>

  constructor(
    limits: Record<string, RateLimit>,
    wait: (durationMs: number, signal: AbortSignal) => Promise<void>,
  ) {
    this.#limits = new Map(Object.entries(limits))
    this.#wait = wait
  }

  /** Resolves when a call of the bucket may start, and counts it. A bucket without a limit is open. */
  async enter(bucket: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      const waitMs = this.#waitMs(bucket)
      if (waitMs <= 0) break
      await this.#wait(waitMs, signal)
    }
    const started = this.#startedAtMs.get(bucket) ?? []
    started.push(performance.now())
    this.#startedAtMs.set(bucket, started)
  }

  /** Takes over the limit that the vendor names in its answers. */
  learn(bucket: string, limit: RateLimit): void {
    if (limit.max > 0 && limit.intervalMs > 0) this.#limits.set(bucket, limit)
  }

  /** No call of the bucket starts for this long. */
  block(bucket: string, durationMs: number): void {
    const untilMs = performance.now() + durationMs
    this.#blockedUntilMs.set(bucket, Math.max(untilMs, this.#blockedUntilMs.get(bucket) ?? 0))
  }

  #waitMs(bucket: string): number {
    const nowMs = performance.now()
    const blockedMs = (this.#blockedUntilMs.get(bucket) ?? 0) - nowMs
    const limit = this.#limits.get(bucket)
    const started = this.#startedAtMs.get(bucket)
    if (!limit || !started) return blockedMs
    while (started.length > 0 && started[0]! <= nowMs - limit.intervalMs) started.shift()
    const oldest = started[started.length - limit.max]
    return Math.max(blockedMs, oldest === undefined ? 0 : oldest + limit.intervalMs - nowMs)
  }
}
