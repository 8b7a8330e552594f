import type { JsonObject } from '#sandbox/json.ts'
import type { Field, Value } from './fields.ts'
import type { ObjectDefinition } from './objects.ts'
import type { Org } from './org.ts'
import { valueOf } from './records.ts'
import type { SfRecord } from './records.ts'
import { SoqlError, errorAt } from './soql-ast.ts'
import type { Condition, Path, Query, SelectItem } from './soql-ast.ts'
import {
  compareValues,
  compileCondition,
  findField,
  findParent,
  isFilterable,
  lookupOf,
  readerOf,
} from './soql-compile.ts'
import type { Scope } from './soql-compile.ts'
import { parseQuery } from './soql-parser.ts'
import { restTime } from './times.ts'

/** A query that was carried out: the rows as they were then, in order, and how they are shown. */
export interface Found {
  object: string
  rows: SfRecord[]
  /** Not null for COUNT(). */
  count: number | null
  /** The columns as in SELECT, for the Bulk API's files. */
  columns: { name: string; read: (record: SfRecord) => Value; field: Field }[]
  render(record: SfRecord): JsonObject
}

/** Salesforce docs: recycle bin, 15 days; after that only the replication calls know of them. */
const RECYCLE_BIN_MS = 15 * 86_400_000
/** Salesforce docs: SOQL OFFSET. */
const MAX_OFFSET = 2000

/**
 * Carries out a SOQL query.
 * @param withDeleted  true for queryAll: rows in the recycle bin as well.
 * @throws SoqlError with the vendor's code and message.
 */
export function runQuery(org: Org, soql: string, withDeleted: boolean): Found {
  return carryOut(org, parseQuery(soql), soql, withDeleted)
}

function carryOut(org: Org, query: Query, soql: string, withDeleted: boolean): Found {
  const object = objectOf(org, query, soql)
  const scope: Scope = {
    state: org.state,
    nowMs: org.now(),
    soql,
    valuesOf(inner) {
      const found = carryOut(org, inner, soql, withDeleted)
      const column = found.columns[0]
      return column ? found.rows.map((row) => column.read(row)) : []
    },
  }
  const rows = sorted(scope, object, query, filtered(org, scope, object, query, withDeleted))
  if (query.offset > MAX_OFFSET) {
    throw new SoqlError('NUMBER_OUTSIDE_VALID_RANGE', 'SOQL offset maximum is 2000')
  }
  const to = query.limit === null ? rows.length : query.offset + query.limit
  const kept = query.offset > 0 || to < rows.length ? rows.slice(query.offset, to) : rows
  const isCount = query.select.some((item) => item.kind === 'count')
  const view = viewOf(org, scope, object, query, withDeleted)
  return { object: object.name, rows: kept, count: isCount ? kept.length : null, ...view }
}

function objectOf(org: Org, query: Query, soql: string): ObjectDefinition {
  const lower = query.object.toLowerCase()
  for (const object of org.state.objects.values()) {
    if (object.name.toLowerCase() === lower) return object
  }
  const message = `sObject type '${query.object}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.`
  throw errorAt('INVALID_TYPE', soql, query.objectAt, message)
}

function filtered(
  org: Org,
  scope: Scope,
  object: ObjectDefinition,
  query: Query,
  withDeleted: boolean,
): SfRecord[] {
  const table = org.state.table(object.name)
  const test = query.where ? compileCondition(scope, object, query.where) : null
  const oldestMs = scope.nowMs - RECYCLE_BIN_MS
  const rows: SfRecord[] = []
  const candidates = indexed(org, object, query.where) ?? table.all()
  for (const row of candidates) {
    if (row.isDeleted && (!withDeleted || row.modifiedAtMs < oldestMs)) continue
    if (!test || test(row)) rows.push(row)
  }
  return rows
}

/** The few rows that an index leaves to look at; null when no index helps. */
function indexed(org: Org, object: ObjectDefinition, where: Condition | null): SfRecord[] | null {
  const parts = where?.kind === 'and' ? where.parts : where ? [where] : []
  const table = org.state.table(object.name)
  for (const part of parts) {
    if (part.kind !== 'in' && !(part.kind === 'compare' && part.operator === '=')) continue
    if (part.kind === 'in' && part.isNegated) continue
    const field = part.path.names.length === 1 ? findField(object, part.path.names[0] ?? '') : null
    if (!field) continue
    const literals = part.kind === 'in' ? part.values : [part.value]
    const values = literals.flatMap((each) => (each.kind === 'string' ? [each.value] : []))
    if (values.length < literals.length) continue
    if (field.type === 'id') {
      return [...new Set(values.flatMap((value) => table.find(value) ?? []))]
    }
    const found = values.map((value) => table.findAllBy(field.name, value))
    if (found.every((rows) => rows !== null)) return [...new Set(found.flat())]
  }
  return null
}

