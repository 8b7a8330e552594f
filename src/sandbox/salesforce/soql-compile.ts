import type { Field, Value } from './fields.ts'
import { isId, to18 } from './ids.ts'
import type { ObjectDefinition } from './objects.ts'
import { valueOf } from './records.ts'
import type { SfRecord } from './records.ts'
import { SoqlError, errorAt } from './soql-ast.ts'
import type { Condition, Literal, Operator, Path } from './soql-ast.ts'
import type { OrgState } from './state.ts'
import { dateOf, literalRange } from './times.ts'

/** What compiling needs of the org. */
export interface Scope {
  state: OrgState
  nowMs: number
  /** The text, for messages. */
  soql: string
  /** The values of the only column of a sub-query. */
  valuesOf(query: Extract<Condition, { kind: 'in-query' }>['query']): Value[]
}

/** A path within an object: how to read it, and of what type it is. */
export interface Reader {
  field: Field
  read: (record: SfRecord) => Value
}

/** The visible field of this name in any case; null when there is none. */
export function findField(object: ObjectDefinition, name: string): Field | null {
  const exact = object.fields.get(name)
  if (exact) return exact.isHidden ? null : exact
  const lower = name.toLowerCase()
  for (const field of object.fields.values()) {
    if (field.name.toLowerCase() === lower && !field.isHidden) return field
  }
  return null
}

/** @throws SoqlError INVALID_FIELD for fields that are not there or not seen. */
export function readerOf(scope: Scope, object: ObjectDefinition, path: Path): Reader {
  const [first = '', second] = path.names
  if (path.names.length > 2) {
    throw errorAt('MALFORMED_QUERY', scope.soql, path.at, 'The sandbox follows one lookup only.')
  }
  if (second === undefined) {
    const field = findField(object, first)
    if (!field) throw noColumn(scope, object, first, path.at)
    return { field, read: (record) => valueOf(record, field.name) }
  }
  const lookup = lookupOf(object, first)
  if (!lookup) {
    const message = `Didn't understand relationship '${first}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.`
    throw errorAt('INVALID_FIELD', scope.soql, path.at, message)
  }
  const targets = lookup.referenceTo.map((name) => scope.state.object(name))
  const fields = targets.map((target) => findField(target, second))
  const known = fields.find((field) => field !== null)
  if (!known) throw noColumn(scope, targets[0] ?? object, second, path.at)
  return {
    field: known,
    read(record) {
      const parent = findParent(scope.state, lookup, record)
      return parent ? valueOf(parent.record, known.name) : null
    },
  }
}

/** The lookup behind a relationship name such as `Account`; null when there is none. */
export function lookupOf(object: ObjectDefinition, relationship: string): Field | null {
  const lower = relationship.toLowerCase()
  for (const field of object.fields.values()) {
    if (field.relationshipName?.toLowerCase() === lower && !field.isHidden) return field
  }
  return null
}

/** The row that a lookup names, and of which object it is. */
export function findParent(
  state: OrgState,
  lookup: Field,
  record: SfRecord,
): { object: string; record: SfRecord } | null {
  const id = valueOf(record, lookup.name)
  if (typeof id !== 'string') return null
  for (const object of lookup.referenceTo) {
    const found = state.table(object).find(id)
    if (found) return { object, record: found }
  }
  return null
}

function noColumn(scope: Scope, object: ObjectDefinition, name: string, at: number): SoqlError {
  const message = `No such column '${name}' on entity '${object.name}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.`
  return errorAt('INVALID_FIELD', scope.soql, at, message)
}

/** A test of one row. @throws SoqlError for fields and values that do not go together. */
export function compileCondition(
  scope: Scope,
  object: ObjectDefinition,
  condition: Condition,
): (record: SfRecord) => boolean {
  switch (condition.kind) {
    case 'and': {
      const parts = condition.parts.map((part) => compileCondition(scope, object, part))
      return (record) => parts.every((part) => part(record))
    }
    case 'or': {
      const parts = condition.parts.map((part) => compileCondition(scope, object, part))
      return (record) => parts.some((part) => part(record))
    }
    case 'not': {
      const part = compileCondition(scope, object, condition.part)
      return (record) => !part(record)
    }
    case 'compare': {
      const reader = filterReader(scope, object, condition.path)
      const test = compileComparison(scope, reader.field, condition.operator, condition.value)
      return (record) => test(reader.read(record))
    }
    case 'in': {
      const reader = filterReader(scope, object, condition.path)
      const tests = condition.values.map((value) => comparable(reader.field, value))
      return oneOf(reader, new Set(tests.map(foldKey)), condition.isNegated)
    }
    case 'in-query': {
      const reader = filterReader(scope, object, condition.path)
      const values = new Set(scope.valuesOf(condition.query).map(foldKey))
      return oneOf(reader, values, condition.isNegated)
    }
    case 'includes': {
      const reader = filterReader(scope, object, condition.path)
      const wanted = condition.values.map((value) => value.split(';'))
      return (record) => {
        const chosen = new Set(String(reader.read(record) ?? '').split(';'))
        const hit = wanted.some((all) => all.every((value) => chosen.has(value)))
        return hit !== condition.isNegated
      }
    }
  }
}

