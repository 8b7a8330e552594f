const DAY_MS = 86_400_000

/** `2026-11-23T15:33:25.000+0000`: the REST API's date-time, without a colon in the zone. */
export function restTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '+0000')
}

/** `2026-11-23T15:33:25.000Z`, as the Bulk API's files have it. */
export function csvTime(ms: number): string {
  return new Date(ms).toISOString()
}

const DATE_TIME =
  /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d{1,3})\d*)?(Z|[+-]\d{2}:?\d{2})?$/

/** Epoch milliseconds of an ISO 8601 date-time, UTC without a zone; null when it is none. */
export function readTime(text: string): number | null {
  const match = DATE_TIME.exec(text)
  if (!match) return null
  const [, date = '', time = '', fraction = '0', zone = 'Z'] = match
  const offset = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone
  const ms = Date.parse(`${date}T${time}.${fraction.padEnd(3, '0')}${offset}`)
  return Number.isNaN(ms) ? null : ms
}

/** The date itself when it is one of the calendar, `YYYY-MM-DD`; null otherwise. */
export function readDate(text: string): string | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null
  const ms = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text) ? text : null
}

export function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/**
 * The days a date literal stands for, from the first midnight to the one after the last, epoch
 * milliseconds UTC; null for unknown ones. Salesforce docs: SOQL date literals.
 */
export function literalRange(name: string, n: number, nowMs: number): [number, number] | null {
  const today = Math.floor(nowMs / DAY_MS) * DAY_MS
  switch (name.toUpperCase()) {
    case 'YESTERDAY':
      return [today - DAY_MS, today]
    case 'TODAY':
      return [today, today + DAY_MS]
    case 'TOMORROW':
      return [today + DAY_MS, today + 2 * DAY_MS]
    case 'LAST_N_DAYS':
      return [today - n * DAY_MS, today + DAY_MS]
    case 'NEXT_N_DAYS':
      return [today + DAY_MS, today + (n + 1) * DAY_MS]
    default:
      return null
  }
}
