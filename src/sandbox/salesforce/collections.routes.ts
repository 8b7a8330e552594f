import { isObject, textOf, textsOf } from '#sandbox/json.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { asCall, bodyOf, findObject, listParameter, objectIn, recordsOf, writeBy } from './call.ts'
import { RowRefusal, collectionError, refuse } from './errors.ts'
import type { Caller, Org } from './org.ts'
import { renderRow, upsertRow } from './rows.routes.ts'
import { failWhole } from './values.ts'
import { deleteRow, insertRow, updateRow } from './writes.ts'
import type { WriteBy, Written } from './writes.ts'

const BASE = '/services/data/{version}/composite/sobjects'
const MOST = 200
const MOST_READ = 2000
/** Salesforce docs: sObject collections, one call may hold so many runs of one type. */
const MOST_CHUNKS = 10

/** Salesforce docs: sObject collections. One result a row, in order; 200 also when rows fail. */
export function collectionRoutes(org: Org): Route<Caller>[] {
  return [
    { method: 'POST', path: BASE, target: (call, caller) => create(org, call, caller) },
    { method: 'PATCH', path: BASE, target: (call, caller) => update(org, call, caller) },
    { method: 'DELETE', path: BASE, target: (call, caller) => remove(org, call, caller) },
    { method: 'GET', path: `${BASE}/{sObject}`, target: (call) => read(org, call) },
    { method: 'POST', path: `${BASE}/{sObject}`, target: (call) => readMany(org, call) },
    {
      method: 'PATCH',
      path: `${BASE}/{sObject}/{field}`,
      target: (call, caller) => upsert(org, call, caller),
    },
  ]
}

type Act = (record: JsonObject, by: WriteBy) => Written

function create(org: Org, call: Call, caller: Caller): Answer {
  const body = bodyOf(call)
  const records = typed(org, recordsOf(body, MOST))
  const act: Act = (record, by) => insertRow(org, by, typeOf(org, record), record)
  return written(org, call, caller, { records, isAll: body['allOrNone'] === true, act })
}

function update(org: Org, call: Call, caller: Caller): Answer {
  const body = bodyOf(call)
  const records = typed(org, recordsOf(body, MOST))
  const seen = new Set<string>()
  const act: Act = (record, by) => {
    const id = textOf(record['id'] ?? record['Id']) ?? ''
    if (id === '')
      throw new RowRefusal('MISSING_ARGUMENT', 'Id not specified in an update call', [])
    if (seen.has(id)) throw new RowRefusal('DUPLICATE_VALUE', `Duplicate id in list: ${id}`, ['Id'])
    seen.add(id)
    const object = typeOf(org, record)
    const row = org.state.table(object).find(id)
    if (!row) throw new RowRefusal('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', [])
    return updateRow(org, by, object, row, record)
  }
  return written(org, call, caller, { records, isAll: body['allOrNone'] === true, act })
}

function upsert(org: Org, call: Call, caller: Caller): Answer {
  const object = objectIn(org, call)
  const key = call.params['field'] ?? ''
  const body = bodyOf(call)
  const records = typed(org, recordsOf(body, MOST))
  if (records.some((record) => typeOf(org, record) !== object.name)) {
    const message = `All records must be of the type ${object.name}`
    throw refuse(400, 'INVALID_TYPE', message)
  }
  const seen = new Set<string>()
  const act: Act = (record, by) => {
    const value = textOf(record[key])
    if (value !== null && seen.has(value.toLowerCase())) {
      throw new RowRefusal('DUPLICATE_VALUE', `Duplicate external id specified: ${value}`, [key])
    }
    if (value !== null) seen.add(value.toLowerCase())
    return upsertRow(org, by, object, record, key)
  }
  const isAll = body['allOrNone'] === true
  return written(org, call, caller, { records, isAll, act, isUpsert: true })
}

