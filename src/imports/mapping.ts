import { readEmail, readPhone, readUrl } from '#imports/contacts.ts'
import { detectDateFormat } from '#imports/date-format.ts'
import {
  detectDecimalMark,
  isBlank,
  readBoolean,
  readMoney,
  readNumber,
  type DecimalMark,
} from '#imports/values.ts'

export type FieldKind =
  | 'text'
  | 'email'
  | 'phone'
  | 'date'
  | 'number'
  | 'money'
  | 'boolean'
  | 'country'
  | 'id'
  | 'url'

/** One field that an import can fill. */
export interface TargetField {
  field: string
  label: string
  kind: FieldKind
  /** Other names that files give it, in any case and spelling. */
  aliases: readonly string[]
  required?: boolean
}

export interface ColumnSample {
  column: string
  /** Values as written, some hundred are enough. */
  values: readonly string[]
}

export interface ColumnGuess {
  column: string
  field: string
  /** How sure the guess is, in [0, 1]; 0.6 is the least that is offered. */
  confidence: number
  reason: string
}

export interface CustomColumn {
  column: string
  /** The name under which its values are kept, unique among these: `landing_page_id`. */
  key: string
}

export interface MappingGuess {
  guesses: ColumnGuess[]
  /** Columns that no field takes; their values are kept as custom fields. */
  custom: CustomColumn[]
  /** Required fields that no column fills. */
  missing: string[]
}

const LEAST_CONFIDENCE = 0.6
const MAX_SAMPLES = 500

/**
 * Guesses which column fills which field, from the names of the columns and what stands in them.
 *
 * Each field gets one column at most and each column one field, the surest pair first. A column
 * whose content speaks against its name (a `mail` without addresses) loses most of its confidence;
 * one that holds e-mail addresses is found under any name.
 * Cost: columns × fields comparisons of short names.
 */
export function guessMapping(
  columns: readonly ColumnSample[],
  target: readonly TargetField[],
): MappingGuess {
  const pairs = columns.flatMap((column) => guessColumn(column, target))
  // A stable sort, so that of equal pairs the earlier column wins.
  pairs.sort((a, b) => b.confidence - a.confidence)
  const byColumn = new Map<string, ColumnGuess>()
  const takenFields = new Set<string>()
  for (const guess of pairs) {
    if (guess.confidence < LEAST_CONFIDENCE) break
    if (byColumn.has(guess.column) || takenFields.has(guess.field)) continue
    byColumn.set(guess.column, guess)
    takenFields.add(guess.field)
  }
  const rest = columns.filter(({ column }) => !byColumn.has(column))
  return {
    guesses: columns.flatMap(({ column }) => byColumn.get(column) ?? []),
    custom: nameCustom(rest.map(({ column }) => column)),
    missing: target
      .filter(({ field, required }) => required === true && !takenFields.has(field))
      .map(({ field }) => field),
  }
}

function guessColumn(column: ColumnSample, target: readonly TargetField[]): ColumnGuess[] {
  const values = column.values.slice(0, MAX_SAMPLES).filter((value) => !isBlank(value))
  const fitByKind = new Map<FieldKind, number | null>()
  return target.map((field) => {
    const name = scoreName(column.column, field)
    let fit = fitByKind.get(field.kind)
    if (fit === undefined) {
      fit = fitOfKind(field.kind, values)
      fitByKind.set(field.kind, fit)
    }
    const { confidence, content } = weigh(name.score, fit, field, target)
    const reason = [name.reason, content].filter((part) => part !== '').join('; ')
    return { column: column.column, field: field.field, confidence, reason: `${reason}.` }
  })
}

interface Weighed {
  confidence: number
  content: string
}

/** Joins what the name and the content say; `fit` is the share of values of the field's kind. */
function weigh(
  name: number,
  fit: number | null,
  field: TargetField,
  target: readonly TargetField[],
): Weighed {
  if (fit === null) return { confidence: round(name), content: '' }
  const content = `${Math.round(fit * 100)} % of the values are ${KIND_TITLES[field.kind]}`
  const isOnlyEmail =
    field.kind === 'email' && target.filter(({ kind }) => kind === 'email').length === 1
  if (isOnlyEmail && fit >= 0.9) return { confidence: round(Math.max(name, 0.75)), content }
  if (fit >= 0.8) {
    return { confidence: round(name >= 0.5 ? Math.min(1, name + 0.1) : name), content }
  }
  // Half of the values astray is a column of something else, whatever its name.
  return { confidence: round(name * Math.max(0.3, fit)), content }
}

