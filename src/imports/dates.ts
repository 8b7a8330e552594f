import { DAY_MS } from '#core/time.ts'
import { findMonth, isWeekday } from '#imports/month.ts'
import { localToInstant, type LocalTime } from '#core/zone.ts'

/**
 * How a column writes its dates. `iso` and `named` cannot be misread, so `day-first` and
 * `month-first` take them too; the numbers are taken by their own formats only.
 *
 * - `iso`: 2018-01-22, 2018/1/22, 20180122, with or without a time and an offset
 * - `named`: 22 Jan 2018, Jan 22, 2018, 22-Jan-18
 * - `day-first`: 22-01-2018, 22/1/18, 22.01.2018; `month-first`: 01/22/2018, 1/22/18
 * - `epoch-seconds`, `epoch-milliseconds`: since 1970-01-01 UTC
 * - `excel-serial`: days since 1899-12-30 as Excel counts them, in local time
 */
export type DateFormat =
  | 'iso'
  | 'named'
  | 'day-first'
  | 'month-first'
  | 'epoch-seconds'
  | 'epoch-milliseconds'
  | 'excel-serial'

/** Two-digit years: 00 to 68 are 2000 to 2068, 69 to 99 are 1969 to 1999 (POSIX strptime). */
export const PIVOT_YEAR = 69

const MAX_CHARS = 64
const FIRST_YEAR = 1900

/**
 * Reads a date or a moment; a date alone is the start of that day in the zone.
 *
 * A time with an offset, `Z`, `UTC` or `GMT` is that moment whatever the zone. Local times that do not
 * exist or exist twice follow `localToInstant`. Years are 1900 to 9999.
 *
 * @param zone  IANA time zone of times that do not state one.
 * @returns null when the text is not of this format or the date does not exist (31-02).
 * @throws RangeError when the zone is not known.
 */
export function parseDate(text: string, format: DateFormat, zone: string): Date | null {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed.length > MAX_CHARS) return null
  if (format === 'epoch-seconds') return readEpoch(trimmed, 1000, /^\d{8,10}(?:\.\d{1,6})?$/)
  if (format === 'epoch-milliseconds') return readEpoch(trimmed, 1, /^\d{11,13}(?:\.\d{1,6})?$/)
  if (format === 'excel-serial') return readExcelSerial(trimmed, zone)
  return readWritten(trimmed, format, zone)
}

function readWritten(text: string, format: DateFormat, zone: string): Date | null {
  const { dayText, time } = splitTime(text)
  if (time === null) return null
  const written = readDay(dayText)
  if (written === null) return null
  const day = settleOrder(written, format)
  if (day === null || !isRealDay(day)) return null
  const local: LocalTime = { ...day, ...time }
  if (time.offsetMinutes === null) return localToInstant(local, zone)
  return new Date(localToInstant(local, 'UTC').getTime() - time.offsetMinutes * 60_000)
}

/** How a day stands in a text: `pair` is two numbers whose order only the column can tell. */
export type WrittenDay =
  | { kind: 'iso' | 'named'; year: number; month: number; day: number }
  | { kind: 'pair'; first: number; second: number; year: number; separator: string }

type Day = Pick<LocalTime, 'year' | 'month' | 'day'>

function settleOrder(written: WrittenDay, format: DateFormat): Day | null {
  if (written.kind !== 'pair') return written
  const { first, second, year } = written
  if (format === 'day-first') return { year, month: second, day: first }
  if (format === 'month-first') return { year, month: first, day: second }
  return null
}

export function isRealDay({ year, month, day }: Day): boolean {
  if (year < FIRST_YEAR || year > 9999 || month < 1 || month > 12 || day < 1) return false
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}

/** The day that a text without a time writes, or null; not yet checked against the calendar. */
export function readDay(text: string): WrittenDay | null {
  const iso =
    /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})$/.exec(text) ?? /^(\d{4})()(\d{2})(\d{2})$/.exec(text)
  if (iso) return { kind: 'iso', year: Number(iso[1]), month: Number(iso[3]), day: Number(iso[4]) }
  const pair = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})$/.exec(text)
  if (pair) {
    const [, first, separator = '', second, year = ''] = pair
    return {
      kind: 'pair',
      first: Number(first),
      second: Number(second),
      year: fullYear(year),
      separator,
    }
  }
  return readNamedDay(text)
}

const ORDINAL = /^(\d{1,2})(?:st|nd|rd|th|er|º|ª)?$/

