import { DAY_MS } from '#core/time.ts'

/** The calendar date `days` after another, both `YYYY-MM-DD`. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10)
}

/** Days from one calendar date to another; negative when it runs backwards. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS)
}

/** Monday of the ISO week of a calendar date. */
export function mondayOf(date: string): string {
  return addDays(date, -((new Date(date).getUTCDay() + 6) % 7))
}

/** All Mondays from one to another, both included; empty when it runs backwards. */
export function mondaysBetween(first: string, last: string): string[] {
  const weeks: string[] = []
  for (let week = first; week <= last; week = addDays(week, 7)) weeks.push(week)
  return weeks
}

/** The quarter of a calendar date, such as 2027-Q1. */
export function quarterOf(date: string): string {
  return `${date.slice(0, 4)}-Q${Math.ceil(Number(date.slice(5, 7)) / 3)}`
}

export function addQuarters(quarter: string, count: number): string {
  const { first } = quarterDays(quarter)
  const month = Number(first.slice(5, 7)) - 1 + 3 * count
  return quarterOf(new Date(Date.UTC(Number(first.slice(0, 4)), month, 1)).toISOString())
}

/** First and last day of a quarter such as 2027-Q1. */
export function quarterDays(quarter: string): { first: string; last: string } {
  const year = Number(quarter.slice(0, 4))
  const month = 3 * (Number(quarter.slice(-1)) - 1)
  const day = (at: number) => new Date(at).toISOString().slice(0, 10)
  return { first: day(Date.UTC(year, month, 1)), last: day(Date.UTC(year, month + 3, 0)) }
}
