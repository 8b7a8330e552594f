import { setTimeout as sleep } from 'node:timers/promises'
import type { RawBuilder } from 'kysely'
import { Client, type ClientConfig, type QueryConfig } from 'pg'
import type { Log } from '#core/log.ts'
import { toProblem } from '#store/failure.ts'
import { toQuery } from '#store/statement.ts'

type Handler = (payload: string) => void

const FIRST_DELAY_MS = 100
const MAX_DELAY_MS = 5000

/**
 * One connection beside the pool, for LISTEN, for asking whether the database is there, and for what cannot wait for the pool. It is made at the first use
 * and again whenever it is lost, for as long as somebody listens.
 */
export class SideLine {
  readonly #config: ClientConfig
  readonly #log: Log
  readonly #handlers = new Map<string, Set<Handler>>()
  #connecting: Promise<Client> | null = null
  #isReviving = false
  readonly #stop = new AbortController()

  constructor(config: ClientConfig, log: Log) {
    this.#config = config
    this.#log = log
  }

  async listen(channel: string, handler: Handler): Promise<() => Promise<void>> {
    const handlers = this.#handlers.get(channel) ?? new Set()
    handlers.add(handler)
    this.#handlers.set(channel, handlers)
    try {
      const client = await this.#connect()
      await client.query(`listen ${client.escapeIdentifier(channel)}`)
    } catch (error) {
      handlers.delete(handler)
      throw toProblem(error)
    }
    return async () => {
      handlers.delete(handler)
      if (handlers.size > 0 || this.#handlers.get(channel) !== handlers) return
      this.#handlers.delete(channel)
      const client = await this.#connecting
      await client?.query(`unlisten ${client.escapeIdentifier(channel)}`)
    }
  }

  async ping(timeoutMs: number): Promise<void> {
    await this.#answerWithin(timeoutMs, { text: 'select 1' })
  }

  /** @returns how many rows it touched. */
  async execute(statement: RawBuilder<unknown>, timeoutMs: number): Promise<number> {
    const { text, values } = toQuery(statement)
    return this.#answerWithin(timeoutMs, { text, values: values ?? [] })
  }

  async #answerWithin(timeoutMs: number, query: QueryConfig): Promise<number> {
    const late = new AbortController()
    const timeout = sleep(timeoutMs, undefined, { signal: late.signal }).then(
      () => {
        throw new Error('Query read timeout')
      },
      () => null, // answered in time
    )
    const answer = this.#connect().then((client) => client.query(query))
    try {
      return (await Promise.race([answer, timeout]))?.rowCount ?? 0
    } catch (error) {
      answer.catch((cause: unknown) => this.#log.debug({ error: cause }, 'a late answer failed'))
      throw toProblem(error)
    } finally {
      late.abort()
    }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#handlers.clear()
    const client = await this.#connecting?.catch(() => null)
    await client?.end()
  }

  #connect(): Promise<Client> {
    if (this.#stop.signal.aborted) return Promise.reject(new Error('Client was closed'))
    this.#connecting ??= this.#open()
    return this.#connecting
  }

  async #open(): Promise<Client> {
    const client = new Client(this.#config)
    // An ended connection tells it by `error` or by `end`, or both.
    client.on('error', (error) => this.#lose(client, error))
    client.on('end', () => this.#lose(client, null))
    client.on('notification', ({ channel, payload }) => this.#deliver(channel, payload ?? ''))
    try {
      await client.connect()
      for (const channel of this.#handlers.keys())
        await client.query(`listen ${client.escapeIdentifier(channel)}`)
    } catch (error) {
      this.#connecting = null
      throw error
    }
    this.#current = client
    return client
  }

  #current: Client | null = null

  #lose(client: Client, error: Error | null): void {
    if (this.#current !== client) return
    this.#current = null
    this.#connecting = null
    if (this.#stop.signal.aborted) return
    this.#log.warn({ error }, 'the listening connection to the database was lost')
    if (this.#handlers.size > 0) void this.#revive()
  }

  async #revive(): Promise<void> {
    if (this.#isReviving) return
    this.#isReviving = true
    for (
      let delayMs = FIRST_DELAY_MS;
      !this.#stop.signal.aborted;
      delayMs = Math.min(delayMs * 2, MAX_DELAY_MS)
    ) {
      try {
        await this.#connect()
        // What was notified meanwhile is lost: one call without a payload tells everyone to look.
        for (const channel of this.#handlers.keys()) this.#deliver(channel, '')
        break
      } catch (error) {
        this.#log.debug({ error }, 'listening again failed')
        await sleep(delayMs, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      }
    }
    this.#isReviving = false
  }

  #deliver(channel: string, payload: string): void {
    for (const handler of this.#handlers.get(channel) ?? []) handler(payload)
  }
}
