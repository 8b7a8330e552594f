import { sql } from 'kysely'
import { DAY_MS, type Clock } from '#core/time.ts'
import type { Store, Transaction } from '#store/store.ts'
import { VendorFault } from './connector.ts'

/** Calls are taken from the day's allowance so many at a time: one statement instead of one a call. */
const BLOCK = 50

/**
 * A connection's allowance of calls a day (UTC), as one session uses it up. Blocks are taken before they are used, so that neither a
 * crash nor another process that works on the connection ever leads beyond it; what is left of a block is given back at the end.
 */
export class CallBudget {
  readonly #store: Store
  readonly #clock: Clock
  readonly #workspaceId: string
  readonly #connectionId: string
  #day = ''
  #left = 0
  #isLimited = true

  constructor(store: Store, clock: Clock, workspaceId: string, connectionId: string) {
    this.#store = store
    this.#clock = clock
    this.#workspaceId = workspaceId
    this.#connectionId = connectionId
  }

  /** Before each call. @throws VendorFault `rate_daily` when the allowance of the day is used up. */
  async take(): Promise<void> {
    const now = this.#clock.now()
    const day = dayOf(now)
    if (!this.#isLimited) return
    if (this.#left > 0 && day === this.#day) {
      this.#left -= 1
      return
    }
    const block = await this.#store.transaction(this.#workspaceId, (tx) =>
      takeBlock(tx, this.#connectionId, day),
    )
    if (block === null) {
      this.#isLimited = false
      return
    }
    if (block === 0)
      throw new VendorFault(
        'rate_daily',
        'The calls that this connection may make a day are used up; it goes on tomorrow (UTC).',
        { retryAfterMs: DAY_MS - (now.getTime() % DAY_MS) },
      )
    this.#day = day
    this.#left = block - 1
  }

  /** Gives back what was taken and not used. */
  async close(): Promise<void> {
    const back = this.#left
    this.#left = 0
    if (back === 0) return
    await this.#store.transaction(this.#workspaceId, (tx) =>
      tx.execute(sql`
        update sync_call_days set taken = taken - ${back}
        where connection_id = ${this.#connectionId} and day = ${this.#day}::date`),
    )
  }
}

function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10)
}

/** @returns how many calls of the day were taken, at most a block; 0: none are left; null: the connection has no allowance. */
async function takeBlock(
  tx: Transaction,
  connectionId: string,
  day: string,
): Promise<number | null> {
  const connection = await tx.find(sql<{ dailyCalls: number | null }>`
    select daily_calls from connections where id = ${connectionId}`)
  const allowed = connection?.dailyCalls ?? null
  if (allowed === null) return null
  const row = await tx.find(sql<{ got: number }>`
    with held as (
      insert into sync_call_days as known (connection_id, day, taken) values (${connectionId}, ${day}::date, 0)
      on conflict (connection_id, day) do update set taken = known.taken
      returning taken
    ), got as (select greatest(0, least(${BLOCK}, ${allowed} - taken))::int as got, taken from held)
    select got from got`)
  const got = row?.got ?? 0
  if (got > 0)
    await tx.execute(sql`
      update sync_call_days set taken = taken + ${got} where connection_id = ${connectionId} and day = ${day}::date`)
  return got
}

export interface CallDay {
  allowed: number | null
  taken: number
}

/** The allowance of the day and what was taken of it, blocks under way included. */
export async function readCallDay(
  tx: Transaction,
  connectionId: string,
  now: Date,
): Promise<CallDay> {
  const row = await tx.find(sql<CallDay>`
    select c.daily_calls as allowed, coalesce(d.taken, 0) as taken from connections c
    left join sync_call_days d on d.connection_id = c.id and d.day = ${dayOf(now)}::date
    where c.id = ${connectionId}`)
  return row ?? { allowed: null, taken: 0 }
}
