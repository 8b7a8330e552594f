import { dropsWrite } from '#sandbox/faults.ts'
import { objectOf, textOf } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { listParameter, requireScope, tableOf } from './account.ts'
import type { Account, Caller } from './account.ts'
import { badRequest, notFound, refuse } from './errors.ts'
import { RowRefusal } from './errors.ts'
import type { CrmRecord, RecordTable } from './records.ts'
import { SYSTEM, allPropertiesOf, renderRecord } from './render.ts'
import type { View } from './render.ts'
import type { Change } from './state.ts'
import { WritePlan } from './writes.ts'
import type { PlannedRow } from './writes.ts'

/** Where the objects live in the two path families. */
export const OBJECT_PATHS = ['/crm/v3/objects', '/crm/objects/2026-09']

/** One record at a time. HubSpot docs: CRM objects, contacts, companies, deals. */
export function objectRoutes(account: Account): Route<Caller>[] {
  const on = (method: string, rest: string, act: Act) =>
    OBJECT_PATHS.map((base) => ({
      method,
      path: `${base}/{type}${rest}`,
      target: (call: Call, caller: Caller) => {
        const table = tableOf(account, call)
        const scope = method === 'GET' ? table.type.readScope : table.type.writeScope
        requireScope(caller, scope)
        return act(account, call, caller, table)
      },
    }))
  return [
    ...on('GET', '', listRecords),
    ...on('POST', '', createRecord),
    ...on('GET', '/{id}', getRecord),
    ...on('PATCH', '/{id}', updateRecord),
    ...on('DELETE', '/{id}', archiveRecord),
    ...on('POST', '/merge', mergeRecords),
    ...on('POST', '/gdpr-delete', eraseRecord),
  ]
}

export type Act = (account: Account, call: Call, caller: Caller, table: RecordTable) => Answer

function viewOf(call: Call): View {
  return {
    properties: listParameter(call, 'properties'),
    history: listParameter(call, 'propertiesWithHistory'),
    associations: listParameter(call, 'associations'),
  }
}

export function contextOf(account: Account) {
  return { state: account.state, portalId: account.settings.portalId }
}

/** HubSpot docs: list objects. In the order of ids, 100 at most (50 with history). */
function listRecords(account: Account, call: Call, _caller: Caller, table: RecordTable): Answer {
  const view = viewOf(call)
  const limit = Number(call.query.get('limit') ?? '10')
  const maximum = view.history.length > 0 ? 50 : 100
  if (!Number.isInteger(limit) || limit < 1 || limit > maximum) {
    throw badRequest(`Invalid limit ${call.query.get('limit')}: it must be from 1 to ${maximum}.`)
  }
  const isArchived = call.query.get('archived') === 'true'
  const after = call.query.get('after') ?? '0'
  if (!/^\d{1,16}$/.test(after)) throw badRequest(`Invalid paging cursor ${after}.`)
  const page: CrmRecord[] = []
  let hasNext = false
  for (const record of table.from(Number(after))) {
    if ((record.archivedAtMs !== 0) !== isArchived) continue
    hasNext = page.length === limit
    if (hasNext) break
    page.push(record)
  }
  const context = contextOf(account)
  const next = String((page.at(-1)?.id ?? 0) + 1)
  return {
    status: 200,
    body: {
      results: page.map((record) => renderRecord(context, table, record, view)),
      ...(hasNext ? { paging: { next: { after: next, link: nextLink(call, next) } } } : {}),
    },
  }
}

/** The same call with another cursor. */
export function nextLink(call: Call, after: string): string {
  const query = new URLSearchParams(call.query)
  query.set('after', after)
  return `${call.baseUrl}${call.path}?${query}`
}

/** HubSpot docs: retrieve by id or by a unique property. */
function getRecord(account: Account, call: Call, _caller: Caller, table: RecordTable): Answer {
  const isArchived = call.query.get('archived') === 'true'
  const record = findAddressed(call, table)
  if (!record || (record.archivedAtMs !== 0) !== isArchived) {
    throw notFound('Object not found.  objectId are usually numeric.')
  }
  return { status: 200, body: renderRecord(contextOf(account), table, record, viewOf(call)) }
}

function findAddressed(call: Call, table: RecordTable): CrmRecord | null {
  const id = call.params['id'] ?? ''
  const property = call.query.get('idProperty')
  if (property === null || property === 'hs_object_id') return table.find(id)
  requireUniqueProperty(table, property)
  return table.findBy(property, id)
}

/** HubSpot docs: unique identifier properties. */
export function requireUniqueProperty(table: RecordTable, property: string): void {
  if (table.isUnique(property)) return
  throw badRequest(
    `Unable to perform update/upsert by non-unique ${table.type.typeId} property ${property}`,
  )
}

