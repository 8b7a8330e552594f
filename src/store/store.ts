import type { RawBuilder } from 'kysely'
import type { Sealer } from '#store/vault.ts'

/** What SQL runs through. Rows come back with camelCase keys; `bigint` as number, `numeric` as string, times as Date. */
export interface Queries {
  /** All rows of a statement whose size the caller bounds. */
  query<Row>(statement: RawBuilder<Row>): Promise<Row[]>
  /** The only row, or null. More than one row is a broken invariant and throws. */
  find<Row>(statement: RawBuilder<Row>): Promise<Row | null>
  /** Runs a statement for its effect; answers how many rows it touched. */
  execute(statement: RawBuilder<unknown>): Promise<number>
  /** Rows in batches through a server-side cursor, for results of any size. */
  stream<Row>(statement: RawBuilder<Row>, batchSize: number): AsyncIterable<Row[]>
}

/** A transaction inside one workspace, under the role that row-level security binds. */
export interface Transaction extends Queries {
  readonly workspaceId: string
  /** Seals and opens personal columns with this workspace's keys. */
  readonly sealer: Sealer
  /** Runs `work` under a savepoint: a throw undoes only what it did. */
  savepoint<T>(work: () => Promise<T>): Promise<T>
}

/** A transaction of the engines (relay, scheduler, key look-up), which see every workspace. Domains never get one. */
export interface SystemTransaction extends Queries {
  readonly system: true
}

export interface Store {
  /** All of `work` or none of it, isolated to the workspace (READ COMMITTED; constraints and row locks guard invariants). */
  transaction<T>(workspaceId: string, work: (tx: Transaction) => Promise<T>): Promise<T>
  /** The same without writes allowed; for reads that need one snapshot (REPEATABLE READ). */
  read<T>(workspaceId: string, work: (tx: Transaction) => Promise<T>): Promise<T>
  system<T>(work: (tx: SystemTransaction) => Promise<T>): Promise<T>
  /**
   * One statement of an engine on the connection beside the pool, for what must go on while transactions hold all others.
   * @returns how many rows it touched. @throws Problem `service.unavailable` when there is no answer within the time.
   */
  aside(statement: RawBuilder<unknown>, timeoutMs: number): Promise<number>
  /** The sealer of a workspace outside any transaction. */
  sealerOf(workspaceId: string): Promise<Sealer>
  /** Creates the keys of a new workspace, inside the transaction that inserts it. */
  createKeys(tx: SystemTransaction, workspaceId: string): Promise<void>
  /** LISTEN: calls back after each commit that notified the channel; resolves to a function that stops. Survives reconnects. */
  listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>>
  /** Resolves when the database answers within the time; throws otherwise. */
  ping(timeoutMs: number): Promise<void>
  /** The connection string of the same database, for libraries that bring their own client (pg-boss) and for benchmarks. */
  readonly connectionString: string
  close(): Promise<void>
}
