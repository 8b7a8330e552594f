import { minorDigits, parseMinor, type Money } from '#core/money.ts'

/** What a cell says: a value, nothing at all, or a fault with what to do about it. */
export type Reading<T> =
  | { kind: 'value'; value: T }
  | { kind: 'empty' }
  | { kind: 'fault'; reason: string }

export type DecimalMark = '.' | ','

const BLANK = new Set([
  '',
  '-',
  '--',
  '–',
  '—',
  'null',
  '(null)',
  '\\n',
  'nil',
  'n/a',
  '#n/a',
  'nan',
])

/** Whether a cell holds nothing, also as databases and spreadsheets write nothing: NULL, N/A, -. */
export function isBlank(text: string): boolean {
  return text.length < 12 && BLANK.has(text.trim().toLowerCase())
}

/**
 * Finds the decimal mark of a column; null when no sample tells, as with 1.234 alone.
 * The mark with more samples behind it wins.
 */
export function detectDecimalMark(samples: readonly string[]): DecimalMark | null {
  let point = 0
  let comma = 0
  for (const sample of samples) {
    const digits = stripMoney(sample)
    const mark = digits === null ? null : findMark(digits.body)
    if (mark === '.') point += 1
    if (mark === ',') comma += 1
  }
  if (point === comma) return null
  return point > comma ? '.' : ','
}

/**
 * Reads a number as people write it: 1,234.56, 1.234,56, 1 234,56, 1'234.56, (12), 12-, 1.5e3.
 * @param mark  the column's decimal mark; without it, 1.234 is refused as unclear.
 */
export function readNumber(text: string, mark: DecimalMark | null = null): Reading<number> {
  if (isBlank(text)) return { kind: 'empty' }
  const trimmed = text.trim()
  if (/^[+-]?\d{1,20}(?:\.\d{1,20})?[eE][+-]?\d{1,3}$/.test(trimmed)) {
    const value = Number(trimmed)
    return Number.isFinite(value) ? { kind: 'value', value } : fault(text, 'is too large')
  }
  if (trimmed.endsWith('%')) return fault(text, 'is a percentage: write it without the % sign')
  const decimal = readDecimal(text, mark)
  if (decimal.kind !== 'value') return decimal
  if (decimal.value.currency !== '') return fault(text, 'has a currency: write the number alone')
  return { kind: 'value', value: Number(decimal.value.digits) }
}

/**
 * Reads an amount with or without its currency: € 1.234,56, $12.50, 12.50 USD, -£3, (1,000.00).
 *
 * A sign that several currencies share ($, kr, ¥) means `currency` when that is one of them.
 * @param currency  ISO 4217 code taken when the cell names none.
 */
export function readMoney(
  text: string,
  currency: string,
  mark: DecimalMark | null = null,
): Reading<Money> {
  if (isBlank(text)) return { kind: 'empty' }
  const decimal = readDecimal(text, mark)
  if (decimal.kind !== 'value') return decimal
  const { digits, currency: sign } = decimal.value
  const code = sign === '' ? currency : settleCurrency(sign, currency)
  if (code === null) {
    return fault(
      text,
      `has the currency “${sign}”, which is not clear: write its code, such as EUR`,
    )
  }
  const amountMinor = parseMinor(digits, code)
  if (amountMinor === null) return fault(text, `is too large for an amount in ${code}`)
  const [, fraction = ''] = digits.split('.')
  if (/[1-9]/.test(fraction.slice(minorDigits(code)))) {
    return fault(text, `has more decimals than ${code} knows: round it`)
  }
  return { kind: 'value', value: { amountMinor, currency: code } }
}

const YES = new Set(
  'yes y true t 1 on x ✓ ✔ ja j wahr oui o vrai si sí s verdadero sim vero tak waar'.split(' '),
)
const NO = new Set(
  'no n false f 0 off ✗ ✘ nein falsch nee non faux falso não nao nie onwaar'.split(' '),
)

/** Reads yes and no in English, German, Dutch, French, Spanish, Portuguese, Italian and Polish. */
export function readBoolean(text: string): Reading<boolean> {
  // "n" is no, and a lone dash says nothing.
  if (isBlank(text)) return { kind: 'empty' }
  const word = text.trim().toLowerCase().normalize('NFC')
  if (YES.has(word)) return { kind: 'value', value: true }
  if (NO.has(word)) return { kind: 'value', value: false }
  return fault(text, 'is neither yes nor no: write true or false')
}

interface Digits {
  /** Plain decimal text: an optional minus, digits, an optional point and digits. */
  digits: string
  /** What stands beside the number, trimmed; empty when nothing does. */
  currency: string
}

function readDecimal(text: string, mark: DecimalMark | null): Reading<Digits> {
  const parts = stripMoney(text)
  if (parts === null) return fault(text, 'is not a number: write it like 1234.56')
  const { body, isNegative, currency } = parts
  const found = mark ?? findMark(body)
  if (found === null && /[.,]/.test(body)) {
    return fault(text, 'can be read in two ways: choose the decimal mark of this column')
  }
  const plain = normalizeDigits(body, found ?? '.')
  if (plain === null) {
    return fault(text, 'has its digits grouped in an odd way: write it like 1234.56')
  }
  return { kind: 'value', value: { digits: isNegative ? `-${plain}` : plain, currency } }
}

interface MoneyParts {
  body: string
  isNegative: boolean
  currency: string
}

