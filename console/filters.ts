import { z } from 'zod'
import { addDays } from '#core/calendar.ts'

/** The periods that are one choice away; `all` has no bounds and so nothing to compare with. */
export const periods = {
  '7d': { label: 'Last 7 days', days: 7 },
  '30d': { label: 'Last 30 days', days: 30 },
  '90d': { label: 'Last 90 days', days: 90 },
  '365d': { label: 'Last 365 days', days: 365 },
  all: { label: 'All time', days: null },
} as const

export type PeriodName = keyof typeof periods

const Day = z.iso.date().optional().catch(undefined)

/** What a page's address says of its period: a name, or a first and a last day. */
export const PeriodSearch = z.object({
  period: z.enum(['7d', '30d', '90d', '365d', 'all']).optional().catch(undefined),
  from: Day,
  to: Day,
})
export type PeriodSearch = z.infer<typeof PeriodSearch>

/** First and last day, both included; null for no bound. */
export interface DayRange {
  from: string | null
  to: string | null
}

export interface Period extends DayRange {
  /** `custom` when the address names days. */
  name: PeriodName | 'custom'
  label: string
}

/** The days that the address means today, in the time zone of the workspace. */
export function resolvePeriod(
  search: PeriodSearch,
  fallback: PeriodName,
  timeZone: string,
  now: Date,
): Period {
  if (search.from !== undefined || search.to !== undefined) {
    const from = search.from ?? null
    const to = search.to ?? null
    return { name: 'custom', label: 'Custom', from, to }
  }
  const name = search.period ?? fallback
  const { label, days } = periods[name]
  const to = today(timeZone, now)
  return days === null
    ? { name, label, from: null, to: null }
    : { name, label, from: addDays(to, 1 - days), to }
}

/** The calendar date of now in the time zone. */
export function today(timeZone: string, now: Date): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone }).format(now)
}

/** The moment at which a calendar date begins in a time zone; also where clocks change on that night. */
export function dayStart(date: string, timeZone: string): Date {
  const utcMs = Date.parse(`${date}T00:00:00Z`)
  const first = utcMs - offsetMs(utcMs, timeZone)
  return new Date(utcMs - offsetMs(first, timeZone))
}

/** By how much the clocks of the zone are ahead of UTC at a moment. */
function offsetMs(atMs: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(atMs)
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = (
    ['year', 'month', 'day', 'hour', 'minute', 'second'] as const
  ).map((type) => Number(parts.find((part) => part.type === type)?.value))
  return Date.UTC(year, month - 1, day, hour, minute, second) - atMs
}

/** The address of a page carries plain values, as the API's does: nothing in it is encoded twice. */
export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text))
}

export function stringifySearch(search: Record<string, unknown>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(search)) {
    if (typeof value === 'string' && value !== '') query.set(name, value)
  }
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}
