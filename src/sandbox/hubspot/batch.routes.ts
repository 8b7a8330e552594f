import type { Fault } from '#sandbox/faults.ts'
import { listOf, objectOf, textOf, textsOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { requireScope, tableOf } from './account.ts'
import type { Account, Caller } from './account.ts'
import { RowRefusal, badRequest, refuse } from './errors.ts'
import type { ErrorBody } from './errors.ts'
import {
  OBJECT_PATHS,
  archiveChange,
  commitRows,
  contextOf,
  planFor,
  renderWritten,
  requireUniqueProperty,
} from './objects.routes.ts'
import type { Act } from './objects.routes.ts'
import type { CrmRecord, RecordTable } from './records.ts'
import { SYSTEM, renderRecord } from './render.ts'
import type { PlannedRow } from './writes.ts'

/** HubSpot docs: batch endpoints take 100 inputs at most. */
const MAX_INPUTS = 100

/** Up to 100 records at a time. HubSpot docs: CRM batch create, read, update, upsert, archive. */
export function batchRoutes(account: Account): Route<Caller>[] {
  const on = (verb: string, act: Act) =>
    OBJECT_PATHS.map((base) => ({
      method: 'POST',
      path: `${base}/{type}/batch/${verb}`,
      target: (call: Call, caller: Caller) => {
        const table = tableOf(account, call)
        requireScope(caller, verb === 'read' ? table.type.readScope : table.type.writeScope)
        return act(account, call, caller, table)
      },
    }))
  return [
    ...on('create', batchCreate),
    ...on('read', batchRead),
    ...on('update', batchUpdate),
    ...on('upsert', batchUpsert),
    ...on('archive', batchArchive),
  ]
}

interface Row {
  sent: JsonObject
  id: string
  traceId: string | null
  properties: JsonObject
}

function readRows(call: Call): Row[] {
  const body = parseBody(call.text)
  const inputs = objectOf(body)['inputs']
  if (!Array.isArray(inputs)) {
    throw badRequest('Invalid input JSON on line 1, column 1: inputs must be a list')
  }
  if (inputs.length > MAX_INPUTS) {
    throw badRequest(
      'Invalid input JSON on line 1, column 1: batch size exceeds the maximum of 100',
    )
  }
  return inputs.map((input) => {
    const sent = objectOf(input)
    return {
      sent,
      id: textOf(sent['id']) ?? '',
      traceId: textOf(sent['objectWriteTraceId']),
      properties: objectOf(sent['properties']),
    }
  })
}

/** HubSpot docs: batch update, "IDs must be unique". Nothing of the batch is written. */
function requireDistinct(ids: readonly string[]): void {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const id of ids) {
    if (seen.has(id)) repeated.add(id)
    seen.add(id)
  }
  if (repeated.size === 0) return
  const list = [...repeated]
  throw badRequest(`Duplicate IDs found in batch input: [${list.join(', ')}]. IDs must be unique`, {
    ids: list,
  })
}

interface Outcome {
  rows: { row: Row; planned: PlannedRow }[]
  errors: (ErrorBody & { status: 'error' })[]
}

/**
 * Plans every row. Without trace ids one refused row refuses the call and nothing is written; with
 * a trace id of its own on every row, the good rows go through. HubSpot docs: multi-status errors.
 */
function planRows(
  rows: readonly Row[],
  fault: Fault | null,
  plan: (row: Row) => PlannedRow | null,
): Outcome {
  const traceIds = rows.flatMap(({ traceId }) => traceId ?? [])
  const isPartial = rows.length > 0 && traceIds.length === rows.length
  if (new Set(traceIds).size < traceIds.length) {
    throw badRequest('objectWriteTraceId must be unique within a batch')
  }
  const outcome: Outcome = { rows: [], errors: [] }
  const refused: RowRefusal[] = []
  for (const [i, row] of rows.entries()) {
    try {
      const planned = plan(row)
      if (fault?.kind === 'refuse-rows' && (i + 1) % fault.everyNth === 0) throw refusalBy(fault)
      if (planned) outcome.rows.push({ row, planned })
    } catch (error) {
      if (!(error instanceof RowRefusal)) throw error
      refused.push(error)
      const context = { objectWriteTraceId: [row.traceId ?? ''], ...error.body.context }
      outcome.errors.push({ status: 'error', ...error.body, context })
    }
  }
  if (!isPartial && refused.length > 0) throw refuseWhole(refused)
  return outcome
}

