import { categoryColumn, numberColumn, type Column, type Table } from './table.ts'

/** A table of texts, column by column; null and blank are missing. */
export interface TextTable {
  names: readonly string[]
  rows: number
  cells: readonly (readonly (string | null)[])[]
}

/** A column that is no feature, and why. */
export interface LeftOut {
  name: string
  why: 'id' | 'constant' | 'free_text' | 'empty'
}

export interface Inferred {
  table: Table
  leftOut: LeftOut[]
  /** What each kept column was read as. */
  kinds: Map<string, 'number' | 'date' | 'category'>
}

const MISSING = new Set(['', 'na', 'n/a', 'nan', 'null', 'none', '?', '-', '#n/a'])
const ID_NAME =
  /(?:^|[\s_.-])(?:ids?|uuid|guid|number|num|no|nr|index|key|code|ref)$|^(?:row|customer|lead|account|user|client|order)(?:id|no|number|index|key)$/i
const NUMBER = /^[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$/
const DAY_MS = 86_400_000

/**
 * Reads texts as features. A column is a number or a date when all but one in fifty of its known cells are; ids,
 * constants and free text are left out, each with its reason; all else is a category. A date becomes days since the
 * first one, the day of the week and the day of the year.
 *
 * Whether days or months come first in 03-04-2018 is told by the cells that settle it; undecided, days do.
 */
export function inferColumns(source: TextTable): Inferred {
  const columns: Column[] = []
  const leftOut: LeftOut[] = []
  const kinds: Inferred['kinds'] = new Map()
  source.names.forEach((name, c) => {
    const texts = source.cells[c]!.map((cell) => known(cell))
    const why = reasonToLeaveOut(name, texts)
    if (why !== null) {
      leftOut.push({ name, why })
      return
    }
    const numbers = readAll(texts, toNumber)
    if (numbers !== null && new Set(numbers.filter((x) => !Number.isNaN(x))).size > 2) {
      kinds.set(name, 'number')
      columns.push(numberColumn(name, numbers))
      return
    }
    const days = readAll(texts, dayReader(texts))
    if (days !== null) {
      kinds.set(name, 'date')
      columns.push(...dateColumns(name, days))
      return
    }
    kinds.set(name, 'category')
    columns.push(categoryColumn(name, texts))
  })
  return { table: { rows: source.rows, columns }, leftOut, kinds }
}

/** Whether two columns of the same name in the table come from one column of the source. */
export function sourceName(name: string): string {
  return name.replace(/ \((?:day of week|day of year)\)$/, '')
}

function known(cell: string | null | undefined): string | null {
  const text = cell?.trim() ?? ''
  return MISSING.has(text.toLowerCase()) ? null : text
}

function reasonToLeaveOut(name: string, texts: readonly (string | null)[]): LeftOut['why'] | null {
  const distinct = new Set<string>()
  let filled = 0
  for (const text of texts) {
    if (text === null) continue
    filled += 1
    distinct.add(text)
  }
  if (filled === 0) return 'empty'
  if (distinct.size === 1) return filled === texts.length ? 'constant' : null
  const share = distinct.size / filled
  const areNumbers = readAll(texts, toNumber) !== null
  if (filled > 50 && share > 0.95) {
    if (ID_NAME.test(name.trim())) return 'id'
    if (!areNumbers && readAll(texts, dayReader(texts)) === null)
      return distinct.values().next().value?.includes(' ') === true ? 'free_text' : 'id'
    if (areNumbers && isRunningNumber(texts)) return 'id'
  }
  if (!areNumbers && filled > 50 && share > 0.5 && readAll(texts, dayReader(texts)) === null)
    return 'free_text'
  return null
}

/** Whole numbers, all different, without a gap worth the name: a row counter. */
function isRunningNumber(texts: readonly (string | null)[]): boolean {
  const numbers = texts.flatMap((text) => (text === null ? [] : [toNumber(text)]))
  if (!numbers.every(Number.isInteger)) return false
  const span = numbers.reduce((a, b) => Math.max(a, b)) - numbers.reduce((a, b) => Math.min(a, b))
  return span < numbers.length * 1.5
}

/** All cells read, NaN where missing; null when more than one known cell in fifty cannot be read. */
function readAll(
  texts: readonly (string | null)[],
  read: (text: string) => number,
): Float64Array | null {
  const out = new Float64Array(texts.length)
  let [known, failed] = [0, 0]
  for (let i = 0; i < texts.length; i += 1) {
    const text = texts[i] ?? null
    out[i] = text === null ? Number.NaN : read(text)
    if (text === null) continue
    known += 1
    if (Number.isNaN(out[i])) failed += 1
  }
  return known > 0 && failed * 50 <= known ? out : null
}

function toNumber(text: string): number {
  const bare = text.replace(/^[€$£]\s?|\s?[%€]$/g, '')
  return bare !== '' && NUMBER.test(bare) ? Number(bare.replaceAll(',', '')) : Number.NaN
}

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/
const LOCAL = /^(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?:[ T]\d{1,2}:\d{2}(?::\d{2})?)?$/

function dayReader(texts: readonly (string | null)[]): (text: string) => number {
  const isMonthFirst = texts.some((text) => Number(text?.match(LOCAL)?.[2] ?? 0) > 12)
  return (text) => {
    const iso = ISO.exec(text)
    if (iso !== null) return dayOf(Number(iso[1]), Number(iso[2]), Number(iso[3]))
    const local = LOCAL.exec(text)
    if (local === null) return Number.NaN
    const [first, second, year] = [Number(local[1]), Number(local[2]), Number(local[3])]
    return isMonthFirst ? dayOf(year, first, second) : dayOf(year, second, first)
  }
}

function dayOf(year: number, month: number, day: number): number {
  const atMs = Date.UTC(year, month - 1, day)
  return new Date(atMs).getUTCDate() === day ? atMs / DAY_MS : Number.NaN
}

function dateColumns(name: string, days: Float64Array): Column[] {
  const first = days.reduce((least, day) => (day < least ? day : least), Infinity)
  const yearStart = (day: number) =>
    Date.UTC(new Date(day * DAY_MS).getUTCFullYear(), 0, 1) / DAY_MS
  return [
    numberColumn(
      name,
      days.map((day) => day - first),
    ),
    numberColumn(
      `${name} (day of week)`,
      days.map((day) => (((day + 3) % 7) + 7) % 7),
    ),
    numberColumn(
      `${name} (day of year)`,
      days.map((day) => day - yearStart(day)),
    ),
  ]
}
