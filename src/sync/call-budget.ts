import { sql } from 'kysely'
import { type Clock } from '#core/time.ts'
import { dayOf } from '#core/zone.ts'
import type { Store, Transaction } from '#store/store.ts'
import {
  asksAgainAt,
  LIVE,
  mayTake,
  WHOLE,
  type Allowance,
  type Taken,
} from './call-shares.rules.ts'
import { hourOfDay } from './call-day.rules.ts'
import { callDay } from './call-day.store.ts'
import { VendorFault } from './connector.ts'

/** The code of a fault after which no scheduled stream may make a call. */
export const ALLOWANCE_USED_UP = 'allowance.used_up'

/** Calls are taken from the day's allowance so many at a time: one statement instead of one a call. */
const BLOCK = 50

/**
 * A connection's allowance of calls a day, as one session uses it up. Blocks are taken before they are used, so that neither a
 * crash nor another process that works on the connection ever leads beyond it; what is left of a block is given back at the end, and
 * when somebody else of the session goes on.
 */
export class CallBudget {
  readonly #store: Store
  readonly #clock: Clock
  readonly #workspaceId: string
  readonly #connectionId: string
  #taker = WHOLE
  #day = ''
  #zone = 'UTC'
  #left = 0
  #isLimited = true

  constructor(store: Store, clock: Clock, workspaceId: string, connectionId: string) {
    this.#store = store
    this.#clock = clock
    this.#workspaceId = workspaceId
    this.#connectionId = connectionId
  }

  /** From now on calls are those of a stream, or of `LIVE`. */
  async passTo(taker: string): Promise<void> {
    if (taker === this.#taker) return
    await this.close()
    this.#taker = taker
  }

  /** Before each call. @throws VendorFault `rate_share` when the taker has nothing left of the day's allowance. */
  async take(): Promise<void> {
    const now = this.#clock.now()
    if (!this.#isLimited) return
    if (this.#left > 0 && dayOf(now, this.#zone) === this.#day) {
      this.#left -= 1
      return
    }
    this.#left = 0
    const block = await this.#store.transaction(this.#workspaceId, (tx) =>
      takeBlock(tx, this.#connectionId, this.#taker, now),
    )
    if (block === null) {
      this.#isLimited = false
      return
    }
    if ('askAt' in block)
      throw new VendorFault(
        'rate_share',
        `${nameOf(this.#taker)} may make no more calls until ${block.askAt.toISOString().slice(0, 16).replace('T', ' ')} (UTC).`,
        {
          retryAfterMs: block.askAt.getTime() - now.getTime(),
          code: block.isAll ? ALLOWANCE_USED_UP : null,
        },
      )
    this.#day = block.day
    this.#zone = block.zone
    this.#left = block.got - 1
  }

  /** Gives back what was taken and not used. */
  async close(): Promise<void> {
    const back = this.#left
    this.#left = 0
    if (back === 0) return
    await this.#store.transaction(this.#workspaceId, (tx) =>
      tx.execute(sql`
        update sync_call_days set taken = taken - ${back}
        where connection_id = ${this.#connectionId} and day = ${this.#day}::date and taken_by = ${this.#taker}`),
    )
  }
}

function nameOf(taker: string): string {
  if (taker === LIVE) return 'What is sent at once'
  return taker === WHOLE ? 'The connection' : `The stream ${taker}`
}

/** @returns what was taken of the day, at most a block, or when to ask again; null: the connection has no allowance. */
async function takeBlock(
  tx: Transaction,
  connectionId: string,
  taker: string,
  now: Date,
): Promise<{ got: number; day: string; zone: string } | { askAt: Date; isAll: boolean } | null> {
  const allowance = await readAllowance(tx, connectionId)
  if (allowance === null) return null
  const { dayZone: zone } = allowance
  const day = dayOf(now, zone)
  // The row of the whole is the lock: two processes never take the same calls.
  await tx.execute(sql`
    insert into sync_call_days as known (connection_id, day, taken_by) values (${connectionId}, ${day}::date, ${WHOLE})
    on conflict (connection_id, day, taken_by) do update set taken = known.taken`)
  const taken = await readTaken(tx, connectionId, allowance, now)
  const got = Math.min(BLOCK, mayTake(allowance, taken, taker, now))
  if (got === 0) {
    const isAll = mayTake(allowance, taken, WHOLE, now) === 0
    return { askAt: asksAgainAt(allowance, taken, taker, now), isAll }
  }
  await tx.execute(sql`
    insert into sync_call_days as known (connection_id, day, taken_by, taken)
    values (${connectionId}, ${day}::date, ${taker}, ${got})
    on conflict (connection_id, day, taken_by) do update set taken = known.taken + excluded.taken`)
  return { got, day, zone }
}

/**
 * How the allowance is shared; null: the connection has none.
 * @param asIf  in place of the one that is set.
 */
export async function readAllowance(
  tx: Transaction,
  connectionId: string,
  asIf?: number,
): Promise<Allowance | null> {
  const row = await tx.find(sql<Allowance & { dailyCalls: number | null }>`
    select coalesce(${asIf ?? null}::integer, c.daily_calls) as daily_calls, c.live_percent, c.call_day_zone as day_zone, coalesce((
      select jsonb_agg(jsonb_build_object('name', s.name, 'callPercent', s.call_percent, 'callPriority', s.call_priority)
        order by s.position, s.name)
      from sync_streams s where s.connection_id = c.id), '[]') as streams
    from connections c where c.id = ${connectionId}`)
  return row?.dailyCalls == null ? null : row
}

/** Of the day, by taker, blocks under way included. Only counted while there is an allowance. */
export async function readTaken(
  tx: Transaction,
  connectionId: string,
  { dayZone }: Pick<Allowance, 'dayZone'>,
  now: Date,
): Promise<Taken> {
  const rows = await tx.query(sql<{ takenBy: string; taken: number }>`
    select taken_by, taken from sync_call_days where connection_id = ${connectionId} and day = ${dayOf(now, dayZone)}::date`)
  return new Map(rows.map(({ takenBy, taken }) => [takenBy, taken]))
}

/** Calls of the day: how many are allowed, null without an allowance, how many all took together, and when the day is over. */
export async function readCallDay(
  tx: Transaction,
  connectionId: string,
  now: Date,
): Promise<{ allowed: number | null; taken: number; endsAt: Date }> {
  const row = await tx.find(sql<{ allowed: number | null; taken: number; zone: string }>`
    select c.daily_calls as allowed, c.call_day_zone as zone, case when c.daily_calls is null then 0 else (
      select coalesce(sum(taken), 0) from sync_call_days where connection_id = c.id and day = ${callDay(now)}) end::int as taken
    from connections c where c.id = ${connectionId}`)
  const { allowed = null, taken = 0, zone = 'UTC' } = row ?? {}
  return { allowed, taken, endsAt: hourOfDay(now, zone, 24) }
}

/** Whether changes may go at once: their part of the allowance is not used up. */
export async function hasLiveCalls(
  tx: Transaction,
  connectionId: string,
  now: Date,
): Promise<boolean> {
  const allowance = await readAllowance(tx, connectionId)
  if (allowance === null) return true
  return mayTake(allowance, await readTaken(tx, connectionId, allowance, now), LIVE, now) > 0
}