/** Takes a number apart into digits with their marks, its sign and what stands beside it. */
function stripMoney(text: string): MoneyParts | null {
  if (text.length > 60) return null
  let rest = text.trim().replaceAll('−', '-')
  let isNegative = false
  if (rest.startsWith('(') && rest.endsWith(')')) {
    isNegative = true
    rest = rest.slice(1, -1)
  }
  const { before, body, after } = cutNumber(rest)
  if (!/^[.,]?\d[\d.,\s'’_]*$/u.test(body)) return null
  const around = `${before} ${after}`
  const signs = around.match(/[+-]/g) ?? []
  if (signs.length > 1 || (isNegative && signs.length > 0)) return null
  const currency = around.replaceAll(/[+\-\s]/gu, '')
  if (currency.length > 5) return null
  return { body: body.trim(), isNegative: isNegative || signs[0] === '-', currency }
}

/** Cuts a text at its first and last digit, with a mark that touches them: the dot of `.5`, not of `Rs. 5`. */
function cutNumber(text: string): { before: string; body: string; after: string } {
  const isMark = (at: number) => text[at] === '.' || text[at] === ','
  let from = text.search(/\d/)
  let to = text.length
  while (to > 0 && !/\d/.test(text.charAt(to - 1))) to -= 1
  if (from < 0) return { before: text, body: '', after: '' }
  if (isMark(from - 1) && !/\p{L}/u.test(text.charAt(from - 2))) from -= 1
  if (isMark(to)) to += 1
  return { before: text.slice(0, from), body: text.slice(from, to), after: text.slice(to) }
}

/** The decimal mark that a number shows by itself; null when it has none or it could be a group's. */
function findMark(body: string): DecimalMark | null {
  const point = body.lastIndexOf('.')
  const comma = body.lastIndexOf(',')
  if (point >= 0 && comma >= 0) return point > comma ? '.' : ','
  const at = Math.max(point, comma)
  if (at < 0) return null
  const mark = point >= 0 ? '.' : ','
  if (body.indexOf(mark) !== at) return mark === '.' ? ',' : '.'
  const before = body.slice(0, at)
  const after = body.slice(at + 1)
  // 1.234 alone could be a thousand; 0.234, 1.23, 1234.567 and 1 234.567 could not.
  const isUnclear = /^[1-9]\d{0,2}$/.test(before) && /^\d{3}$/.test(after)
  return isUnclear ? null : mark
}

/** Takes group marks out; null when groups are not of three digits (the Indian 12,34,567 is taken). */
function normalizeDigits(body: string, mark: DecimalMark): string | null {
  const group = mark === '.' ? ',' : '.'
  const [whole = '', fraction, ...more] = body.split(mark)
  if (more.length > 0 || (fraction !== undefined && !/^\d*$/.test(fraction))) return null
  const groups = whole
    .split(/[\s'’_]/u)
    .join(group)
    .split(group)
  const [first = '', ...others] = groups
  const isGrouped = others.length > 0
  if (isGrouped) {
    const last = others.at(-1) ?? ''
    const inner = others.slice(0, -1)
    const isWestern = inner.every((part) => part.length === 3)
    const isIndian = inner.every((part) => part.length === 2)
    if (!/^\d{1,3}$/.test(first) || !/^\d{3}$/.test(last)) return null
    if (!(isWestern || isIndian) || !inner.every((part) => /^\d+$/.test(part))) return null
  } else if (!/^\d*$/.test(first)) return null
  const integer = groups.join('')
  if (integer === '' && !fraction) return null
  return fraction ? `${integer || '0'}.${fraction}` : integer
}

const SIGNS: Record<string, readonly string[]> = {
  '€': ['EUR'],
  '£': ['GBP'],
  '₹': ['INR'],
  '₽': ['RUB'],
  '₺': ['TRY'],
  '₩': ['KRW'],
  '₪': ['ILS'],
  zł: ['PLN'],
  Kč: ['CZK'],
  R$: ['BRL'],
  US$: ['USD'],
  A$: ['AUD'],
  C$: ['CAD'],
  CA$: ['CAD'],
  'S/': ['PEN'],
  $: ['USD', 'AUD', 'CAD', 'NZD', 'SGD', 'HKD', 'MXN', 'CLP', 'COP', 'ARS'],
  '¥': ['JPY', 'CNY'],
  Rs: ['INR', 'PKR', 'LKR', 'NPR'],
  'Rs.': ['INR', 'PKR', 'LKR', 'NPR'],
}
const KRONER = ['SEK', 'NOK', 'DKK', 'ISK']

const codes = new Set(Intl.supportedValuesOf('currency'))

/** The code that a sign means; the column's own currency where the sign leaves a choice. */
function settleCurrency(sign: string, preferred: string): string | null {
  if (/^kr\.?$/i.test(sign)) return KRONER.includes(preferred) ? preferred : null
  const known = Object.hasOwn(SIGNS, sign) ? SIGNS[sign] : undefined
  if (known !== undefined) return known.includes(preferred) ? preferred : (known[0] ?? null)
  const code = sign.toUpperCase()
  return codes.has(code) ? code : null
}

/** The fault of a cell: what it says, cut short, and what to do about it. */
export function fault(text: string, what: string): { kind: 'fault'; reason: string } {
  const shown = text.trim().slice(0, 40)
  return { kind: 'fault', reason: `“${shown}” ${what}.` }
}
