import type { Log } from '#core/log.ts'
import { MINUTE_MS } from '#core/time.ts'
import { Lease } from '#gateway/lease.ts'
import type { LimitState } from '#gateway/limiter.ts'
import { returnLeases, takeLeases, type LeaseReturn } from '#gateway/rate-window.store.ts'
import type { Store } from '#store/store.ts'
import type { Sealer } from '#store/vault.ts'

/** Statements under way at a time; who comes meanwhile is gathered for the next. */
const MOST_ASKS = 2
const MOST_IN_ONE = 500

/** A question that waits for the next statement. */
interface Ask {
  lease: Lease
  done(): void
  failed(error: unknown): void
}

/** As a window answers a request. */
export interface Taken {
  state: LimitState
  /** Requests of the key that this process refused in this window, this one among them. */
  refusals: number
}

/**
 * Limits of a minute that all processes of a database keep together. Each takes leases, a request of a busy caller seldom costs a round trip, and what is not used goes
 * back within a second or two. Never more than the limit is admitted in a window. Fewer are, for that long, by what other processes hold: at most a sixteenth of what was
 * left when each took it, and no more than twice what it had used.
 */
export class RateWindows {
  readonly #store: Pick<Store, 'system'>
  readonly #sealer: () => Promise<Sealer>
  readonly #log: Log
  readonly #windowMs: number
  readonly #leases = new Map<string, Lease>()
  #queue: Ask[] = []
  #asking = 0

  constructor(
    store: Pick<Store, 'system'>,
    sealer: () => Promise<Sealer>,
    log: Log,
    windowMs = MINUTE_MS,
  ) {
    this.#store = store
    this.#sealer = sealer
    this.#log = log
    this.#windowMs = windowMs
  }

  /** @throws what the database throws when it must be asked and does not answer. */
  async take(key: string, limit: number): Promise<Taken> {
    const lease = await this.#leaseOf(key, limit)
    for (;;) {
      const nowMs = performance.now()
      const allowed = lease.take(nowMs)
      if (allowed !== null) return { state: lease.state(nowMs, allowed), refusals: lease.refused }
      lease.waiting += 1
      try {
        await (lease.filling ??= this.#fill(lease))
      } finally {
        lease.waiting -= 1
      }
    }
  }

  /** Gives back leases that are not used; `all` of them when the process stops. */
  async flush(all = false): Promise<void> {
    const nowMs = performance.now()
    const back: LeaseReturn[] = []
    for (const [name, lease] of this.#leases) {
      const unused = lease.giveBack(nowMs, all)
      if (unused) back.push(unused)
      if (lease.isOver(nowMs) && lease.waiting === 0) this.#leases.delete(name)
    }
    if (back.length === 0) return
    try {
      await this.#store.system((tx) => returnLeases(tx, back))
    } catch (error) {
      // They stay taken until the minute is over: too few requests are better than too many.
      this.#log.warn({ error, leases: back.length }, 'unused leases of limits could not go back')
    }
  }

  async #leaseOf(key: string, limit: number): Promise<Lease> {
    const name = `${limit} ${key}`
    const known = this.#leases.get(name)
    if (known) return known
    const hash = (await this.#sealer()).index('rate_windows', name).toString('hex')
    const lease = this.#leases.get(name) ?? new Lease(hash, limit)
    this.#leases.set(name, lease)
    return lease
  }

  #fill(lease: Lease): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#queue.push({ lease, done: resolve, failed: reject })
    queueMicrotask(() => this.#pump()) // those that come in the same turn go along
    return promise.finally(() => (lease.filling = null))
  }

  #pump(): void {
    if (this.#queue.length === 0 || this.#asking >= MOST_ASKS) return
    const asks = this.#queue.splice(0, MOST_IN_ONE)
    void this.#answer(asks)
  }

  async #answer(asks: readonly Ask[]): Promise<void> {
    this.#asking += 1
    try {
      await this.#ask(asks.map(({ lease }) => lease))
      for (const ask of asks) ask.done()
    } catch (error) {
      for (const ask of asks) ask.failed(error)
    }
    this.#asking -= 1
    this.#pump()
  }

  async #ask(leases: readonly Lease[]): Promise<void> {
    const wishes = leases.map((lease) => lease.wish())
    const isNew = leases.some((lease) => !lease.isKnown)
    const askedAtMs = performance.now()
    const grants = await this.#store.system((tx) => takeLeases(tx, wishes, this.#windowMs, isNew))
    const byKey = new Map(grants.map((grant) => [grant.key, grant]))
    for (const lease of leases) lease.fill(byKey.get(lease.key) ?? null, askedAtMs)
  }
}