function oneOf(reader: Reader, values: ReadonlySet<Value>, isNegated: boolean) {
  return (record: SfRecord) => values.has(foldKey(reader.read(record))) !== isNegated
}

/** Salesforce docs: long text areas cannot be filtered. */
function filterReader(scope: Scope, object: ObjectDefinition, path: Path): Reader {
  const reader = readerOf(scope, object, path)
  if (!isFilterable(reader.field)) {
    const message = `field '${reader.field.name}' can not be filtered in a query call`
    throw errorAt('INVALID_FIELD', scope.soql, path.at, message)
  }
  return reader
}

export function isFilterable(field: Field): boolean {
  return !(field.type === 'textarea' && field.length > 255)
}

function compileComparison(
  scope: Scope,
  field: Field,
  operator: Operator,
  literal: Literal,
): (value: Value) => boolean {
  if (literal.kind === 'range') return compileRange(scope, field, operator, literal)
  if (operator === 'LIKE') {
    if (literal.kind !== 'string') throw wrongType(field, 'string')
    const pattern = likePattern(literal.value)
    return (value) => typeof value === 'string' && pattern.test(value)
  }
  const wanted = comparable(field, literal)
  if (operator === '=') return (value) => foldKey(value) === foldKey(wanted)
  if (operator === '!=') return (value) => foldKey(value) !== foldKey(wanted)
  if (field.type === 'boolean' || wanted === null) {
    throw new SoqlError('INVALID_QUERY_FILTER_OPERATOR', `invalid operator on ${field.type} field`)
  }
  return (value) => {
    if (value === null) return false
    const order = compareValues(value, wanted, field)
    switch (operator) {
      case '<':
        return order < 0
      case '<=':
        return order <= 0
      case '>':
        return order > 0
      case '>=':
        return order >= 0
    }
  }
}

function compileRange(
  scope: Scope,
  field: Field,
  operator: Operator,
  literal: Extract<Literal, { kind: 'range' }>,
): (value: Value) => boolean {
  const range = literalRange(literal.name, literal.n, scope.nowMs)
  if (!range || (field.type !== 'date' && field.type !== 'datetime')) {
    throw wrongType(field, field.type)
  }
  const [from, to]: [Value, Value] =
    field.type === 'date' ? [dateOf(range[0]), dateOf(range[1])] : range
  return (value) => {
    if (value === null) return operator === '!='
    const isBefore = value < from
    const isAfter = value >= to
    if (operator === '=') return !isBefore && !isAfter
    if (operator === '!=') return isBefore || isAfter
    if (operator === '<') return isBefore
    if (operator === '<=') return !isAfter
    return operator === '>' ? isAfter : !isBefore
  }
}

const TEXT_TYPES = new Set<Field['type']>([
  'id',
  'string',
  'textarea',
  'picklist',
  'multipicklist',
  'reference',
  'email',
  'phone',
  'url',
])

/** The literal as the field's values are kept. @throws SoqlError when the types do not go together. */
function comparable(field: Field, literal: Literal): Value {
  if (literal.kind === 'null') return null
  if (field.type === 'datetime') {
    if (literal.kind === 'datetime') return literal.value
    throw wrongType(field, 'dateTime')
  }
  if (field.type === 'date') {
    if (literal.kind === 'date') return literal.value
    throw wrongType(field, 'date')
  }
  if (field.type === 'boolean') {
    if (literal.kind === 'boolean') return literal.value
    throw wrongType(field, 'boolean')
  }
  if (!TEXT_TYPES.has(field.type)) {
    if (literal.kind === 'number') return literal.value
    throw wrongType(field, 'double')
  }
  if (literal.kind !== 'string') throw wrongType(field, 'string')
  if (field.type !== 'id' && field.type !== 'reference') return literal.value
  if (literal.value !== '' && !isId(literal.value)) {
    throw new SoqlError('INVALID_QUERY_FILTER_OPERATOR', `invalid ID field: ${literal.value}`)
  }
  return to18(literal.value)
}

function wrongType(field: Field, type: string): SoqlError {
  const quotes = type === 'string' ? 'should be' : 'should not be'
  return new SoqlError(
    'INVALID_FIELD',
    `value of filter criterion for field '${field.name}' must be of type ${type} and ${quotes} enclosed in quotes`,
  )
}

/** Texts are the same in any case; ids of 18 characters differ in their checksum where they differ. */
function foldKey(value: Value): Value {
  if (value === '') return null
  return typeof value === 'string' ? value.toLowerCase() : value
}

/** Below, at or above 0, neither null: ids letter by letter, other texts in any case. */
export function compareValues(a: Value, b: Value, field: Field): number {
  if (typeof a === 'string' && typeof b === 'string') {
    const isId = field.type === 'id' || field.type === 'reference'
    const [left, right] = isId ? [a, b] : [a.toLowerCase(), b.toLowerCase()]
    return left < right ? -1 : left > right ? 1 : 0
  }
  return Number(a) - Number(b)
}

/** `%` is any text, `_` one character, a backslash takes their meaning away. */
function likePattern(text: string): RegExp {
  const source = text.split('').map((letter) => {
    if (letter === '%') return '[^]*'
    if (letter === '_') return '[^]'
    return letter.replace(/[\\^$.*+?()[\]{}|]/, '\\$&')
  })
  return new RegExp(`^${source.join('')}$`, 'i')
}
