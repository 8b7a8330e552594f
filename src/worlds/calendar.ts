import { DAY_MS, HOUR_MS } from '#core/time.ts'

/** Simulated time is a position in weeks since the start; a moment is made of it at the very end. */
export type WeekPosition = number

const WORKDAYS = 5
const FIRST_HOUR = 7
const HOURS = 12

/**
 * The moment of a position: within its week on one of the first five days, between 7 and 19 o'clock
 * UTC, so that a start on a Monday gives office hours. Strictly ascending with the position (down to
 * the millisecond), so that what happens later in the simulation is later in the records.
 */
export function momentOf(startAtMs: number, position: WeekPosition): Date {
  const week = Math.floor(position)
  const inWeek = (position - week) * WORKDAYS
  const day = Math.floor(inWeek)
  const hour = FIRST_HOUR + (inWeek - day) * HOURS
  return new Date(startAtMs + (week * 7 + day) * DAY_MS + Math.floor(hour * HOUR_MS))
}