const KIND_TITLES: Record<FieldKind, string> = {
  text: 'text',
  email: 'e-mail addresses',
  phone: 'telephone numbers',
  date: 'dates',
  number: 'numbers',
  money: 'amounts',
  boolean: 'yes or no',
  country: 'countries',
  id: 'identifiers',
  url: 'web addresses',
}

/** The share of values that are of this kind; null when the kind takes anything or none is there. */
function fitOfKind(kind: FieldKind, values: readonly string[]): number | null {
  if (values.length === 0) return null
  if (kind === 'date') return detectDateFormat(values).parsed / values.length
  const mark = detectDecimalMark(values) ?? '.'
  const isFit = FITS[kind]
  return isFit === null ? null : values.filter((value) => isFit(value, mark)).length / values.length
}

type Fit = (value: string, mark: DecimalMark) => boolean

/** Whether one value is of the kind; null for kinds that take anything. */
const FITS: Record<Exclude<FieldKind, 'date'>, Fit | null> = {
  email: (value) => readEmail(value).kind === 'value',
  phone: (value) => readPhone(value).kind === 'value',
  boolean: (value) => readBoolean(value).kind === 'value',
  url: (value) => readUrl(value).kind === 'value' && !value.includes('@'),
  number: (value, mark) => readNumber(value, mark).kind === 'value',
  money: (value, mark) => readMoney(value, 'EUR', mark).kind === 'value',
  country: (value) => /^[^\d@]{2,60}$/.test(value),
  id: null,
  text: null,
}

interface NameScore {
  score: number
  reason: string
}

/** How close a column's name is to the field's own name, its label and its aliases, in [0, 1]. */
function scoreName(column: string, field: TargetField): NameScore {
  const name = foldName(column)
  let best: NameScore = { score: 0, reason: `“${column}” is not a name of ${field.label}` }
  for (const known of [field.label, field.field, ...field.aliases]) {
    const score = scorePair(name, foldName(known))
    if (score <= best.score) continue
    const how = score >= 0.9 ? 'is' : 'is close to'
    best = { score, reason: `“${column}” ${how} a name of ${field.label} (“${known}”)` }
  }
  return best
}

function scorePair(a: string, b: string): number {
  if (a === '' || b === '') return 0
  if (a === b) return 0.9
  const [tight, known] = [a.replaceAll(' ', ''), b.replaceAll(' ', '')]
  if (tight === known) return 0.89
  const [words, others] = [new Set(a.split(' ')), new Set(b.split(' '))]
  const shared = [...words].filter((word) => others.has(word)).length
  const byWords = (2 * shared) / (words.size + others.size)
  if (byWords === 1) return 0.88
  // `contact e-mail address` holds `email address` whole; `name` in `company name` is weaker.
  const isWithin = shared === others.size && others.size > 1
  const bigrams = scoreBigrams(tight, known)
  return Math.max(isWithin ? 0.7 : byWords * 0.6, bigrams >= 0.75 ? bigrams * 0.85 : 0)
}

/** Dice's coefficient over pairs of letters, which forgives a slip of the keyboard. */
function scoreBigrams(a: string, b: string): number {
  if (a.length < 4 || b.length < 4) return 0
  const pairs = new Map<string, number>()
  for (let i = 0; i + 1 < a.length; i += 1) {
    const pair = a.slice(i, i + 2)
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1)
  }
  let shared = 0
  for (let i = 0; i + 1 < b.length; i += 1) {
    const pair = b.slice(i, i + 2)
    const left = pairs.get(pair) ?? 0
    if (left > 0) shared += 1
    pairs.set(pair, left - 1)
  }
  return (2 * shared) / (a.length + b.length - 2)
}

/** `MQL_Id`, `mqlId` and `MQL-ID` are all `mql id`; accents are left out. */
function foldName(name: string): string {
  return name
    .slice(0, 200)
    .replaceAll(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .replaceAll(/\be mail\b/g, 'email')
    .trim()
}

function nameCustom(columns: readonly string[]): CustomColumn[] {
  const taken = new Set<string>()
  return columns.map((column) => {
    const base = foldName(column).replaceAll(' ', '_').slice(0, 60) || 'column'
    let key = base
    for (let n = 2; taken.has(key); n += 1) key = `${base}_${n}`
    taken.add(key)
    return { column, key }
  })
}

function round(confidence: number): number {
  return Math.round(confidence * 100) / 100
}
