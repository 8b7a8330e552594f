import { addQuarters, quarterDays, quarterOf } from '#core/calendar.ts'
import { today } from '#console/filters.ts'

/** Quarters by how far they lie back. */
const QUARTERS_BACK = { this: 0, last: -1, before: -2 } as const
export type Quarter = keyof typeof QUARTERS_BACK

/** What a quarter is held against: the one before it, or the same one a year before. */
const BASELINES_BACK = { quarter: -1, year: -4 } as const
export type Baseline = keyof typeof BASELINES_BACK

/** First and last day of a quarter of the calendar, in the zone of the workspace. */
export function daysOfQuarter(quarter: Quarter, timeZone: string, now = new Date()) {
  return daysBack(QUARTERS_BACK[quarter], timeZone, now)
}

/** The same of the quarter that it is held against. */
export function daysOfBaseline(
  quarter: Quarter,
  baseline: Baseline,
  timeZone: string,
  now = new Date(),
) {
  return daysBack(QUARTERS_BACK[quarter] + BASELINES_BACK[baseline], timeZone, now)
}

function daysBack(quarters: number, timeZone: string, now: Date) {
  const { first, last } = quarterDays(addQuarters(quarterOf(today(timeZone, now)), quarters))
  return { from: first, to: last }
}
