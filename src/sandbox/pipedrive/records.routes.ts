import { numberOf, objectOf, scalarText } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { actorOf, canSee, listParameter, requireScope, vendorNow } from './account.ts'
import type { Account, Caller } from './account.ts'
import { invalid, notFound } from './errors.ts'
import { KIND_INFO } from './kinds.ts'
import type { Kind, KindInfo } from './kinds.ts'
import { listFew, listRows, viewOf } from './lists.ts'
import { isReadable, renderV2 } from './render.ts'
import type { Row } from './state.ts'
import { timeV2 } from './values.ts'
import { commitRow, planCreate, planDelete, planUpdate } from './writes.ts'

type Act = (account: Account, call: Call, caller: Caller, info: KindInfo) => Answer

const V2_KINDS: readonly Kind[] = ['person', 'organization', 'deal', 'activity', 'product']

/** One record at a time. Pipedrive docs: API v2, persons, organizations, deals, activities, products. */
export function recordRoutes(account: Account): Route<Caller>[] {
  const on = (info: KindInfo, method: string, rest: string, act: Act): Route<Caller> => ({
    method,
    path: `/api/v2/${info.path}${rest}`,
    target: (call, caller) => {
      requireAccess(caller, info, method)
      return act(account, call, caller, info)
    },
  })
  return V2_KINDS.flatMap((kind) => {
    const info = KIND_INFO[kind]
    return [
      on(info, 'GET', '', list),
      on(info, 'POST', '', create),
      on(info, 'GET', '/{id}', get),
      on(info, 'PATCH', '/{id}', update),
      on(info, 'DELETE', '/{id}', remove),
      ...(kind === 'activity' ? [] : followerRoutes(info, on)),
      ...(kind === 'deal' ? [on(info, 'GET', '/archived', listArchived)] : []),
    ]
  })
}

export function requireAccess(caller: Caller, info: KindInfo, method: string): void {
  if (method === 'GET') requireScope(caller, `${info.scope}:read`, `${info.scope}:full`)
  else requireScope(caller, `${info.scope}:full`)
}

/** The record that the path names. @throws Refusal 404 when it is not there or not to be seen. */
export function rowOf(account: Account, call: Call, caller: Caller, kind: Kind): Row {
  const row = account.state.table(kind).find(call.params['id'] ?? '')
  if (!row || !isReadable(account, row) || !canSee(account, caller, row)) throw notFound()
  return row
}

/** Deleted deals only when asked for; deleted records of other kinds never. */
function list(account: Account, call: Call, caller: Caller, info: KindInfo): Answer {
  if (info.kind !== 'deal') {
    return listRows(account, call, caller, info, (row) => row.deletedAtMs === 0)
  }
  return listRows(account, call, caller, info, dealFilter(account, call, false))
}

function listArchived(account: Account, call: Call, caller: Caller, info: KindInfo): Answer {
  return listRows(account, call, caller, info, dealFilter(account, call, true))
}

function dealFilter(account: Account, call: Call, isArchived: boolean): (row: Row) => boolean {
  const given = listParameter(call, 'status')
  const wrong = given.find((status) => !['open', 'won', 'lost', 'deleted'].includes(status))
  if (wrong !== undefined) throw invalid('status: must be one of open, won, lost, deleted')
  const wanted = new Set(given.length > 0 ? given : ['open', 'won', 'lost'])
  return (row) => {
    if ((row.values['is_archived'] === true) !== isArchived) return false
    if (row.deletedAtMs !== 0) return wanted.has('deleted') && isReadable(account, row)
    return wanted.has(scalarText(row.values['status']))
  }
}

function get(account: Account, call: Call, caller: Caller, info: KindInfo): Answer {
  return shown(account, info, rowOf(account, call, caller, info.kind), call)
}

function create(account: Account, call: Call, caller: Caller, info: KindInfo): Answer {
  const { row, changes } = planCreate(account, info.kind, parseBody(call.text), actorOf(caller))
  commitRow(account, call, changes)
  return shown(account, info, row, call)
}

function update(account: Account, call: Call, caller: Caller, info: KindInfo): Answer {
  const current = rowOf(account, call, caller, info.kind)
  const body = parseBody(call.text)
  const { row, changes } = planUpdate(account, info.kind, current, body, actorOf(caller))
  commitRow(account, call, changes)
  return shown(account, info, row, call)
}

function remove(account: Account, call: Call, caller: Caller, info: KindInfo): Answer {
  const row = rowOf(account, call, caller, info.kind)
  if (row.deletedAtMs !== 0) throw notFound()
  commitRow(account, call, planDelete(account, info.kind, row, actorOf(caller)))
  return { status: 200, body: { success: true, data: { id: Number(row.id) } } }
}

function shown(account: Account, info: KindInfo, row: Row, call: Call): Answer {
  const view = viewOf(call)
  return { status: 200, body: { success: true, data: renderV2(account, info.kind, row, view) } }
}

function followerRoutes(
  info: KindInfo,
  on: (info: KindInfo, method: string, rest: string, act: Act) => Route<Caller>,
): Route<Caller>[] {
  return [
    on(info, 'GET', '/{id}/followers', listFollowers),
    on(info, 'POST', '/{id}/followers', addFollower),
    on(info, 'DELETE', '/{id}/followers/{follower}', removeFollower),
  ]
}

function listFollowers(account: Account, call: Call, caller: Caller, info: KindInfo): Answer {
  return listFew(call, rowOf(account, call, caller, info.kind).followers.map(renderFollower))
}

function renderFollower({ userId, addedAtMs }: Row['followers'][number]): JsonObject {
  return { user_id: userId, add_time: timeV2(addedAtMs) }
}

function addFollower(account: Account, call: Call, caller: Caller, info: KindInfo): Answer {
  const row = rowOf(account, call, caller, info.kind)
  const userId = numberOf(objectOf(parseBody(call.text))['user_id'])
  if (userId === undefined || !account.state.users.has(userId)) throw invalid('user_id: not a user')
  const follower = { userId, addedAtMs: vendorNow(account) }
  const others = row.followers.filter((known) => known.userId !== userId)
  const next = { ...row, followers: [...others, follower] }
  account.state.commit([{ do: 'put', kind: info.kind, row: next }])
  return { status: 201, body: { success: true, data: renderFollower(follower) } }
}

function removeFollower(account: Account, call: Call, caller: Caller, info: KindInfo): Answer {
  const row = rowOf(account, call, caller, info.kind)
  const userId = Number(call.params['follower'])
  const followers = row.followers.filter((known) => known.userId !== userId)
  if (followers.length === row.followers.length) throw notFound()
  account.state.commit([{ do: 'put', kind: info.kind, row: { ...row, followers } }])
  return { status: 200, body: { success: true, data: { user_id: userId } } }
}
