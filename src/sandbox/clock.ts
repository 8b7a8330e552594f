/** The time a sandbox lives in: the given clock, moved forward by whatever a test asked for. */
export interface SandboxClock {
  /** Epoch milliseconds. */
  now(): number
  /** Moves the sandbox's time forward by `ms` milliseconds (not below 0). */
  advance(ms: number): void
}

/** A clock that runs with `base` (epoch milliseconds, the real time unless given). */
export function createClock(base: () => number = Date.now): SandboxClock {
  let offsetMs = 0
  return {
    now: () => base() + offsetMs,
    advance(ms) {
      if (!(ms >= 0)) throw new RangeError('A clock only moves forward.')
      offsetMs += ms
    },
  }
}
