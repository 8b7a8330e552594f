import { today } from '#console/filters.ts'

/** Quarters by how far they lie back. */
export const QUARTERS_BACK = { this: 0, last: 1, before: 2 } as const
export type Quarter = keyof typeof QUARTERS_BACK

/** First and last day of a quarter of the calendar, in the zone of the workspace. Pure. */
export function quarterOf(quarter: Quarter, timeZone: string, now = new Date()) {
  const [year = 0, month = 1] = today(timeZone, now).split('-').map(Number)
  const first = Math.floor((month - 1) / 3) * 3 - 3 * QUARTERS_BACK[quarter]
  const day = (monthIndex: number, dayOfMonth: number) =>
    new Date(Date.UTC(year, monthIndex, dayOfMonth)).toISOString().slice(0, 10)
  return { from: day(first, 1), to: day(first + 3, 0) }
}
