import { setTimeout as sleep } from 'node:timers/promises'

/** Refusals in a window that are answered at once: a client that minds them never meets the brake. */
const FREE_REFUSALS = 20
const HOLD_MS = 250
/** Answers of one key that are held at a time; those above are sent at once, so that held ones cost a bounded amount. */
const MOST_HELD = 64

/**
 * Slows down who goes on in spite of refusals: each further one is held for a moment. Whoever sends the next request once the last
 * is answered is thereby kept from using up the process, at the cost of a timer.
 */
export class Brake {
  readonly #held = new Map<string, number>()
  readonly #random: () => number

  /** @param random  in [0, 1): spreads the ends, or those that were held together would come back as one burst that others wait behind. */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** @param refusals  of the key in its window, this one among them. */
  async hold(key: string, refusals: number): Promise<void> {
    const held = this.#held.get(key) ?? 0
    if (refusals <= FREE_REFUSALS || held >= MOST_HELD) return
    this.#held.set(key, held + 1)
    await sleep(HOLD_MS * (1 + this.#random()))
    const left = this.#held.get(key)! - 1
    if (left === 0) this.#held.delete(key)
    else this.#held.set(key, left)
  }
}