function readNamedDay(text: string): WrittenDay | null {
  const words = text
    .toLowerCase()
    .split(/[\s,./-]+/)
    .filter((word) => word !== '' && word !== 'de')
  if (words.length === 4 && isWeekday(words[0] ?? '')) words.shift()
  if (words.length !== 3) return null
  const [a = '', b = '', c = ''] = words
  // The year comes last, save in `2018 Jan 22`.
  const [year, monthWord, dayWord] = /^\d{4}$/.test(a)
    ? [a, b, c]
    : /^\d/.test(a)
      ? [c, b, a]
      : [c, a, b]
  const month = findMonth(monthWord)
  const day = ORDINAL.exec(dayWord)
  if (month === null || day === null || !/^(?:\d{4}|\d{2})$/.test(year)) return null
  return { kind: 'named', year: fullYear(year), month, day: Number(day[1]) }
}

function fullYear(text: string): number {
  const year = Number(text)
  if (text.length > 2) return year
  return year < PIVOT_YEAR ? 2000 + year : 1900 + year
}

type TimeOfDay = Pick<LocalTime, 'hour' | 'minute' | 'second' | 'ms'> & {
  offsetMinutes: number | null
}

const MIDNIGHT: TimeOfDay = { hour: 0, minute: 0, second: 0, ms: 0, offsetMinutes: null }

// At most `MAX_CHARS` are ever matched, and every part has a bound.
const TIME =
  /(?:[Tt ]|, ?) ?(\d{1,2})(?::(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)? ?([ap]\.?m\.?)? ?(z|utc|gmt|(?:gmt|utc)?[+-]\d{2}(?::?\d{2})?)?$/i

export interface SplitDate {
  dayText: string
  /** Midnight when none is written; null when it is none that a clock shows. */
  time: TimeOfDay | null
  hasTime: boolean
}

/** Cuts the time of day off a date. */
export function splitTime(written: string): SplitDate {
  // Browsers put a narrow no-break space before AM and PM.
  const text = written.replaceAll(/\s/gu, ' ')
  const match = TIME.exec(text)
  // An hour needs its minutes or AM/PM, or the year of `22 Jan 18` would be one.
  if (match === null || (match[2] === undefined && match[5] === undefined)) {
    return { dayText: text, time: MIDNIGHT, hasTime: false }
  }
  const [, hours, minutes = '0', seconds = '0', fraction = '0', half, offset] = match
  const hour = readHour(Number(hours), half)
  const dayText = text.slice(0, match.index).trim()
  const [minute, second] = [Number(minutes), Number(seconds)]
  // A leap second is taken as the last second of its minute.
  if (hour === null || minute > 59 || second > 60) {
    return { dayText, time: null, hasTime: true }
  }
  const ms = Math.floor(Number(`0.${fraction}`) * 1000)
  const offsetMinutes = readOffset(offset)
  const time = { hour, minute, second: Math.min(second, 59), ms, offsetMinutes }
  return { dayText, time, hasTime: true }
}

function readHour(hour: number, half: string | undefined): number | null {
  if (half === undefined) return hour <= 23 ? hour : null
  if (hour < 1 || hour > 12) return null
  return (hour % 12) + (half.toLowerCase().startsWith('p') ? 12 : 0)
}

function readOffset(text: string | undefined): number | null {
  if (text === undefined) return null
  const match = /([+-])(\d{2}):?(\d{2})?$/.exec(text)
  if (match === null) return 0
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0)
  return match[1] === '-' ? -minutes : minutes
}

function readEpoch(text: string, unitMs: number, shape: RegExp): Date | null {
  return shape.test(text) ? new Date(Math.round(Number(text) * unitMs)) : null
}

/** Serials below 61 are left out: Excel counts a 29 February 1900 that never was. */
function readExcelSerial(text: string, zone: string): Date | null {
  if (!/^\d{2,6}(?:[.,]\d{1,15})?$/.test(text)) return null
  const serial = Number(text.replace(',', '.'))
  if (serial < 61 || serial > 200_000) return null
  // Excel keeps times as fractions of a day; to the second they are exact again.
  const at = new Date(Date.UTC(1899, 11, 30) + Math.round((serial * DAY_MS) / 1000) * 1000)
  return localToInstant(
    {
      year: at.getUTCFullYear(),
      month: at.getUTCMonth() + 1,
      day: at.getUTCDate(),
      hour: at.getUTCHours(),
      minute: at.getUTCMinutes(),
      second: at.getUTCSeconds(),
      ms: 0,
    },
    zone,
  )
}
