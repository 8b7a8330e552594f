interface Entry<Answer> {
  answer: Promise<Answer>
  atMs: number
}

const MOST = 500

/**
 * Keeps answers that are dear to compute for a moment, so that a wall of dashboards costs one computation. Callers who ask for
 * the same at once share it. An answer says of which moment it is; a failure is not kept.
 */
export class Kept<Answer> {
  readonly #keptMs: number
  readonly #entries = new Map<string, Entry<Answer>>()

  /** @param keptMs  for how long, in milliseconds; 0 keeps nothing. */
  constructor(keptMs: number) {
    this.#keptMs = keptMs
  }

  async get(key: string, now: Date, compute: () => Promise<Answer>): Promise<Answer> {
    const nowMs = now.getTime()
    const found = this.#entries.get(key)
    if (found && Math.abs(nowMs - found.atMs) < this.#keptMs) return found.answer
    if (this.#entries.size >= MOST) this.#entries.clear()
    const entry = { answer: compute(), atMs: nowMs }
    if (this.#keptMs > 0) this.#entries.set(key, entry)
    try {
      return await entry.answer
    } catch (error) {
      if (this.#entries.get(key) === entry) this.#entries.delete(key)
      throw error
    }
  }
}
