import { listOf, numberOf, objectOf, textOf, textsOf } from '#sandbox/json.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import { badRequest, refuse } from './errors.ts'
import type { ObjectType } from './object-types.ts'
import { findProperty, readTime, readerOf } from './readers.ts'
import type { Reader } from './readers.ts'
import type { CrmRecord } from './records.ts'
import type { AccountState } from './state.ts'
import { matchesGlob } from '#sandbox/faults.ts'

type Predicate = (record: CrmRecord) => boolean

/** A search request, understood and checked. */
export interface Search {
  matches: Predicate
  /** Null for ascending ids. */
  compare: ((a: CrmRecord, b: CrmRecord) => number) | null
  properties: string[]
  limit: number
  after: number
}

/** HubSpot docs: CRM search, limits. */
const MAX_GROUPS = 5
const MAX_FILTERS_PER_GROUP = 6
const MAX_FILTERS = 18
const MAX_LIMIT = 200
const MAX_QUERY = 3000
const MAX_RESULTS = 10_000

/**
 * Understands a search request.
 * @throws Refusal 400 for unknown properties and operators, and beyond the limits.
 */
export function readSearch(state: AccountState, type: ObjectType, body: JsonObject): Search {
  const groups = listOf(body['filterGroups']).map((group) => listOf(objectOf(group)['filters']))
  const filterCount = groups.reduce((sum, filters) => sum + filters.length, 0)
  if (groups.length > MAX_GROUPS || filterCount > MAX_FILTERS) {
    throw badRequest('There are too many filter groups or filters.')
  }
  if (groups.some((filters) => filters.length > MAX_FILTERS_PER_GROUP)) {
    throw badRequest('There are too many filters in a filter group.')
  }
  const limit = numberOf(body['limit']) ?? 10
  if (!Number.isInteger(limit) || limit < 0 || limit > MAX_LIMIT) {
    throw badRequest(`limit must be at most ${MAX_LIMIT}`)
  }
  const after = Number(textOf(body['after']) ?? '0')
  if (!Number.isInteger(after) || after < 0) throw badRequest('after must be a number')
  // HubSpot docs: CRM search, "any requests beyond 10,000 will result in a 400 error".
  if (after >= MAX_RESULTS) throw refuse(400, { message: 'There was a problem with the request.' })
  const any = groups.map((filters) => {
    const all = filters.map((filter) => readFilter(state, type, objectOf(filter)))
    return (record: CrmRecord) => all.every((matches) => matches(record))
  })
  const matchesQuery = readQuery(state, type, textOf(body['query']) ?? '')
  return {
    matches: (record) =>
      (any.length === 0 || any.some((matches) => matches(record))) && matchesQuery(record),
    compare: readSort(state, type, listOf(body['sorts'])),
    properties: textsOf(body['properties']),
    limit,
    after,
  }
}

function requireReader(state: AccountState, type: ObjectType, name: string): Reader {
  const read = readerOf(state, type.name, name)
  if (read) return read
  throw badRequest(`There was a problem with the request: unknown property ${name}`)
}

/** HubSpot docs: CRM search, one sort at most. As text `name` or `-name`, or as an object. */
function readSort(
  state: AccountState,
  type: ObjectType,
  sorts: readonly Json[],
): Search['compare'] {
  if (sorts.length > 1) throw badRequest('Only one sort is allowed.')
  const [sort] = sorts
  if (sort === undefined) return null
  const text = typeof sort === 'string' ? sort : ''
  const asObject = objectOf(sort)
  const name = text === '' ? (textOf(asObject['propertyName']) ?? '') : text.replace(/^-/, '')
  const isDescending = text.startsWith('-') || asObject['direction'] === 'DESCENDING'
  if (name === 'hs_object_id' && !isDescending) return null
  const sign = isDescending ? -1 : 1
  const key = sortKey(state, type, name)
  return (a, b) => sign * compareKeys(key(a), key(b)) || a.id - b.id
}

function sortKey(
  state: AccountState,
  type: ObjectType,
  name: string,
): (record: CrmRecord) => string | number | null {
  const read = requireReader(state, type, name)
  return readTime(name) ?? numericReader(state, type, name, read) ?? read
}

function compareKeys(a: string | number | null, b: string | number | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a) < String(b) ? -1 : String(a) === String(b) ? 0 : 1
}

/** Numbers and times compare as numbers; null for texts. */
function numericReader(
  state: AccountState,
  type: ObjectType,
  name: string,
  read: Reader,
): ((record: CrmRecord) => number | null) | null {
  const time = readTime(name)
  if (time) return time
  const kind = findProperty(state, type.name, name)?.type
  if (kind !== 'number' && kind !== 'date' && kind !== 'datetime') return null
  return (record) => {
    const text = read(record)
    return text === null ? null : toNumber(text)
  }
}

