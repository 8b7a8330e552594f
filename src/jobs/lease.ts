import type { Log } from '#core/log.ts'
import type { Store } from '#store/store.ts'

export interface LeaseOptions {
  /** How long it lasts after each renewal. */
  ms: number
  renewEveryMs: number
  /** Renews it where others look; false when somebody else has it now. */
  renew(): Promise<boolean>
  log: Log
}

/**
 * The right to do something alone, which lasts only while it is renewed. Time is counted by this process's monotonic
 * clock, which goes on while the process is paused: after a pause the lease is over before any other line runs.
 */
export class Lease {
  readonly #options: LeaseOptions
  readonly #lost = new AbortController()
  readonly #renewal: NodeJS.Timeout
  #renewedAtMs = performance.now()

  constructor(options: LeaseOptions) {
    this.#options = options
    this.#renewal = setInterval(() => void this.#renew(), options.renewEveryMs)
    this.#renewal.unref()
  }

  /** Aborts when the lease is lost. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** @throws Error when the lease is over. */
  check(): void {
    if (performance.now() - this.#renewedAtMs >= this.#options.ms) this.#lost.abort()
    if (this.#lost.signal.aborted)
      throw new Error('The lease is over: another process may be at this work.')
  }

  end(): void {
    clearInterval(this.#renewal)
  }

  /** Never rejects: while the database is away, only the time decides. */
  async #renew(): Promise<void> {
    const askedAtMs = performance.now()
    try {
      this.check()
      if (await this.#options.renew()) this.#renewedAtMs = askedAtMs
      else this.#lost.abort()
    } catch (error) {
      this.#options.log.debug({ error }, 'a lease was not renewed')
    }
  }
}

/** The same store, but nothing commits through it once the lease is over. Reads are let through: they change nothing. */
export function fence(store: Store, lease: Lease): Store {
  const guarded =
    <Tx, T>(work: (tx: Tx) => Promise<T>) =>
    async (tx: Tx): Promise<T> => {
      lease.check()
      const result = await work(tx)
      lease.check() // the last thing before the commit
      return result
    }
  return {
    transaction: (workspaceId, work) => store.transaction(workspaceId, guarded(work)),
    read: (workspaceId, work) => store.read(workspaceId, work),
    system: (work) => store.system(guarded(work)),
    async aside(statement, timeoutMs) {
      lease.check()
      return store.aside(statement, timeoutMs)
    },
    sealerOf: (workspaceId) => store.sealerOf(workspaceId),
    createKeys: (tx, workspaceId) => store.createKeys(tx, workspaceId),
    listen: (channel, onNotify) => store.listen(channel, onNotify),
    ping: (timeoutMs) => store.ping(timeoutMs),
    connectionString: store.connectionString,
    close: () => store.close(),
  }
}
