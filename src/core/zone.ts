import { DAY_MS } from '#core/time.ts'

/** A wall-clock time, with no zone. `month` and `day` count from 1. */
export interface LocalTime {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  ms: number
}

/**
 * The moment at which the clocks of a zone show this time.
 *
 * A time that clocks skip in spring is taken as much later as they jump (02:30 becomes 03:30); one
 * that they show twice in autumn is the first of the two. These are the rules of `compatible` in
 * ECMAScript's Temporal and of RFC 5545.
 *
 * @param zone  an IANA name such as `Europe/Amsterdam`.
 * @throws RangeError when the zone is not known.
 * Costs a table look-up; about 10 µs the first time a day is seen.
 */
export function localToInstant(local: LocalTime, zone: string): Date {
  const { year, month, day, hour, minute, second, ms } = local
  const asUtcMs = Date.UTC(year, month - 1, day, hour, minute, second, ms)
  if (zone === 'UTC') return new Date(asUtcMs)
  const table = getTable(zone)
  const before = offsetMs(table, asUtcMs - DAY_MS)
  const after = offsetMs(table, asUtcMs + DAY_MS)
  if (before !== after) {
    for (const offset of before > after ? [before, after] : [after, before]) {
      if (offsetMs(table, asUtcMs - offset) === offset) return new Date(asUtcMs - offset)
    }
  }
  return new Date(asUtcMs - before)
}

/** The day that the calendar of a zone shows at the moment, as `YYYY-MM-DD`. @throws RangeError when the zone is not known. */
export function dayOf(at: Date, zone: string): string {
  const { year, month, day } = instantToLocal(at, zone)
  return new Date(Date.UTC(year, month - 1, day)).toISOString().slice(0, 10)
}

/** What the clocks of a zone show at the moment. @throws RangeError when the zone is not known. */
export function instantToLocal(at: Date, zone: string): LocalTime {
  const shown = new Date(
    at.getTime() + (zone === 'UTC' ? 0 : offsetMs(getTable(zone), at.getTime())),
  )
  return {
    year: shown.getUTCFullYear(),
    month: shown.getUTCMonth() + 1,
    day: shown.getUTCDate(),
    hour: shown.getUTCHours(),
    minute: shown.getUTCMinutes(),
    second: shown.getUTCSeconds(),
    ms: shown.getUTCMilliseconds(),
  }
}

/** The usual name of a zone, such as `America/New_York` for `US/Eastern`; null for what is none. */
export function findZone(name: string): string | null {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone
  } catch {
    return null // Intl throws for names that it does not know
  }
}

interface ZoneTable {
  format: Intl.DateTimeFormat
  /** Offset at the start of each UTC day seen so far, in milliseconds. */
  byDay: Map<number, number>
}

const tables = new Map<string, ZoneTable>()
const MAX_DAYS = 20_000

function getTable(zone: string): ZoneTable {
  let table = tables.get(zone)
  if (table === undefined) {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
    table = { format, byDay: new Map() }
    // Only names that Intl knows get here, so the map has a bound.
    tables.set(zone, table)
  }
  return table
}

function offsetMs(table: ZoneTable, atMs: number): number {
  const day = Math.floor(atMs / DAY_MS)
  const start = dayOffsetMs(table, day)
  return start === dayOffsetMs(table, day + 1) ? start : readOffsetMs(table.format, atMs)
}

function dayOffsetMs(table: ZoneTable, day: number): number {
  let offset = table.byDay.get(day)
  if (offset === undefined) {
    offset = readOffsetMs(table.format, day * DAY_MS)
    if (table.byDay.size >= MAX_DAYS) table.byDay.clear()
    table.byDay.set(day, offset)
  }
  return offset
}

function readOffsetMs(format: Intl.DateTimeFormat, atMs: number): number {
  const name = format.formatToParts(atMs).find((part) => part.type === 'timeZoneName')?.value ?? ''
  const match = /^GMT([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(name)
  if (match === null) return 0
  const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0)
  return (match[1] === '-' ? -seconds : seconds) * 1000
}
