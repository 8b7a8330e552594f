import { z } from 'zod'

/** Where the present comes from. Everything that decides by time takes one, so that a test runs a quarter in a second. */
export interface Clock {
  now(): Date
}

export const systemClock: Clock = { now: () => new Date() }

/** A clock that stands still until it is moved; for tests and replays. */
export class ManualClock implements Clock {
  #atMs: number

  constructor(start: Date) {
    this.#atMs = start.getTime()
  }

  now(): Date {
    return new Date(this.#atMs)
  }

  set(at: Date): void {
    this.#atMs = at.getTime()
  }

  advance(ms: number): void {
    this.#atMs += ms
  }
}

export const SECOND_MS = 1000
export const MINUTE_MS = 60 * SECOND_MS
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS
export const WEEK_MS = 7 * DAY_MS

/** A moment: a Date inside, RFC 3339 in UTC on the wire. Years 1970 to 9999. */
export const Instant = z
  .codec(z.iso.datetime({ offset: true }), z.date(), {
    decode: (text) => new Date(text),
    encode: (date) => date.toISOString(),
  })
  .meta({ description: 'A moment, RFC 3339', example: '2026-11-23T09:30:00.000Z' })

/** A calendar date without a time zone, as `YYYY-MM-DD`. */
export const CalendarDate = z.iso.date().meta({ example: '2026-11-23' })

/** Monday of the ISO 8601 week that holds the moment, in UTC, as `YYYY-MM-DD`. */
export function isoWeekStart(at: Date): string {
  const day = (at.getUTCDay() + 6) % 7
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate() - day))
    .toISOString()
    .slice(0, 10)
}
