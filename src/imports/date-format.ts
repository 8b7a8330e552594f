import { isRealDay, parseDate, readDay, splitTime, type DateFormat } from '#imports/dates.ts'

/** What a column's samples say about how it writes dates. */
export interface DateVerdict {
  /** Null when fewer than half of the samples are dates of one format. */
  format: DateFormat | null
  /** Day and month could be either way round in every sample: someone who knows must choose. */
  isAmbiguous: boolean
  /** Samples that are not blank, and those of them that the format reads. */
  total: number
  parsed: number
  hasTimes: boolean
  /** Up to five samples that the format does not read. */
  unread: string[]
  reason: string
}

export interface DatePreference {
  /** Taken when there is no evidence; default day-first. */
  order?: 'day-first' | 'month-first'
}

const MAX_SAMPLES = 5000

/**
 * Finds how a column writes its dates.
 *
 * Day-first and month-first are told apart by a value above 12. Without one the verdict is
 * ambiguous and `format` is the preferred order; where values contradict each other, it is ambiguous
 * and `format` is the order that reads more of them. Bare numbers are told apart by their size.
 * @param samples  values as written; blanks are left out, 5,000 are looked at.
 */
export function detectDateFormat(
  samples: readonly string[],
  preference: DatePreference = {},
): DateVerdict {
  const values = samples.slice(0, MAX_SAMPLES).flatMap((text) => text.trim() || [])
  const preferred = preference.order ?? 'day-first'
  const counts = countKinds(values)
  const numbers = (['epoch-seconds', 'epoch-milliseconds', 'excel-serial'] as const)
    .map((format) => ({ format, count: counts[format] }))
    .reduce((best, next) => (next.count > best.count ? next : best))
  const written = counts.iso + counts.named + counts.pairs
  if (written === 0 && numbers.count === 0) {
    return conclude(values, null, false, 'None of the values is a date.')
  }
  if (numbers.count > written) {
    return conclude(values, numbers.format, false, NUMBER_REASONS[numbers.format])
  }
  if (counts.pairs === 0) {
    const format = counts.iso >= counts.named ? 'iso' : 'named'
    const reason = format === 'iso' ? 'The year comes first.' : 'The month is written as a word.'
    return conclude(values, format, false, reason)
  }
  const { dayFirst, monthFirst } = counts
  if (dayFirst > 0 && monthFirst > 0) {
    const format = dayFirst >= monthFirst ? 'day-first' : 'month-first'
    const reason =
      `${dayFirst} values can only be day-first and ${monthFirst} only month-first: ` +
      'the column mixes both, so correct it, or choose.'
    return conclude(values, format, true, reason)
  }
  if (dayFirst === 0 && monthFirst === 0) {
    const reason = `No value is above 12, so day and month could be either way round: choose. ${preferred} is taken otherwise.`
    return conclude(values, preferred, true, reason)
  }
  const format = dayFirst > 0 ? 'day-first' : 'month-first'
  const reason = `${dayFirst + monthFirst} values have a day above 12, which comes ${dayFirst > 0 ? 'first' : 'second'}.`
  return conclude(values, format, false, reason)
}

const NUMBER_REASONS = {
  'epoch-seconds': 'The numbers are seconds since 1970.',
  'epoch-milliseconds': 'The numbers are milliseconds since 1970.',
  'excel-serial': 'The numbers are days as Excel counts them.',
}

interface KindCounts extends Record<keyof typeof NUMBER_REASONS, number> {
  iso: number
  named: number
  pairs: number
  /** Pairs that exist in one order only. */
  dayFirst: number
  monthFirst: number
}

function countKinds(values: readonly string[]): KindCounts {
  const counts: KindCounts = {
    iso: 0,
    named: 0,
    pairs: 0,
    dayFirst: 0,
    monthFirst: 0,
    'epoch-seconds': 0,
    'epoch-milliseconds': 0,
    'excel-serial': 0,
  }
  for (const text of values) {
    if (text.length > 64) continue
    const number = kindOfNumber(text)
    if (number !== null) counts[number] += 1
    const written = readDay(splitTime(text).dayText)
    if (written === null) continue
    if (written.kind !== 'pair') {
      if (isRealDay(written)) counts[written.kind] += 1
      continue
    }
    const { first, second, year } = written
    const isDayFirst = isRealDay({ year, month: second, day: first })
    const isMonthFirst = isRealDay({ year, month: first, day: second })
    if (isDayFirst || isMonthFirst) counts.pairs += 1
    if (isDayFirst && !isMonthFirst) counts.dayFirst += 1
    if (isMonthFirst && !isDayFirst) counts.monthFirst += 1
  }
  return counts
}

/** By size: 1990 to 2100 for the epochs, 1954 to 2119 for Excel. */
function kindOfNumber(text: string): keyof typeof NUMBER_REASONS | null {
  if (!/^\d{5,13}(?:[.,]\d{1,15})?$/.test(text)) return null
  const value = Number(text.replace(',', '.'))
  if (value >= 631_152_000 && value < 4_102_444_800) return 'epoch-seconds'
  if (value >= 631_152_000_000 && value < 4_102_444_800_000) return 'epoch-milliseconds'
  return value >= 20_000 && value < 80_000 ? 'excel-serial' : null
}

function conclude(
  values: readonly string[],
  format: DateFormat | null,
  isAmbiguous: boolean,
  reason: string,
): DateVerdict {
  const unread =
    format === null ? values : values.filter((text) => parseDate(text, format, 'UTC') === null)
  const total = values.length
  const parsed = total - unread.length
  const isDates = format !== null && parsed * 2 >= total
  return {
    format: isDates ? format : null,
    isAmbiguous: isDates && isAmbiguous,
    total,
    parsed,
    hasTimes: isDates && values.some((text) => splitTime(text).hasTime),
    unread: unread.slice(0, 5),
    reason: isDates || format === null ? reason : `Only ${parsed} of ${total} values are dates.`,
  }
}
