import type { Money } from '#core/money.ts'
import { readEmail, readId, readPhone, readText, readUrl } from '#imports/contacts.ts'
import { parseDate, type DateFormat } from '#imports/dates.ts'
import type { FieldKind } from '#imports/mapping.ts'
import {
  fault,
  isBlank,
  readBoolean,
  readMoney,
  readNumber,
  type DecimalMark,
  type Reading,
} from '#imports/values.ts'

/** What is settled for a column before its cells are read. */
export interface CellSettings {
  /** IANA zone of times that do not state one. */
  zone: string
  /** ISO 4217 code of amounts that do not state one. */
  currency: string
  dateFormat: DateFormat
  /** Null when the column shows none; unclear numbers are then refused. */
  decimalMark: DecimalMark | null
  /** Digits of the calling code of telephone numbers that do not state one, such as `31`. */
  countryCode?: string
}

export type CellValue = string | number | boolean | Date | Money

/**
 * Reads one cell as what its field holds: a value, nothing, or a fault that says what to do.
 * @throws RangeError when the zone or the currency is not known.
 */
export function readCell(
  kind: FieldKind,
  text: string,
  settings: CellSettings,
): Reading<CellValue> {
  const readers: Record<FieldKind, () => Reading<CellValue>> = {
    text: () => readText(text),
    country: () => readText(text, 100),
    id: () => readId(text),
    email: () => readEmail(text),
    phone: () => readPhone(text, settings.countryCode),
    url: () => readUrl(text),
    boolean: () => readBoolean(text),
    number: () => readNumber(text, settings.decimalMark),
    money: () => readMoney(text, settings.currency, settings.decimalMark),
    date: () => readDate(text, settings),
  }
  return readers[kind]()
}

function readDate(text: string, { dateFormat, zone }: CellSettings): Reading<Date> {
  if (isBlank(text) || /^0000-00-00(?: 00:00:00)?$/.test(text.trim())) return { kind: 'empty' }
  const value = parseDate(text, dateFormat, zone)
  if (value !== null) return { kind: 'value', value }
  return fault(text, `is no date that exists, read as ${dateFormat}: write it like 2018-01-22`)
}
