import { type RawBuilder } from 'kysely'
import type { PoolClient, QueryArrayResult } from 'pg'
import { toProblem } from '#store/failure.ts'
import { toQuery, toRows } from '#store/statement.ts'
import type { Queries, SystemTransaction, Transaction } from '#store/store.ts'
import type { Sealer } from '#store/vault.ts'

/** The statements of one open transaction. After its end every further use throws, so that none runs outside it. */
export class ClientQueries implements Queries {
  readonly #client: PoolClient
  #isOpen = true
  #running = 0
  #names = 0

  constructor(client: PoolClient) {
    this.#client = client
  }

  async query<Row>(statement: RawBuilder<Row>): Promise<Row[]> {
    const { fields, rows } = await this.#run(statement)
    return toRows<Row>(fields, rows)
  }

  async find<Row>(statement: RawBuilder<Row>): Promise<Row | null> {
    const rows = await this.query(statement)
    if (rows.length > 1) throw new Error(`A statement for one row found ${rows.length}.`)
    return rows[0] ?? null
  }

  async execute(statement: RawBuilder<unknown>): Promise<number> {
    const { rowCount } = await this.#run(statement)
    return rowCount ?? 0
  }

  async *stream<Row>(statement: RawBuilder<Row>, batchSize: number): AsyncIterable<Row[]> {
    const cursor = this.newName('cursor')
    const { text, values } = toQuery(statement)
    await this.send({
      text: `declare ${cursor} no scroll cursor for ${text}`,
      values: values ?? [],
      rowMode: 'array',
    })
    let isFailed = false
    try {
      for (;;) {
        const fetch = {
          text: `fetch ${Math.trunc(batchSize)} from ${cursor}`,
          rowMode: 'array' as const,
          values: [],
        }
        const { fields, rows } = await this.send(fetch)
        if (rows.length === 0) return
        yield toRows<Row>(fields, rows)
        if (rows.length < batchSize) return
      }
    } catch (error) {
      isFailed = true
      throw error
    } finally {
      // After an error the transaction is void and the cursor with it; then closing would hide the first error.
      if (!isFailed && this.#isOpen)
        await this.send({ text: `close ${cursor}`, rowMode: 'array', values: [] })
    }
  }

  newName(prefix: string): string {
    this.#names += 1
    return `${prefix}_${this.#names}`
  }

  /** Ends the use of this object. @throws Error when a statement still runs, since its outcome would be unknown. */
  close(): void {
    this.#isOpen = false
    if (this.#running > 0)
      throw new Error('A transaction ended while one of its statements was not awaited.')
  }

  /** Ends the use of this object after a failure; statements that still run are undone by the roll-back behind them. */
  abandon(): void {
    this.#isOpen = false
  }

  async send(query: ReturnType<typeof toQuery>): Promise<QueryArrayResult> {
    if (!this.#isOpen) throw new Error('The transaction is over: a statement came too late.')
    this.#running += 1
    try {
      return await this.#client.query(query)
    } catch (error) {
      throw toProblem(error)
    } finally {
      this.#running -= 1
    }
  }

  #run(statement: RawBuilder<unknown>): Promise<QueryArrayResult> {
    return this.send(toQuery(statement))
  }
}

export class WorkspaceTransaction extends ClientQueries implements Transaction {
  readonly workspaceId: string
  readonly sealer: Sealer
  readonly #savepoints: string[] = []

  constructor(client: PoolClient, workspaceId: string, sealer: Sealer) {
    super(client)
    this.workspaceId = workspaceId
    this.sealer = sealer
  }

  async savepoint<T>(work: () => Promise<T>): Promise<T> {
    const name = this.newName('savepoint')
    this.#savepoints.push(name)
    await this.#command(`savepoint ${name}`)
    try {
      const result = await work()
      this.#leave(name)
      await this.#command(`release savepoint ${name}`)
      return result
    } catch (error) {
      // Back to its beginning and gone, together with the savepoints made since.
      const depth = this.#savepoints.indexOf(name)
      if (depth !== -1) this.#savepoints.splice(depth)
      await this.#command(`rollback to savepoint ${name}; release savepoint ${name}`)
      throw error
    }
  }

  /** Savepoints nest; two at once in one transaction would undo each other's work. */
  #leave(name: string): void {
    if (this.#savepoints.at(-1) !== name)
      throw new Error('Savepoints of one transaction must not overlap.')
    this.#savepoints.pop()
  }

  async #command(text: string): Promise<void> {
    await this.send({ text, rowMode: 'array' })
  }
}

export class EngineTransaction extends ClientQueries implements SystemTransaction {
  readonly system = true
}