/** HubSpot docs: create. 201; an e-mail that exists is a 409 that names the contact. */
function createRecord(account: Account, call: Call, caller: Caller, table: RecordTable): Answer {
  const body = objectOf(parseBody(call.text))
  const row = orRefuse(() =>
    planFor(account, caller, table).create(objectOf(body['properties']), body['associations']),
  )
  commitRows(account, call, [row])
  return { status: 201, body: renderWritten(account, table, row.record) }
}

/** HubSpot docs: update by id or by a unique property. */
function updateRecord(account: Account, call: Call, caller: Caller, table: RecordTable): Answer {
  const record = findAddressed(call, table)
  if (!record || record.archivedAtMs !== 0) throw notFound()
  const sent = objectOf(objectOf(parseBody(call.text))['properties'])
  const row = orRefuse(() => planFor(account, caller, table).update(record, sent))
  commitRows(account, call, [row])
  const properties = [...Object.keys(sent), ...SYSTEM]
  const view = { properties, history: [], associations: [] }
  return { status: 200, body: renderRecord(contextOf(account), table, row.record, view) }
}

/** HubSpot docs: archive. 204, also for an id that is not there. */
function archiveRecord(account: Account, call: Call, _caller: Caller, table: RecordTable): Answer {
  const record = table.find(call.params['id'] ?? '')
  if (record && record.archivedAtMs === 0) {
    account.state.commit([archiveChange(account, table, record)])
  }
  return { status: 204 }
}

export function archiveChange(account: Account, table: RecordTable, record: CrmRecord): Change {
  return { do: 'archive', type: table.type.name, id: record.id, atMs: account.clock.now() }
}

/** HubSpot docs: merge. The survivor has a new id unless the account keeps the primary's. */
function mergeRecords(account: Account, call: Call, caller: Caller, table: RecordTable): Answer {
  const body = objectOf(parseBody(call.text))
  const primary = table.find(textOf(body['primaryObjectId']) ?? '')
  const other = table.find(textOf(body['objectIdToMerge']) ?? '')
  if (!primary || !other || primary.archivedAtMs !== 0 || other.archivedAtMs !== 0) {
    throw notFound()
  }
  if (primary.id === other.id) throw badRequest('Cannot merge an object into itself.')
  const { state, settings, clock } = account
  const id = settings.mergeKeepsPrimaryId ? primary.id : state.nextId()
  state.commit([
    {
      do: 'merge',
      type: table.type.name,
      id,
      primaryId: primary.id,
      otherId: other.id,
      atMs: clock.now(),
      source: caller.source,
    },
  ])
  const survivor = table.find(String(id))
  if (!survivor) throw notFound()
  return { status: 200, body: renderWritten(account, table, survivor) }
}

/** HubSpot docs: GDPR delete. The record is gone and its e-mail cannot be added again. */
function eraseRecord(account: Account, call: Call, _caller: Caller, table: RecordTable): Answer {
  const body = objectOf(parseBody(call.text))
  const id = textOf(body['objectId']) ?? ''
  const isEmail = body['idProperty'] === 'email'
  const record = isEmail ? table.findBy('email', id) : table.find(id)
  const emails = isEmail ? [id.trim().toLowerCase()] : []
  if (record?.values['email'] !== undefined) emails.push(record.values['email'])
  if (!record && !isEmail) throw notFound()
  account.state.commit([{ do: 'erase', type: table.type.name, id: record?.id ?? 0, emails }])
  return { status: 204 }
}

export function planFor(account: Account, caller: Caller, table: RecordTable): WritePlan {
  return new WritePlan(account.state, table, {
    source: caller.source,
    atMs: account.clock.now(),
  })
}

/** Runs a plan of one row; a row that is refused refuses the call. */
function orRefuse(plan: () => PlannedRow): PlannedRow {
  try {
    return plan()
  } catch (error) {
    if (!(error instanceof RowRefusal)) throw error
    const { context, ...body } = error.body
    throw refuse(error.status, error.status === 409 || !context ? body : { ...body, context })
  }
}

/** Stores the rows, except those that an injected fault loses silently. */
export function commitRows(account: Account, call: Call, rows: readonly PlannedRow[]): void {
  const { fault } = call
  const nth = fault?.kind === 'lose-rows' ? fault.everyNth : Infinity
  const isLost = ({ record, isNew }: PlannedRow, i: number) =>
    (i + 1) % nth === 0 ||
    dropsWrite(fault, { id: String(record.id), isNew, values: record.values })
  const kept = rows.filter((row, i) => !isLost(row, i))
  account.state.commit(kept.flatMap(({ changes }) => changes))
}

/** A record with all that it holds, as create and merge answer. */
export function renderWritten(account: Account, table: RecordTable, record: CrmRecord) {
  const properties = allPropertiesOf(table, record)
  const view = { properties, history: [], associations: [] }
  return renderRecord(contextOf(account), table, record, view)
}
