import { listOf, objectOf, scalarText } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { actorOf, canSee } from './account.ts'
import type { Account, Caller } from './account.ts'
import { invalidV1 } from './errors.ts'
import { KIND_INFO } from './kinds.ts'
import { listV1 } from './lists.ts'
import { renderLead } from './render.ts'
import { requireAccess, rowOf } from './records.routes.ts'
import type { Row } from './state.ts'
import { second } from './tables.ts'
import { parseTime } from './values.ts'
import { commitRow, planCreate, planDelete, planUpdate } from './writes.ts'

const INFO = KIND_INFO.lead

type Act = (account: Account, call: Call, caller: Caller) => Answer

/** Pipedrive docs: API v1, leads. v1 pages by position, gives times with milliseconds and UUIDs as ids. */
export function leadRoutes(account: Account): Route<Caller>[] {
  const on = (method: string, path: string, act: Act): Route<Caller> => ({
    method,
    path: `/v1/${path}`,
    target: (call, caller) => {
      requireAccess(caller, INFO, method)
      return act(account, call, caller)
    },
  })
  return [
    on('GET', 'leads', (...given) => list(...given, false)),
    on('GET', 'leads/archived', (...given) => list(...given, true)),
    on('POST', 'leads', create),
    on('GET', 'leads/{id}', (_account, call, caller) =>
      shown(200, account, rowOf(account, call, caller, 'lead')),
    ),
    on('PATCH', 'leads/{id}', update),
    on('DELETE', 'leads/{id}', remove),
    on('GET', 'leadLabels', () => answer(LABELS)),
    on('GET', 'leadSources', () => answer(SOURCES)),
  ]
}

const answer = (data: JsonObject[]): Answer => ({ status: 200, body: { success: true, data } })

const shown = (status: number, account: Account, row: Row): Answer => ({
  status,
  body: { success: true, data: renderLead(account, row) },
})

function list(account: Account, call: Call, caller: Caller, isArchived: boolean): Answer {
  const since = call.query.get('updated_since')
  const sinceMs = since === null ? Number.NEGATIVE_INFINITY : parseTime(since)
  if (sinceMs === null) throw invalidV1('updated_since: Invalid datetime format')
  const filters = INFO.filters.flatMap((name): [string, string][] => {
    const value = call.query.get(name)
    return value === null ? [] : [[name, value]]
  })
  const rows = account.state
    .table('lead')
    .all()
    .filter(
      (row) =>
        row.deletedAtMs === 0 &&
        (row.values['is_archived'] === true) === isArchived &&
        second(row.updatedAtMs) * 1000 >= sinceMs &&
        filters.every(([name, value]) => scalarText(row.values[name]) === value) &&
        canSee(account, caller, row),
    )
  const sorted = sort(call, rows)
  const page = listV1(
    call,
    sorted.map((row) => ({ id: row.id })),
  )
  const { data, ...rest } = page.body as { data: { id: string }[] }
  const table = account.state.table('lead')
  const full = data.flatMap(({ id }) => table.find(id) ?? []).map((row) => renderLead(account, row))
  return { ...page, body: { ...rest, data: full } }
}

/** `sort=update_time ASC`; by creation unless asked. */
function sort(call: Call, rows: Row[]): Row[] {
  const [field = 'add_time', direction = 'ASC'] = (call.query.get('sort') ?? '').split(' ')
  const sign = direction.toUpperCase() === 'DESC' ? -1 : 1
  const key = field === 'update_time' ? 'updatedAtMs' : 'addedAtMs'
  return [...rows].sort((a, b) => sign * (a[key] - b[key]) || (a.id < b.id ? -sign : sign))
}

function create(account: Account, call: Call, caller: Caller): Answer {
  const { row, changes } = planCreate(account, 'lead', parseBody(call.text), actorOf(caller))
  commitRow(account, call, changes)
  return shown(201, account, row)
}

function update(account: Account, call: Call, caller: Caller): Answer {
  const current = rowOf(account, call, caller, 'lead')
  const body = parseBody(call.text)
  const { row, changes } = planUpdate(account, 'lead', current, body, actorOf(caller))
  commitRow(account, call, changes)
  return shown(200, account, row)
}

function remove(account: Account, call: Call, caller: Caller): Answer {
  const row = rowOf(account, call, caller, 'lead')
  commitRow(account, call, planDelete(account, 'lead', row, actorOf(caller)))
  return { status: 200, body: { success: true, data: { id: row.id } } }
}

/** Pipedrive docs: lead labels, the three that every company starts with. */
const LABELS: JsonObject[] = listOf([
  { name: 'Hot', color: 'red', id: 'f08b42a0-4e75-11ea-9643-03698ef1cfd6' },
  { name: 'Warm', color: 'yellow', id: 'f08b42a1-4e75-11ea-9643-03698ef1cfd6' },
  { name: 'Cold', color: 'blue', id: 'f08b69b0-4e75-11ea-9643-03698ef1cfd6' },
]).map((label) => ({
  ...objectOf(label),
  add_time: '2026-01-01T00:00:00.000Z',
  update_time: '2026-01-01T00:00:00.000Z',
}))

/** Pipedrive docs: lead sources, a fixed list. */
const SOURCES: JsonObject[] = [
  'Manually created',
  'Deal',
  'Web forms',
  'Prospector',
  'Leadbooster',
  'Live chat',
  'Import',
  'Website visitors',
  'Workflow automation',
  'API',
].map((name) => ({ name }))