/** HubSpot docs: error handling; what the account's own validation rules refuse has no code beside the category. */
function refusalBy({ code, message, fields = [] }: Extract<Fault, { kind: 'refuse-rows' }>) {
  const text = message ?? `${fields.join(', ')} is not valid`
  const context = { propertyName: fields }
  return new RowRefusal(400, {
    category: 'VALIDATION_ERROR',
    message: text,
    context,
    errors: [{ message: text, context, ...(code === 'VALIDATION_ERROR' ? {} : { code }) }],
  })
}

/** One error for the whole batch: a conflict does not say whose, invalid values are all listed. */
function refuseWhole(refused: readonly RowRefusal[]) {
  const conflict = refused.find(({ status }) => status === 409)
  if (conflict) return refuse(409, { category: 'CONFLICT', message: 'Contact already exists' })
  const embedded = refused.flatMap(({ body }) => embeddedList(body.message))
  const first = refused[0]?.body ?? { message: '' }
  if (embedded.length === 0) return refuse(refused[0]?.status ?? 400, first)
  return refuse(400, {
    category: 'VALIDATION_ERROR',
    message: `${INVALID_PREFIX}${JSON.stringify(embedded)}`,
    errors: refused.flatMap(({ body }) => body.errors ?? []),
  })
}

const INVALID_PREFIX = 'Property values were not valid: '

function embeddedList(message: string) {
  return message.startsWith(INVALID_PREFIX)
    ? listOf(parseBody(message.slice(INVALID_PREFIX.length)))
    : []
}

/** HubSpot docs: batch create. 201, or 207 with the rows that conflict. */
function batchCreate(account: Account, call: Call, caller: Caller, table: RecordTable): Answer {
  const plan = planFor(account, caller, table)
  const outcome = planRows(readRows(call), call.fault, ({ properties, sent }) =>
    plan.create(properties, sent['associations']),
  )
  commitRows(
    account,
    call,
    outcome.rows.map(({ planned }) => planned),
  )
  const results = outcome.rows.map(({ planned }) => renderWritten(account, table, planned.record))
  return batchAnswer(account, 201, shuffled(results), outcome.errors)
}

/** HubSpot docs: batch update. By record id, or by a unique property other than e-mail. */
function batchUpdate(account: Account, call: Call, caller: Caller, table: RecordTable): Answer {
  const rows = readRows(call)
  requireDistinct(rows.map(({ id }) => id))
  const plan = planFor(account, caller, table)
  const missing: string[] = []
  const outcome = planRows(rows, call.fault, (row) => {
    const property = textOf(row.sent['idProperty'])
    if (property === 'email') throw nonUnique(table, property)
    const record = findRow(table, property, row.id)
    if (record) return plan.update(record, row.properties)
    missing.push(row.id)
    return null
  })
  commitRows(
    account,
    call,
    outcome.rows.map(({ planned }) => planned),
  )
  const errors = [...outcome.errors, ...missingErrors(table, missing)]
  return batchAnswer(account, 200, shuffled(renderUpdated(account, table, outcome)), errors)
}

function nonUnique(table: RecordTable, property: string) {
  return badRequest(
    `Unable to perform update/upsert by non-unique ${table.type.typeId} property ${property}`,
  )
}

/** The live record that a row addresses. */
function findRow(table: RecordTable, property: string | null, id: string): CrmRecord | null {
  if (property !== null) requireUniqueProperty(table, property)
  const record = property === null ? table.find(id) : table.findBy(property, id)
  return record?.archivedAtMs === 0 ? record : null
}

