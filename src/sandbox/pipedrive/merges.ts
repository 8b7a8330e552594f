import { listOf, numberOf, objectOf, textOf } from '#sandbox/json.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { actorOf, vendorNow } from './account.ts'
import type { Account, Caller } from './account.ts'
import { invalidV1, notFound } from './errors.ts'
import { KIND_INFO, KINDS } from './kinds.ts'
import type { Kind } from './kinds.ts'
import { renderPersonV1 } from './render.ts'
import { requireAccess, rowOf } from './records.routes.ts'
import type { Actor, Change, Row } from './state.ts'
import { timeV1 } from './values.ts'

type Mergeable = 'person' | 'organization' | 'deal'

/** Pipedrive docs: API v1, merge two persons, organizations or deals. The survivor is `merge_with_id`. */
export function mergeRoutes(account: Account): Route<Caller>[] {
  return (['person', 'organization', 'deal'] as const).map((kind) => ({
    method: 'PUT',
    path: `/v1/${KIND_INFO[kind].path}/{id}/merge`,
    target: (call, caller) => {
      requireAccess(caller, KIND_INFO[kind], 'PUT')
      return merge(account, call, caller, kind)
    },
  }))
}

function merge(account: Account, call: Call, caller: Caller, kind: Mergeable): Answer {
  const absorbed = rowOf(account, call, caller, kind)
  const withId = numberOf(objectOf(parseBody(call.text))['merge_with_id'])
  const survivor = account.state.table(kind).find(String(withId ?? ''))
  if (!survivor || survivor.deletedAtMs !== 0 || absorbed.deletedAtMs !== 0) throw notFound()
  if (survivor.id === absorbed.id) throw invalidV1('A record cannot be merged with itself.')
  const merged = mergeRows(account, kind, survivor, absorbed, actorOf(caller))
  return {
    status: 200,
    body: { success: true, data: renderMerged(account, kind, merged, absorbed) },
  }
}

/** Carries a merge out: blanks of the survivor are filled, lists joined, references moved over. */
export function mergeRows(
  account: Account,
  kind: Mergeable,
  survivor: Row,
  absorbed: Row,
  by: Actor,
): Row {
  const nowMs = vendorNow(account)
  const values = filled(survivor.values, absorbed.values)
  const custom = filled(survivor.custom, absorbed.custom)
  const before = { ...survivor.values, ...survivor.custom }
  const after = { ...values, ...custom }
  const log = Object.keys(after).flatMap((field) => {
    const [old = null, now = null] = [before[field], after[field]]
    const isSame = JSON.stringify(old) === JSON.stringify(now)
    return isSame ? [] : [{ field, before: old, after: now, atMs: nowMs, by }]
  })
  const row = {
    ...survivor,
    values,
    custom,
    mergedFrom: absorbed.id,
    updatedAtMs: nowMs,
    log: [...survivor.log, ...log],
  }
  const gone = { ...absorbed, deletedAtMs: nowMs, updatedAtMs: nowMs, mergedInto: survivor.id }
  const previous = Object.fromEntries(log.map((entry) => [entry.field, entry.before]))
  const pair = { mergedInto: survivor.id, mergedFrom: absorbed.id }
  account.state.commit([
    {
      do: 'put',
      kind,
      row: gone,
      event: { action: 'delete', previous: absorbed.values, by, ...pair },
    },
    { do: 'put', kind, row, event: { action: 'change', previous, by, ...pair } },
    ...moved(account, kind, absorbed.id, survivor.id, nowMs),
  ])
  return row
}

function filled(kept: JsonObject, given: JsonObject): JsonObject {
  const names = new Set([...Object.keys(kept), ...Object.keys(given)])
  return Object.fromEntries([...names].map((name) => [name, join(kept[name], given[name])]))
}

/** Lists of addresses are joined; of anything else the survivor's value stays when it has one. */
function join(kept: Json | undefined, given: Json | undefined): Json {
  if (!Array.isArray(kept)) return kept ?? given ?? null
  const keyOf = (entry: Json) => textOf(objectOf(entry)['value']) ?? JSON.stringify(entry)
  const known = new Set(kept.map(keyOf))
  const added = listOf(given).filter((entry) => !known.has(keyOf(entry)))
  const secondary = (entry: Json) =>
    kept.length > 0 && 'primary' in objectOf(entry) ? { ...objectOf(entry), primary: false } : entry
  return [...kept, ...added.map(secondary)]
}

/** What named the absorbed record names the survivor. */
function moved(
  account: Account,
  kind: Kind,
  fromId: string,
  toId: string,
  nowMs: number,
): Change[] {
  const names = {
    person: ['person_id'],
    organization: ['org_id', 'organization_id'],
    deal: ['deal_id'],
  }
  const fields = names[kind as Mergeable]
  const rows = KINDS.flatMap((other) =>
    account.state
      .table(other)
      .all()
      .flatMap((row): Change[] => {
        const field = fields.find((name) => row.values[name] === Number(fromId))
        if (field === undefined || row.deletedAtMs !== 0) return []
        const values = { ...row.values, [field]: Number(toId) }
        return [{ do: 'put', kind: other, row: { ...row, values, updatedAtMs: nowMs } }]
      }),
  )
  const participants = [...account.state.participants.values()].flatMap((one): Change[] => {
    if (kind === 'person' && one.personId === fromId) {
      return [{ do: 'participant', participant: { ...one, personId: toId } }]
    }
    if (kind === 'deal' && one.dealId === fromId) {
      return [{ do: 'participant', participant: { ...one, dealId: toId } }]
    }
    return []
  })
  return [...rows, ...participants]
}

function renderMerged(account: Account, kind: Mergeable, row: Row, absorbed: Row): JsonObject {
  const merge_what_id = Number(absorbed.id)
  const { values } = row
  if (kind === 'organization') return { id: Number(row.id) }
  if (kind === 'person') {
    const { owner_id: owner, org_id: org } = values
    const references = { owner_id: owner ?? null, org_id: org ?? null }
    return { ...renderPersonV1(account, row), ...references, merge_what_id }
  }
  const { title, value, currency, status, stage_id, pipeline_id, person_id, org_id, owner_id } =
    values
  return {
    id: Number(row.id),
    title: title ?? null,
    value: value ?? 0,
    currency: currency ?? null,
    status: status ?? null,
    stage_id: stage_id ?? null,
    pipeline_id: pipeline_id ?? null,
    person_id: person_id ?? null,
    org_id: org_id ?? null,
    user_id: owner_id ?? null,
    active: row.deletedAtMs === 0,
    deleted: row.deletedAtMs !== 0,
    add_time: timeV1(row.addedAtMs),
    update_time: timeV1(row.updatedAtMs),
    merge_what_id,
  }
}
