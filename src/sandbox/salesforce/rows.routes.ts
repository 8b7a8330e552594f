import { textOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { asCall, bodyOf, listParameter, objectIn, textOfHeader, writeBy } from './call.ts'
import { RowRefusal, notFound, refuse } from './errors.ts'
import type { ObjectDefinition } from './objects.ts'
import type { Caller, Org } from './org.ts'
import { valueOf } from './records.ts'
import type { SfRecord } from './records.ts'
import { findField } from './soql-compile.ts'
import { attributesOf, shown } from './soql-run.ts'
import { acceptValue } from './values.ts'
import { deleteRow, insertRow, updateRow } from './writes.ts'
import type { WriteBy, Written } from './writes.ts'

const ROWS = '/services/data/{version}/sobjects/{sObject}'

/** One row a call. Salesforce docs: sObject rows, sObject rows by external id. */
export function rowRoutes(org: Org): Route<Caller>[] {
  return [
    { method: 'POST', path: ROWS, target: (call, caller) => create(org, call, caller) },
    { method: 'GET', path: `${ROWS}/{id}`, target: (call) => read(org, call) },
    { method: 'PATCH', path: `${ROWS}/{id}`, target: (call, caller) => update(org, call, caller) },
    { method: 'DELETE', path: `${ROWS}/{id}`, target: (call, caller) => remove(org, call, caller) },
    { method: 'GET', path: `${ROWS}/{field}/{value}`, target: (call) => readByKey(org, call) },
    {
      method: 'PATCH',
      path: `${ROWS}/{field}/{value}`,
      target: (call, caller) => upsert(org, call, caller),
    },
    {
      method: 'DELETE',
      path: `${ROWS}/{field}/{value}`,
      target: (call, caller) => removeByKey(org, call, caller),
    },
  ]
}

function create(org: Org, call: Call, caller: Caller): Answer {
  const object = objectIn(org, call)
  const body = bodyOf(call)
  const { id } = asCall(() =>
    org.state.transaction(() => insertRow(org, writeBy(call, caller), object.name, body)),
  )
  return {
    status: 201,
    body: { id, success: true, errors: [] },
    headers: { location: `${org.basePath}/sobjects/${object.name}/${id}` },
  }
}

function read(org: Org, call: Call): Answer {
  const object = objectIn(org, call)
  const row = liveRow(org, object, call.params['id'] ?? '')
  return { status: 200, body: renderRow(org, object, row, listParameter(call, 'fields')) }
}

function liveRow(org: Org, object: ObjectDefinition, id: string): SfRecord {
  const row = org.state.table(object.name).find(id)
  if (!row) throw notFound()
  if (row.isDeleted) throw refuse(404, 'ENTITY_IS_DELETED', 'entity is deleted', [])
  return row
}

/** The fields asked for, or all. @throws Refusal 400 INVALID_FIELD. */
export function renderRow(
  org: Org,
  object: ObjectDefinition,
  row: SfRecord,
  names: readonly string[],
): JsonObject {
  const fields =
    names.length > 0
      ? names.map((name) => fieldNamed(object, name))
      : [...object.fields.values()].filter((field) => !field.isHidden)
  return {
    attributes: attributesOf(org, object.name, row.id),
    ...Object.fromEntries(
      fields.map((field) => [field.name, shown(field, valueOf(row, field.name))]),
    ),
    ...(names.length > 0 ? { Id: row.id } : {}),
  }
}

function fieldNamed(object: ObjectDefinition, name: string) {
  const field = findField(object, name)
  if (field) return field
  const message = `No such column '${name}' on sobject of type ${object.name}`
  throw refuse(400, 'INVALID_FIELD', message)
}

/** Salesforce docs: conditional requests, If-Unmodified-Since. */
function update(org: Org, call: Call, caller: Caller): Answer {
  const object = objectIn(org, call)
  const body = bodyOf(call)
  const row = liveRow(org, object, call.params['id'] ?? '')
  const since = Date.parse(textOfHeader(call, 'if-unmodified-since'))
  if (!Number.isNaN(since) && row.modifiedAtMs > since) {
    const message = 'The requested resource has been modified since the given date'
    throw refuse(412, 'PRECONDITION_FAILED', message)
  }
  asCall(() =>
    org.state.transaction(() => updateRow(org, writeBy(call, caller), object.name, row, body)),
  )
  return { status: 204 }
}

function remove(org: Org, call: Call, caller: Caller): Answer {
  const object = objectIn(org, call)
  const id = call.params['id'] ?? ''
  asCall(() => org.state.transaction(() => deleteRow(org, writeBy(call, caller), object.name, id)))
  return { status: 204 }
}

/** Rows by the value in the path. @throws Refusal 404 for fields that are no key. */
function rowsByKey(org: Org, call: Call): SfRecord[] {
  const object = objectIn(org, call)
  const value = call.params['value'] ?? ''
  if (call.params['field']?.toLowerCase() === 'id') {
    return [org.state.table(object.name).findLive(value)].flatMap((row) => row ?? [])
  }
  const field = findField(object, call.params['field'] ?? '')
  if (!field?.isExternalId) {
    const message = `Provided external ID field does not exist or is not accessible: ${call.params['field']}`
    throw refuse(404, 'NOT_FOUND', message)
  }
  return org.state.table(object.name).findBy(field.name, acceptValue(org.state, field, value)) ?? []
}

function several(org: Org, object: ObjectDefinition, rows: readonly SfRecord[]): Answer {
  return { status: 300, body: rows.map((row) => attributesOf(org, object.name, row.id)['url']) }
}

function readByKey(org: Org, call: Call): Answer {
  const object = objectIn(org, call)
  const rows = asCall(() => rowsByKey(org, call))
  if (rows.length > 1) return several(org, object, rows)
  const [row] = rows
  if (!row) throw notFound()
  return { status: 200, body: renderRow(org, object, row, listParameter(call, 'fields')) }
}

function upsert(org: Org, call: Call, caller: Caller): Answer {
  const object = objectIn(org, call)
  const body = bodyOf(call)
  const rows = asCall(() => rowsByKey(org, call))
  if (rows.length > 1) return several(org, object, rows)
  const by = writeBy(call, caller)
  const key = call.params['field'] ?? ''
  if (Object.keys(body).some((name) => name.toLowerCase() === key.toLowerCase())) {
    const message = `The ${key} field should not be specified in the sobject data.`
    throw refuse(400, 'INVALID_FIELD', message)
  }
  if (rows.length === 0 && call.query.get('updateOnly') === 'true') throw notFound()
  const written = asCall(() =>
    org.state.transaction(() =>
      upsertRow(org, by, object, { ...body, [key]: call.params['value'] ?? '' }, key),
    ),
  )
  const { id, isNew } = written
  const result = { id, success: true, errors: [], created: isNew }
  return { status: isNew ? 201 : 200, body: result }
}

function removeByKey(org: Org, call: Call, caller: Caller): Answer {
  const object = objectIn(org, call)
  const rows = asCall(() => rowsByKey(org, call))
  if (rows.length > 1) return several(org, object, rows)
  const [row] = rows
  if (!row) throw notFound()
  asCall(() =>
    org.state.transaction(() => deleteRow(org, writeBy(call, caller), object.name, row.id)),
  )
  return { status: 204 }
}

/**
 * Writes a row under the value of its key: the row that has it is changed, else one is made.
 * @throws RowRefusal DUPLICATE_EXTERNAL_ID when several rows have the value.
 */
export function upsertRow(
  org: Org,
  by: WriteBy,
  object: ObjectDefinition,
  sent: JsonObject,
  key: string,
): Written {
  const field = findField(object, key)
  const value = Object.entries(sent).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1]
  const isId = field?.type === 'id'
  if (!field || (!field.isExternalId && !isId)) {
    const message = `Field name provided, ${key} is not an External ID or indexed field for ${object.name}`
    throw new RowRefusal('INVALID_FIELD', message, [])
  }
  if (value === undefined || value === null || value === '') {
    if (isId) return insertRow(org, by, object.name, without(sent, key))
    throw new RowRefusal('MISSING_ARGUMENT', `${field.name} not specified`, [])
  }
  const table = org.state.table(object.name)
  if (isId) {
    const row = table.find(textOf(value) ?? '')
    if (!row) throw new RowRefusal('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', [])
    return updateRow(org, by, object.name, row, without(sent, key))
  }
  const rows = table.findBy(field.name, acceptValue(org.state, field, value)) ?? []
  const [row] = rows
  if (rows.length > 1) {
    const message = `More than one record found for external id field: [${rows.map(({ id }) => id).join(', ')}]`
    throw new RowRefusal('DUPLICATE_EXTERNAL_ID', message, [field.name])
  }
  if (!row) return insertRow(org, by, object.name, sent)
  return updateRow(org, by, object.name, row, without(sent, key))
}

function without(sent: JsonObject, key: string): JsonObject {
  const kept = Object.entries(sent).filter(([name]) => name.toLowerCase() !== key.toLowerCase())
  return Object.fromEntries(kept)
}
