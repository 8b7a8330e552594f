import { sql } from 'kysely'
import type { Store, Transaction } from '#store/store.ts'

/** Thrown inside a transaction of a run whose connection another process has taken over; nothing of it is kept. */
export class LeaseLost extends Error {
  constructor() {
    super('Another process has taken over the connection.')
    this.name = 'LeaseLost'
  }
}

/**
 * The right to work on a connection. It is kept up by a heartbeat; times are the database's, so that clocks of several
 * machines do not matter. Every write of a run checks the fence in its own transaction.
 *
 * The heartbeat waits for none of the run's transactions, however long one takes: it has a connection beside the pool, and
 * changes no key of the row, which is all that the fence's lock forbids. Who takes the connection over changes the fence, and
 * therefore locks the whole row.
 */
export class Lease {
  readonly fence: number
  /** Aborts when the lease is lost. */
  readonly signal: AbortSignal
  readonly #store: Store
  readonly #workspaceId: string
  readonly #connectionId: string
  readonly #leaseMs: number
  readonly #lost = new AbortController()
  readonly #heartbeat: NodeJS.Timeout
  #validUntilMs: number

  /** Takes the connection for a run; null while another run holds it. */
  static async take(
    store: Store,
    workspaceId: string,
    connectionId: string,
    runId: string,
    leaseMs: number,
  ): Promise<Lease | null> {
    const askedAtMs = performance.now()
    const row = await store.transaction(workspaceId, (tx) =>
      tx.find(sql<{ fence: number }>`
        with free as (
          select connection_id from sync_leases
          where connection_id = ${connectionId} and (held_until is null or held_until < clock_timestamp()) for update)
        update sync_leases l
        set fence = fence + 1, run_id = ${runId}, held_until = clock_timestamp() + ${leaseMs} * interval '1 ms'
        from free where l.connection_id = free.connection_id
        returning fence`),
    )
    return row && new Lease(store, workspaceId, connectionId, row.fence, leaseMs, askedAtMs)
  }

  private constructor(
    store: Store,
    workspaceId: string,
    connectionId: string,
    fence: number,
    leaseMs: number,
    askedAtMs: number,
  ) {
    this.fence = fence
    this.#store = store
    this.#workspaceId = workspaceId
    this.#connectionId = connectionId
    this.#leaseMs = leaseMs
    this.#validUntilMs = askedAtMs + leaseMs
    this.signal = this.#lost.signal
    this.#heartbeat = setInterval(() => void this.#renew(), leaseMs / 3)
    this.#heartbeat.unref()
  }

  /** Locks the fence for the rest of the transaction. @throws LeaseLost */
  async check(tx: Transaction): Promise<void> {
    const row = await tx.find(sql<{ fence: number }>`
      select fence from sync_leases where connection_id = ${this.#connectionId} for key share`)
    if (row?.fence !== this.fence) throw new LeaseLost()
  }

  /** To be asked before each call to the vendor: a process that slept must not send what it read long ago. @throws LeaseLost */
  assertHeld(): void {
    if (this.signal.aborted || performance.now() > this.#validUntilMs) throw new LeaseLost()
  }

  async release(): Promise<void> {
    clearInterval(this.#heartbeat)
    await this.#store.transaction(this.#workspaceId, (tx) =>
      tx.execute(sql`
        update sync_leases set held_until = null
        where connection_id = ${this.#connectionId} and fence = ${this.fence}`),
    )
  }

  /** One heartbeat. A database that does not answer costs the lease only once its time is over. */
  async #renew(): Promise<void> {
    const askedAtMs = performance.now()
    try {
      const rows = await this.#store.aside(
        sql`
          update sync_leases set held_until = clock_timestamp() + ${this.#leaseMs} * interval '1 ms'
          where connection_id = ${this.#connectionId} and fence = ${this.fence}`,
        this.#leaseMs,
      )
      if (rows === 1) this.#validUntilMs = askedAtMs + this.#leaseMs
      else this.#lost.abort(new LeaseLost())
    } catch (error) {
      // The database did not answer: the lease goes on until its time is over, and the next heartbeat tries again.
      if (performance.now() > this.#validUntilMs) this.#lost.abort(error)
    }
  }
}
