import { hourOf, hourOfDay } from './call-day.rules.ts'
import type { CallPriority } from './connection.schema.ts'

/** Who takes calls: a stream of scheduled runs by its name, or one of these. */
export const LIVE = '@live'
/** The connection as a whole: erasures, and what no stream asked for. */
export const WHOLE = ''

/** How the allowance of a connection is shared. */
export interface Allowance {
  dailyCalls: number
  /** The zone in whose days they are counted. */
  dayZone: string
  /** Of `dailyCalls`, for changes that are sent at once. */
  livePercent: number
  streams: readonly { name: string; callPercent: number | null; callPriority: CallPriority }[]
}

export type Taken = ReadonlyMap<string, number>

/** The hour of the connection’s day from which on a stream may borrow what others did not use. */
const BORROWS_FROM: Readonly<Record<CallPriority, number>> = { high: 18, normal: 20, low: 22 }

/** What each has for itself: calls a day. Streams without a share use what none has, together. Pure. */
export function sharesOf({ dailyCalls, livePercent, streams }: Allowance): {
  live: number
  streams: ReadonlyMap<string, number>
  common: number
} {
  const live = Math.floor((dailyCalls * livePercent) / 100)
  const scheduled = dailyCalls - live
  const own = new Map(
    streams.flatMap(({ name, callPercent }) =>
      callPercent === null ? [] : [[name, Math.floor((scheduled * callPercent) / 100)] as const],
    ),
  )
  return { live, streams: own, common: scheduled - sum(own.values()) }
}

/**
 * How many calls one may still take of the day. Pure.
 *
 * Nobody touches what changes that go at once have for themselves, nor, until late in the day, what a stream has. From its hour on a
 * stream may take whatever scheduled runs have left: those of high priority first, hours before the others.
 */
export function mayTake(allowance: Allowance, taken: Taken, taker: string, at: Date): number {
  const { live, streams: own } = sharesOf(allowance)
  const takenLive = taken.get(LIVE) ?? 0
  const takenScheduled = sum(taken.values()) - takenLive
  const scheduled = allowance.dailyCalls - live
  // What changes took beyond their own came out of what is common.
  const left = Math.max(0, scheduled - takenScheduled - Math.max(0, takenLive - live))
  if (taker === WHOLE) return left
  const kept = sum([...own].map(([name, share]) => Math.max(0, share - (taken.get(name) ?? 0))))
  if (taker === LIVE) return Math.max(0, live - takenLive) + Math.max(0, left - kept)
  if (borrows(allowance, taker, at)) return left
  const share = own.get(taker)
  if (share === undefined) return Math.max(0, left - kept)
  return Math.min(left, Math.max(0, share - (taken.get(taker) ?? 0)))
}

/** When one who may take nothing is to ask again: at its hour to borrow, if others have left something, or the next day. Pure. */
export function asksAgainAt(allowance: Allowance, taken: Taken, taker: string, at: Date): Date {
  const tomorrow = hourOfDay(at, allowance.dayZone, 24)
  if (taker === LIVE || borrows(allowance, taker, at)) return tomorrow
  if (mayTake(allowance, taken, WHOLE, at) === 0) return tomorrow
  return hourOfDay(at, allowance.dayZone, BORROWS_FROM[priorityOf(allowance, taker)])
}

function borrows(allowance: Allowance, taker: string, at: Date): boolean {
  return hourOf(at, allowance.dayZone) >= BORROWS_FROM[priorityOf(allowance, taker)]
}

function priorityOf({ streams }: Allowance, taker: string): CallPriority {
  return streams.find(({ name }) => name === taker)?.callPriority ?? 'normal'
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
