import { SECOND_MS } from '#core/time.ts'
import { VendorFault } from './connector.ts'

const TRIES = 4
const FIRST_WAIT_MS = 500
/** A vendor that wants a longer pause than this ends the run; the next one goes on. */
const LONGEST_WAIT_MS = 60 * SECOND_MS

/** Counts faults in a row over a whole run: a vendor that is down is not asked again and again for each record. */
export class Circuit {
  readonly #limit: number
  #faultsInARow = 0

  constructor(limit = 8) {
    this.#limit = limit
  }

  get isOpen(): boolean {
    return this.#faultsInARow >= this.#limit
  }

  count(isFault: boolean): void {
    this.#faultsInARow = isFault ? this.#faultsInARow + 1 : 0
  }
}

export interface Patience {
  circuit: Circuit
  signal: AbortSignal
  wait(durationMs: number, signal: AbortSignal): Promise<void>
  /** In [0, 1). */
  random(): number
}

/** True for faults that may be gone in a moment. */
export function isPassing(error: unknown): error is VendorFault {
  return error instanceof VendorFault && (error.kind === 'transient' || error.kind === 'rate_burst')
}

/**
 * Does the work, at most four times: after a passing fault it waits as long as the vendor says, else with full jitter
 * in [0, 0.5 s · 2ⁿ].
 * @throws what the last try threw.
 */
export async function withPatience<T>(
  work: () => Promise<T>,
  patience: Patience,
  tries = TRIES,
): Promise<T> {
  for (let turn = 0; ; turn += 1) {
    try {
      const result = await work()
      patience.circuit.count(false)
      return result
    } catch (error) {
      if (!isPassing(error)) throw error
      patience.circuit.count(true)
      const jitterMs = patience.random() * FIRST_WAIT_MS * 2 ** turn
      const waitMs = (error.retryAfterMs ?? 0) + jitterMs
      if (turn + 1 >= tries || patience.circuit.isOpen || waitMs > LONGEST_WAIT_MS) throw error
      await patience.wait(waitMs, patience.signal)
    }
  }
}
