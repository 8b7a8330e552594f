import type { RawBuilder } from 'kysely'
import { Pool, type ClientConfig, type PoolClient, type PoolConfig, type QueryConfig } from 'pg'
import type { Log } from '#core/log.ts'
import { errorCode, toProblem } from '#store/failure.ts'
import { type ClientQueries, EngineTransaction, WorkspaceTransaction } from '#store/queries.ts'
import { SideLine } from '#store/side-line.ts'
import { valueTypes } from '#store/statement.ts'
import type { Store, SystemTransaction, Transaction } from '#store/store.ts'
import { missingSealer, type Sealer } from '#store/vault.ts'
import type { KeyGuard } from '#store/key-guard.ts'
import { WorkspaceKeys } from '#store/workspace-keys.ts'

export interface StoreOptions {
  connectionString: string
  /** The file with the installation's keys; made at the first start. */
  keyFile: string
  /** Seals the keys in it; none unless given. */
  keyGuard?: KeyGuard | null
  log: Log
  /** Connections at most, besides one for LISTEN. */
  poolSize: number
  /** The longest a statement may run; default 30 s. */
  statementTimeoutMs?: number
}

/** How long a transaction waits for a free connection, or for a new one. */
const CONNECT_TIMEOUT_MS = 5000
/** BEGIN and ROLLBACK do little work: a database that does not answer them in this time is not there. */
const CONTROL_TIMEOUT_MS = 4000
const CLOSE_TIMEOUT_MS = 10_000

/** The role that row-level security binds; see migrations/0000_foundation.sql. */
export const APP_ROLE = 'throughline_app'

/**
 * Opens the database for work. Migrations must have run, or must run before the first workspace is used.
 * @throws Problem `service.unavailable` when the database does not answer; Error when the key file does not fit it.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { connectionString, log, poolSize, statementTimeoutMs = 30_000 } = options
  const config: ClientConfig = {
    connectionString,
    application_name: 'throughline',
    types: valueTypes,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  }
  const pool = new Pool({
    ...config,
    pipeline: true, // statements of one transaction that are sent together share a round trip
    max: poolSize,
    idleTimeoutMillis: 60_000,
    maxLifetimeSeconds: 3600,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: 60_000,
    query_timeout: statementTimeoutMs + 5000, // for a server that went silent and cannot time out by itself
  } satisfies PoolConfig & { pipeline: boolean })
  pool.on('error', (error) => {
    // While the pool ends, its last connections may hear from the server first.
    if (!pool.ending) log.warn({ error }, 'an idle connection to the database was lost')
  })
  const store = new PostgresStore(
    connectionString,
    pool,
    new SideLine(config, log),
    new WorkspaceKeys(options.keyFile, options.keyGuard ?? null),
  )
  try {
    await store.loadKeys()
  } catch (error) {
    await store.close()
    throw error
  }
  return store
}

class PostgresStore implements Store {
  readonly connectionString: string
  readonly #pool: Pool
  readonly #sideLine: SideLine
  readonly #keys: WorkspaceKeys

  constructor(connectionString: string, pool: Pool, sideLine: SideLine, keys: WorkspaceKeys) {
    this.connectionString = connectionString
    this.#pool = pool
    this.#sideLine = sideLine
    this.#keys = keys
  }

  transaction<T>(workspaceId: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#inWorkspace('begin', workspaceId, work)
  }

  read<T>(workspaceId: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#inWorkspace('begin isolation level repeatable read read only', workspaceId, work)
  }

  system<T>(work: (tx: SystemTransaction) => Promise<T>): Promise<T> {
    return this.#run<EngineTransaction, T>('begin', (client) => new EngineTransaction(client), work)
  }

  aside(statement: RawBuilder<unknown>, timeoutMs: number): Promise<number> {
    return this.#sideLine.execute(statement, timeoutMs)
  }

  async sealerOf(workspaceId: string): Promise<Sealer> {
    return (
      this.#keys.findCached(workspaceId) ??
      (await this.system((tx) => this.#keys.read(tx, workspaceId))) ??
      missingSealer(workspaceId)
    )
  }

  createKeys(tx: SystemTransaction, workspaceId: string): Promise<void> {
    return this.#keys.create(tx, workspaceId)
  }

  loadKeys(): Promise<void> {
    return this.system((tx) => this.#keys.load(tx))
  }

  listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>> {
    return this.#sideLine.listen(channel, onNotify)
  }

  ping(timeoutMs: number): Promise<void> {
    return this.#sideLine.ping(timeoutMs)
  }

  async close(): Promise<void> {
    await this.#sideLine.close()
    await Promise.race([
      this.#pool.end(),
      new Promise((done) => setTimeout(done, CLOSE_TIMEOUT_MS).unref()),
    ])
  }

  async #inWorkspace<T>(
    begin: string,
    workspaceId: string,
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T> {
    // The id becomes part of a statement's text below, so its form is checked here and nowhere else.
    if (!/^[A-Za-z0-9_]{1,64}$/.test(workspaceId))
      throw new Error('A workspace id has an impossible form.')
    const sealer = await this.sealerOf(workspaceId)
    const enter = `${begin}; set local role ${APP_ROLE}; set local throughline.workspace_id = '${workspaceId}'`
    return this.#run<WorkspaceTransaction, T>(
      enter,
      (client) => new WorkspaceTransaction(client, workspaceId, sealer),
      work,
    )
  }

  async #run<Tx extends ClientQueries, T>(
    begin: string,
    open: (client: PoolClient) => Tx,
    work: (tx: Tx) => Promise<T>,
  ): Promise<T> {
    const client = await this.#checkOut()
    let lost: Error | undefined
    const onError = (error: Error) => (lost = error)
    client.on('error', onError) // without a listener, a lost connection would end the process
    const tx = open(client)
    // Not awaited here: the first statement shares its round trip. Should it fail, the statements behind it fail too.
    const begun = sendControl(client, begin)
    begun.catch((error: Error) => (lost ??= error))
    try {
      const result = await work(tx)
      tx.close()
      await begun
      await commit(client)
      return result
    } catch (error) {
      tx.abandon()
      const beginError = await begun.then(
        () => null,
        (cause: unknown) => cause,
      )
      // What ended the connection says more than that it ended: who dawdled for a minute was thrown out by the server.
      const reason = errorCode(lost) === '25P03' ? lost : error
      lost ??= await rollBack(client)
      throw toProblem(beginError ?? reason)
    } finally {
      client.off('error', onError)
      client.release(lost)
    }
  }

  async #checkOut(): Promise<PoolClient> {
    try {
      return await this.#pool.connect()
    } catch (error) {
      throw toProblem(error)
    }
  }
}

/** PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error: the caller must not take it for done. */
async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('commit')
  if (command !== 'COMMIT') {
    throw new Error(
      'Nothing was committed: a statement had failed and its error was dropped on the way.',
    )
  }
}

/** Sends what does no work itself, with a time limit of our own: the driver then destroys the connection. */
function sendControl(client: PoolClient, text: string): Promise<unknown> {
  const query: QueryConfig & { query_timeout: number } = { text, query_timeout: CONTROL_TIMEOUT_MS }
  return client.query(query)
}

/** Answers why the connection must be thrown away; undefined when it is as good as new. */
async function rollBack(client: PoolClient): Promise<Error | undefined> {
  try {
    await sendControl(client, 'rollback')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error('The roll-back failed.')
  }
}
