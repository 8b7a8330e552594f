import { addQuarters, quarterDays, quarterOf } from '#core/calendar.ts'
import { today } from '#console/filters.ts'

/** Quarters by how far they lie back. */
const QUARTERS_BACK = { this: 0, last: -1, before: -2 } as const
export type Quarter = keyof typeof QUARTERS_BACK

/** First and last day of a quarter of the calendar, in the zone of the workspace. */
export function daysOfQuarter(quarter: Quarter, timeZone: string, now = new Date()) {
  const present = quarterOf(today(timeZone, now))
  const { first, last } = quarterDays(addQuarters(present, QUARTERS_BACK[quarter]))
  return { from: first, to: last }
}