/** HubSpot docs: batch upsert. `idProperty` stands in each input, not in the query. */
function batchUpsert(account: Account, call: Call, caller: Caller, table: RecordTable): Answer {
  const rows = readRows(call).map((row) => {
    const property = textOf(row.sent['idProperty']) ?? ''
    if (!table.isUnique(property)) throw nonUnique(table, property || 'hs_object_id')
    const id = property === 'email' ? row.id.trim().toLowerCase() : row.id
    return { ...row, id, property, record: findRow(table, property, id) }
  })
  requireDistinct(rows.map(({ id }) => id))
  // Two addresses of one contact are the same record. HubSpot docs: secondary e-mails.
  requireDistinct(rows.flatMap(({ record }) => (record ? [String(record.id)] : [])))
  const found = new Map(rows.map((row) => [row.id, row]))
  const plan = planFor(account, caller, table)
  const outcome = planRows(rows, call.fault, (row) => {
    const { property = '', record } = found.get(row.id) ?? {}
    const key = record ? {} : { [property]: row.id }
    const properties = { ...key, ...row.properties }
    return record ? plan.update(record, properties) : plan.create(properties)
  })
  commitRows(
    account,
    call,
    outcome.rows.map(({ planned }) => planned),
  )
  const results = renderUpdated(account, table, outcome).map((body, i) => ({
    ...body,
    new: outcome.rows[i]?.planned.isNew ?? false,
  }))
  return batchAnswer(account, 200, shuffled(results), outcome.errors)
}

/** An updated row shows what was sent and the system properties; a new one shows everything. */
function renderUpdated(account: Account, table: RecordTable, outcome: Outcome) {
  return outcome.rows.map(({ row, planned }) => {
    if (planned.isNew) return renderWritten(account, table, planned.record)
    const idProperty = textOf(row.sent['idProperty'])
    const key = idProperty === null ? [] : [idProperty]
    const properties = [...Object.keys(row.properties), ...key, ...SYSTEM]
    const view = { properties, history: [], associations: [] }
    return renderRecord(contextOf(account), table, planned.record, view)
  })
}

/** HubSpot docs: batch read. 207 when some are missing. */
function batchRead(account: Account, call: Call, _caller: Caller, table: RecordTable): Answer {
  const rows = readRows(call)
  const body = objectOf(parseBody(call.text))
  const property = textOf(body['idProperty'])
  const isById = property === null || property === '' || property === 'hs_object_id'
  if (!isById) requireUniqueProperty(table, property)
  const isArchived = call.query.get('archived') === 'true'
  const view = {
    properties: textsOf(body['properties']),
    history: textsOf(body['propertiesWithHistory']),
    associations: [],
  }
  const records = new Map<number, CrmRecord>()
  const missing: string[] = []
  for (const { id } of rows) {
    const record = isById ? table.find(id) : table.findBy(property, id)
    if (record && (record.archivedAtMs !== 0) === isArchived) records.set(record.id, record)
    else missing.push(id)
  }
  const results = [...records.values()].map((record) =>
    renderRecord(contextOf(account), table, record, view),
  )
  return batchAnswer(account, 200, shuffled(results), missingErrors(table, missing))
}

/** HubSpot docs: batch archive. 204 whatever the ids. */
function batchArchive(account: Account, call: Call, _caller: Caller, table: RecordTable): Answer {
  const records = readRows(call).flatMap(({ id }) => table.find(id) ?? [])
  const live = new Set(records.filter(({ archivedAtMs }) => archivedAtMs === 0))
  account.state.commit([...live].map((record) => archiveChange(account, table, record)))
  return { status: 204 }
}

function missingErrors(table: RecordTable, ids: readonly string[]) {
  if (ids.length === 0) return []
  return [
    {
      status: 'error' as const,
      category: 'OBJECT_NOT_FOUND',
      message: `Could not get some ${table.type.singular.toUpperCase()} objects, they may be deleted or not exist. Check that ids are valid.`,
      context: { ids: [...ids] },
    },
  ]
}

/** The envelope of every batch answer; 207 as soon as one row failed. */
export function batchAnswer(
  account: Account,
  status: number,
  results: readonly unknown[],
  errors: readonly unknown[],
): Answer {
  const at = new Date(account.clock.now()).toISOString()
  const failed = errors.length > 0 ? { numErrors: errors.length, errors } : {}
  return {
    status: errors.length > 0 ? 207 : status,
    body: { status: 'COMPLETE', results, ...failed, startedAt: at, completedAt: at },
  }
}

/** HubSpot docs: results are not in the order of the inputs. Never the same order for two or more. */
export function shuffled<T>(results: readonly T[]): T[] {
  const odd = results.filter((_, i) => i % 2 === 1)
  const even = results.filter((_, i) => i % 2 === 0)
  return [...odd, ...even.reverse()]
}