/** A number, an epoch in milliseconds, or an ISO date. NaN otherwise. */
function toNumber(text: string): number {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text)
}

/** HubSpot docs: CRM search, filter operators. */
function readFilter(state: AccountState, type: ObjectType, filter: JsonObject): Predicate {
  const name = textOf(filter['propertyName']) ?? ''
  const operator = textOf(filter['operator']) ?? ''
  const read = requireReader(state, type, name)
  if (operator === 'HAS_PROPERTY') return (record) => read(record) !== null
  if (operator === 'NOT_HAS_PROPERTY') return (record) => read(record) === null
  const values = textsOf(filter['values'])
  const value = textOf(filter['value'])
  if (operator === 'IN' || operator === 'NOT_IN') {
    if (values.length === 0) throw badRequest(`${operator} needs values`)
    return listFilter(read, values, operator === 'IN')
  }
  if (value === null) throw badRequest(`${operator} needs a value`)
  if (operator === 'CONTAINS_TOKEN') return (record) => hasToken(read(record), value)
  if (operator === 'NOT_CONTAINS_TOKEN') return (record) => !hasToken(read(record), value)
  const numeric = numericReader(state, type, name, read)
  const high = textOf(filter['highValue'])
  return numeric
    ? numericFilter(numeric, operator, toNumber(value), high === null ? null : toNumber(high))
    : textFilter(read, operator, value.toLowerCase(), high?.toLowerCase() ?? null)
}

/** HubSpot docs: CRM search, IN and NOT_IN want lower-case values for text. */
function listFilter(read: Reader, values: readonly string[], isIn: boolean): Predicate {
  const set = new Set(values)
  return (record) => {
    const text = read(record)
    const isListed = text !== null && (set.has(text) || set.has(text.toLowerCase()))
    return isListed === isIn
  }
}

function numericFilter(
  read: (record: CrmRecord) => number | null,
  operator: string,
  value: number,
  high: number | null,
): Predicate {
  if (Number.isNaN(value)) throw badRequest('The value of the filter is not a number or date.')
  if (operator === 'NEQ') return (record) => read(record) !== value
  const test = comparison(operator, value, high)
  return (record) => {
    const number = read(record)
    return number !== null && test(number)
  }
}

function textFilter(read: Reader, operator: string, value: string, high: string | null): Predicate {
  if (operator === 'NEQ') return (record) => read(record)?.toLowerCase() !== value
  const test = comparison(operator, value, high)
  return (record) => {
    const text = read(record)
    return text !== null && test(text.toLowerCase())
  }
}

function comparison<T extends number | string>(
  operator: string,
  value: T,
  high: T | null,
): (each: T) => boolean {
  switch (operator) {
    case 'EQ':
      return (each) => each === value
    case 'LT':
      return (each) => each < value
    case 'LTE':
      return (each) => each <= value
    case 'GT':
      return (each) => each > value
    case 'GTE':
      return (each) => each >= value
    case 'BETWEEN':
      if (high === null) throw badRequest('BETWEEN needs a highValue')
      return (each) => each >= value && each <= high
    default:
      throw badRequest(`Unknown operator ${operator}`)
  }
}

/** A word of the text, where `*` in the wanted word stands for any letters. */
function hasToken(text: string | null, wanted: string): boolean {
  if (text === null) return false
  const pattern = wanted.toLowerCase()
  const whole = text.toLowerCase()
  return matchesGlob(pattern, whole) || tokensOf(whole).some((token) => matchesGlob(pattern, token))
}

function tokensOf(text: string): string[] {
  return text.split(/[\s@._+,;:/-]/).filter((token) => token !== '')
}

/** HubSpot docs: CRM search, default searchable properties. Each word has to begin some word. */
function readQuery(state: AccountState, type: ObjectType, query: string): Predicate {
  if (query.length > MAX_QUERY) throw badRequest('The query is longer than 3,000 characters.')
  const words = query.toLowerCase().split(' ').filter(Boolean)
  if (words.length === 0) return () => true
  const readers = type.searchable.flatMap((name) => readerOf(state, type.name, name) ?? [])
  return (record) => {
    const texts = readers.flatMap((read) => read(record)?.toLowerCase() ?? [])
    return words.every((word) =>
      texts.some(
        (text) => text.startsWith(word) || tokensOf(text).some((token) => token.startsWith(word)),
      ),
    )
  }
}
