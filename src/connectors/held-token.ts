import type { Clock } from '#core/time.ts'

/** An access token and what came with it. */
export interface Access {
  token: string
}

/** From when on the next one is fetched; null: once it is refused. */
export interface Fetched<A extends Access> {
  access: A
  renewAtMs: number | null
}

/**
 * The access token of a connection, kept while it is good and fetched anew one renewal at a time: a vendor that rotates
 * refresh tokens takes two renewals at once for a theft.
 */
export class HeldToken<A extends Access> {
  readonly #clock: Clock
  readonly #fetch: (signal: AbortSignal) => Promise<Fetched<A>>
  #held: Fetched<A> | null = null
  #renewal: Promise<A> | null = null

  constructor(clock: Clock, fetch: (signal: AbortSignal) => Promise<Fetched<A>>) {
    this.#clock = clock
    this.#fetch = fetch
  }

  async current(signal: AbortSignal): Promise<A> {
    const held = this.#held
    if (held === null) return this.#renewOnce(signal)
    const isGood = held.renewAtMs === null || this.#clock.now().getTime() < held.renewAtMs
    return isGood ? held.access : this.#renewOnce(signal)
  }

  /** After `Bearer <token>` was refused: sees to it that another token is at hand. */
  async renew(refused: string, signal: AbortSignal): Promise<void> {
    if (this.#held && `Bearer ${this.#held.access.token}` !== refused) return
    this.#held = null
    await this.#renewOnce(signal)
  }

  #renewOnce(signal: AbortSignal): Promise<A> {
    this.#renewal ??= this.#take(signal).finally(() => {
      this.#renewal = null
    })
    return this.#renewal
  }

  async #take(signal: AbortSignal): Promise<A> {
    this.#held = await this.#fetch(signal)
    return this.#held.access
  }
}