function remove(org: Org, call: Call, caller: Caller): Answer {
  const ids = listParameter(call, 'ids')
  if (ids.length === 0) throw refuse(400, 'REQUIRED_FIELD_MISSING', 'At least 1 record is required')
  if (ids.length > MOST) {
    throw refuse(400, 'EXCEEDED_MAX_SIZE_REQUEST', 'The maximum number of records allowed is 200.')
  }
  const act: Act = (record, by) => {
    const id = textOf(record['id']) ?? ''
    const object = [...org.state.objects.keys()].find((name) => org.state.table(name).find(id))
    if (object === undefined) {
      throw new RowRefusal('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', [])
    }
    deleteRow(org, by, object, id)
    return { id, isNew: false }
  }
  const records = ids.map((id) => ({ id }))
  return written(org, call, caller, { records, isAll: call.query.get('allOrNone') === 'true', act })
}

interface Batch {
  records: JsonObject[]
  isAll: boolean
  act: Act
  isUpsert?: boolean
}

/** Each row on its own, or all of them or none. */
function written(org: Org, call: Call, caller: Caller, batch: Batch): Answer {
  const by = writeBy(call, caller)
  const results: JsonObject[] = []
  const hasFailed = () => results.some((result) => result['success'] === false)
  org.state.transaction(
    () => {
      for (const record of batch.records) results.push(resultOf(org, by, batch, record))
    },
    () => !batch.isAll || !hasFailed(),
  )
  if (!batch.isAll || !hasFailed()) return { status: 200, body: results }
  return { status: 200, body: results.map((result) => (result['success'] ? ROLLED_BACK : result)) }
}

const ROLLED_BACK = {
  success: false,
  errors: [
    {
      statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK',
      message:
        'Record rolled back because not all records were valid and the request was using AllOrNone header',
      fields: [],
    },
  ],
}

/** @throws Refusal when a value is of the wrong JSON type: that fails the whole call. */
function resultOf(org: Org, by: WriteBy, batch: Batch, record: JsonObject): JsonObject {
  try {
    const { id, isNew } = org.state.transaction(() => batch.act(record, by))
    return {
      id,
      success: true,
      errors: [],
      ...(batch.isUpsert === true ? { created: isNew } : {}),
    }
  } catch (error) {
    const whole = failWhole(error)
    if (!(whole instanceof RowRefusal)) throw whole
    return { success: false, errors: [collectionError(whole.error)] }
  }
}

/** @throws Refusal 400 for rows without a type, and for too many runs of types. */
function typed(org: Org, records: JsonObject[]): JsonObject[] {
  const types = records.map((record) => typeOf(org, record))
  const chunks = types.filter((type, i) => type !== types[i - 1]).length
  if (chunks > MOST_CHUNKS) {
    const message = `A request may have at most ${MOST_CHUNKS} chunks of records of one type.`
    throw refuse(400, 'INVALID_INPUT', message)
  }
  return records
}

function typeOf(org: Org, record: JsonObject): string {
  const { attributes } = record
  const type = isObject(attributes) ? textOf(attributes['type']) : null
  if (type === null) {
    throw refuse(400, 'INVALID_INPUT', 'Include an entity type with your request in each record.')
  }
  return findObject(org, type).name
}

function read(org: Org, call: Call): Answer {
  return rows(org, call, listParameter(call, 'ids'), listParameter(call, 'fields'))
}

function readMany(org: Org, call: Call): Answer {
  const body = bodyOf(call)
  return rows(org, call, textsOf(body['ids']), textsOf(body['fields']))
}

/** In the order asked for; null for what is not there. */
function rows(org: Org, call: Call, ids: string[], fields: string[]): Answer {
  const object = objectIn(org, call)
  if (ids.length > MOST_READ) {
    throw refuse(400, 'EXCEEDED_MAX_SIZE_REQUEST', 'The maximum number of records allowed is 2000.')
  }
  const body = asCall(() =>
    ids.map((id): Json => {
      const row = org.state.table(object.name).findLive(id)
      return row ? renderRow(org, object, row, fields) : null
    }),
  )
  return { status: 200, body }
}