function sorted(
  scope: Scope,
  object: ObjectDefinition,
  { orderBy }: Query,
  rows: SfRecord[],
): SfRecord[] {
  const keys = orderBy.map(({ path, isDescending, nullsFirst }) => {
    const { field, read } = readerOf(scope, object, path)
    if (!isFilterable(field)) {
      const message = `field '${field.name}' can not be sorted in a query call`
      throw errorAt('MALFORMED_QUERY', scope.soql, path.at, message)
    }
    return { field, read, direction: isDescending ? -1 : 1, nulls: nullsFirst ? -1 : 1 }
  })
  if (keys.length === 0) return rows
  return rows.sort((a, b) => {
    for (const { field, read, direction, nulls } of keys) {
      const left = read(a)
      const right = read(b)
      if (left === right) continue
      if (left === null) return nulls
      if (right === null) return -nulls
      const order = compareValues(left, right, field)
      if (order !== 0) return order * direction
    }
    return 0
  })
}

type View = Pick<Found, 'columns' | 'render'>

function viewOf(
  org: Org,
  scope: Scope,
  object: ObjectDefinition,
  query: Query,
  withDeleted: boolean,
): View {
  const columns: Found['columns'] = []
  const parts: ((record: SfRecord, into: JsonObject) => void)[] = []
  for (const item of expanded(object, query)) {
    if (item.kind === 'count') continue
    if (item.kind === 'children') {
      parts.push(childrenOf(org, scope, object, item.query, withDeleted))
      continue
    }
    const { field, read } = readerOf(scope, object, item.path)
    columns.push({ name: canonicalName(object, item.path, field), read, field })
    if (item.path.names.length === 1) {
      parts.push((record, into) => (into[field.name] = shown(field, read(record))))
    } else {
      parts.push(parentColumn(org, object, item.path, field))
    }
  }
  return {
    columns,
    render(record) {
      const shownRow: JsonObject = { attributes: attributesOf(org, object.name, record.id) }
      for (const part of parts) part(record, shownRow)
      return shownRow
    },
  }
}

function* expanded(
  object: ObjectDefinition,
  query: Query,
): Generator<Exclude<SelectItem, { kind: 'fields' }>> {
  for (const item of query.select) {
    if (item.kind !== 'fields') {
      yield item
      continue
    }
    if (item.which !== 'STANDARD' && (query.limit === null || query.limit > 200)) {
      throw new SoqlError(
        'MALFORMED_QUERY',
        'The SOQL FIELDS function must have a LIMIT of at most 200',
      )
    }
    for (const field of object.fields.values()) {
      if (field.isHidden) continue
      if (item.which !== 'ALL' && field.isCustom !== (item.which === 'CUSTOM')) continue
      yield { kind: 'path', path: { names: [field.name], at: 0 } }
    }
  }
}

function canonicalName(object: ObjectDefinition, path: Path, field: Field): string {
  if (path.names.length === 1) return field.name
  return `${lookupOf(object, path.names[0] ?? '')?.relationshipName ?? ''}.${field.name}`
}

function parentColumn(org: Org, object: ObjectDefinition, path: Path, field: Field) {
  const lookup = lookupOf(object, path.names[0] ?? '')
  return (record: SfRecord, into: JsonObject) => {
    if (!lookup?.relationshipName) return
    const parent = findParent(org.state, lookup, record)
    const before = into[lookup.relationshipName]
    if (!parent) {
      into[lookup.relationshipName] = null
      return
    }
    into[lookup.relationshipName] = {
      ...(before as JsonObject | undefined),
      attributes: attributesOf(org, parent.object, parent.record.id),
      [field.name]: shown(field, valueOf(parent.record, field.name)),
    }
  }
}

/** Salesforce docs: relationship queries, parent to child. Null when there are no children. */
function childrenOf(
  org: Org,
  scope: Scope,
  parent: ObjectDefinition,
  query: Query,
  withDeleted: boolean,
) {
  const lower = query.object.toLowerCase()
  for (const child of org.state.objects.values()) {
    for (const lookup of child.fields.values()) {
      if (lookup.childName?.toLowerCase() !== lower) continue
      if (!lookup.referenceTo.includes(parent.name)) continue
      const inner = { ...query, object: child.name }
      const childName = lookup.childName
      return (record: SfRecord, into: JsonObject) => {
        const ofParent: Condition = {
          kind: 'compare',
          path: { names: [lookup.name], at: query.objectAt },
          operator: '=',
          value: { kind: 'string', value: record.id },
        }
        const parts = query.where ? [ofParent, query.where] : [ofParent]
        const where: Condition = { kind: 'and', parts }
        const found = carryOut(org, { ...inner, where }, scope.soql, withDeleted)
        into[childName] =
          found.rows.length === 0
            ? null
            : {
                totalSize: found.rows.length,
                done: true,
                records: found.rows.map((row) => found.render(row)),
              }
      }
    }
  }
  const message = `Didn't understand relationship '${query.object}' in FROM part of query call. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.`
  throw errorAt('INVALID_TYPE', scope.soql, query.objectAt, message)
}

/** A value as JSON shows it. */
export function shown(field: Field, value: Value): Value {
  return field.type === 'datetime' && typeof value === 'number' ? restTime(value) : value
}

export function attributesOf(org: Org, object: string, id: string): JsonObject {
  return { type: object, url: `${org.basePath}/sobjects/${object}/${id}` }
}
