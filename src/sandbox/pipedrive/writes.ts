import { randomUUID } from 'node:crypto'

import { dropsWrite } from '#sandbox/faults.ts'
import { isObject, listOf, objectOf, scalarText } from '#sandbox/json.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import type { Call } from '#sandbox/kernel.ts'
import { vendorNow } from './account.ts'
import type { Account } from './account.ts'
import { refusalOf } from './custom-fields.ts'
import { dealDefaults, dealEffects, refuseDeal } from './deals.ts'
import { invalid, invalidV1, notFound } from './errors.ts'
import { KIND_INFO } from './kinds.ts'
import type { Check, Kind, KindInfo, StandardField } from './kinds.ts'
import type { Actor, Change, LogEntry, Row } from './state.ts'
import { isChannels, isClock, isDate, isId, isNumber, isText, isTime } from './values.ts'

/** What a body holds, taken apart and checked. */
interface Checked {
  values: JsonObject
  custom: JsonObject
}

/** What a create or an update comes to: the record after it, and the changes that make it so. */
export interface Planned {
  row: Row
  changes: Change[]
}

/** @throws Refusal 400 for a body that is not fit for a new record. */
export function planCreate(account: Account, kind: Kind, body: Json, by: Actor): Planned {
  const info = KIND_INFO[kind]
  const { values, custom } = checkBody(account, info, body)
  const missing = info.fields.find(
    ({ code, isRequired }) => isRequired && (values[code] ?? '') === '',
  )
  if (missing) throw refusalFor(kind)(`${missing.code}: is required`)
  const nowMs = vendorNow(account)
  const initial = Object.fromEntries(info.fields.map(({ code, initial: value }) => [code, value]))
  const complete = derive(account, kind, { ...initial, ...withOwner(kind, by), ...values }, nowMs)
  if (kind === 'deal') refuseDeal(account, complete, null)
  const row: Row = {
    id: kind === 'lead' ? randomUUID() : String(account.state.nextId(kind)),
    addedAtMs: nowMs,
    updatedAtMs: nowMs,
    deletedAtMs: 0,
    mergedInto: null,
    mergedFrom: null,
    values: complete,
    custom: withoutNulls(custom),
    followers: [],
    log: [],
  }
  const put: Change = { do: 'put', kind, row, event: created(by) }
  return { row, changes: [put, ...joinDeal(account, kind, row)] }
}

const created = (by: Actor) => ({ action: 'create', previous: null, by }) as const

/** @throws Refusal 404 for a record that is not there or deleted, 400 for a body that does not fit. */
export function planUpdate(
  account: Account,
  kind: Kind,
  current: Row | null,
  body: Json,
  by: Actor,
): Planned {
  if (!current || current.deletedAtMs !== 0) throw notFound()
  const { values, custom } = checkBody(account, KIND_INFO[kind], body)
  const nowMs = vendorNow(account)
  const proposed = { ...current.values, ...values }
  const next = derive(account, kind, proposed, nowMs, current.values)
  if (kind === 'deal') refuseDeal(account, next, current.values)
  const nextCustom = withoutNulls({ ...current.custom, ...custom })
  const log = [
    ...differences(current.values, next, nowMs, by),
    ...differences(current.custom, nextCustom, nowMs, by),
  ]
  const row = {
    ...current,
    values: next,
    custom: nextCustom,
    updatedAtMs: nowMs,
    log: [...current.log, ...log],
  }
  if (log.length === 0) return { row, changes: [{ do: 'put', kind, row }] }
  const previous = Object.fromEntries(log.map(({ field, before }) => [field, before]))
  const event = { action: 'change', previous, by } as const
  return { row, changes: [{ do: 'put', kind, row, event }, ...joinDeal(account, kind, row)] }
}

/** The main person of a deal is one of its participants. */
function joinDeal({ state, ...account }: Account, kind: Kind, row: Row): Change[] {
  const personId = scalarText(row.values['person_id'])
  if (kind !== 'deal' || personId === '') return []
  if (state.participantsOf(row.id).some((one) => one.personId === personId)) return []
  const id = state.nextId('participant')
  const addedAtMs = vendorNow(account)
  return [{ do: 'participant', participant: { id, dealId: row.id, personId, addedAtMs } }]
}

/** Soft: the record stays readable by its id for 30 days. Pipedrive docs: delete a deal. */
export function planDelete(account: Account, kind: Kind, current: Row, by: Actor): Change[] {
  const nowMs = vendorNow(account)
  const row = { ...current, deletedAtMs: nowMs, updatedAtMs: nowMs }
  const previous = { ...current.values }
  return [{ do: 'put', kind, row, event: { action: 'delete', previous, by } }]
}

/** Commits the changes of one record, unless an injected fault loses them silently. */
export function commitRow(account: Account, call: Call, changes: readonly Change[]): void {
  if (call.fault?.kind === 'lose-rows') {
    account.lostWriteCount += 1
    if (account.lostWriteCount % call.fault.everyNth === 0) return
  }
  const [first] = changes
  if (first?.do === 'put' && first.event?.action !== 'delete') {
    const isNew = first.event?.action === 'create'
    const { id, values, custom } = first.row
    if (dropsWrite(call.fault, { id, isNew, values: { ...custom, ...values } })) return
  }
  account.state.commit(changes)
}

function withOwner(kind: Kind, by: Actor): JsonObject {
  const creator = kind === 'lead' ? 'creator_id' : 'creator_user_id'
  const hasCreator = kind === 'lead' || kind === 'activity'
  return { owner_id: by.userId, ...(hasCreator ? { [creator]: by.userId } : {}) }
}

/** v1 and v2 refuse in different words. */
const refusalFor = (kind: Kind) => (kind === 'lead' ? invalidV1 : invalid)

function checkBody(account: Account, info: KindInfo, body: Json): Checked {
  const refuse = refusalFor(info.kind)
  if (!isObject(body)) throw refuse('body: must be an object')
  const standard = new Map(info.fields.map((entry) => [entry.code, entry]))
  const customFields = account.state.fieldsOf(info.fieldsOf)
  const values: JsonObject = {}
  const custom: JsonObject = {}
  // v2 has custom fields in a member of their own, v1 between the others.
  const given: [string, Json][] = Object.entries(objectOf(body['custom_fields']))
  for (const [name, value] of Object.entries(body)) {
    if (name === 'custom_fields' && info.kind !== 'lead') continue
    const entry = standard.get(name)
    if (!entry && info.kind === 'lead' && customFields.has(name)) given.push([name, value])
    else if (!entry || entry.isReadOnly) {
      if (name !== 'add_time') throw refuse(`${name}: is not allowed`)
    } else if (isUsable(account, entry)) values[name] = checkValue(account, info.kind, entry, value)
  }
  for (const [code, value] of given) {
    const definition = customFields.get(code)
    if (!definition) throw refuse(`custom_fields.${code}: there is no such field`)
    const why = refusalOf(definition, value)
    if (why !== null) throw refuse(why)
    custom[code] = value
  }
  return { values, custom }
}

/** Fields of contact sync are taken and forgotten in a company without it. */
function isUsable(account: Account, field: StandardField): boolean {
  return !field.needsContactSync || account.settings.hasContactSync
}

function checkValue(account: Account, kind: Kind, field: StandardField, value: Json): Json {
  const refuse = refusalFor(kind)
  if (value === null) {
    if (field.isRequired) throw refuse(`${field.code}: must not be empty`)
    return field.initial
  }
  if (!CHECKS[field.check](value, account)) throw refuse(`${field.code}: is not valid`)
  return field.check === 'channels' ? listOf(value).map(channel) : value
}

/** An e-mail address or phone with all its members. */
function channel(entry: Json, i: number): Json {
  const { value, primary, label } = objectOf(entry)
  return { value: value ?? '', primary: primary ?? i === 0, label: label ?? 'work' }
}

const named =
  (kind: Kind) =>
  (value: Json, { state }: Account): boolean => {
    const row = state.table(kind).find(scalarText(value))
    return (kind === 'lead' ? isText(value) : isId(value)) && row?.deletedAtMs === 0
  }

const CHECKS: Readonly<Record<Check, (value: Json, account: Account) => boolean>> = {
  text: isText,
  integer: (value) => Number.isInteger(value),
  number: isNumber,
  boolean: (value) => typeof value === 'boolean',
  date: isDate,
  clock: isClock,
  time: isTime,
  channels: isChannels,
  address: isObject,
  labels: (value) => Array.isArray(value) && value.every((label) => Number.isInteger(label)),
  list: (value) => Array.isArray(value),
  user: (value, { state }) => state.users.get(Number(value))?.isDeleted === false,
  person: named('person'),
  organization: named('organization'),
  deal: named('deal'),
  lead: named('lead'),
  pipeline: (value, { state }) => state.pipelines.get(Number(value))?.isDeleted === false,
  stage: (value, { state }) => state.stages.get(Number(value))?.isDeleted === false,
  status: (value) => ['open', 'won', 'lost'].includes(scalarText(value)),
  money: (value) =>
    isObject(value) && isNumber(value['amount'] ?? null) && isText(value['currency'] ?? null),
  uuids: (value) => Array.isArray(value) && value.every(isText),
}

/** What the vendor fills in by itself. */
function derive(
  account: Account,
  kind: Kind,
  values: JsonObject,
  nowMs: number,
  before: JsonObject | null = null,
): JsonObject {
  switch (kind) {
    case 'person': {
      const [first = '', ...rest] = scalarText(values['name']).split(' ')
      return { ...values, first_name: first, last_name: rest.join(' ') || null }
    }
    case 'deal':
      return dealEffects(dealDefaults(account, values, before), before, nowMs)
    case 'activity': {
      const primary = listOf(values['participants']).map(objectOf)
      const person = primary.find((one) => one['primary'] === true) ?? primary[0]
      const isDone = values['done'] === true
      const doneAt = values['marked_as_done_time'] ?? new Date(nowMs).toISOString()
      return {
        ...values,
        person_id: person?.['person_id'] ?? null,
        marked_as_done_time: isDone ? doneAt : null,
      }
    }
    case 'lead': {
      const isLinked = values['person_id'] !== null || values['organization_id'] !== null
      if (!isLinked) throw invalidV1('A lead must be linked to a person or an organization.')
      return values
    }
    case 'organization':
    case 'product':
      return values
  }
}

function differences(before: JsonObject, after: JsonObject, atMs: number, by: Actor): LogEntry[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].flatMap((field) => {
    const [old, now] = [before[field] ?? null, after[field] ?? null]
    const isSame = old === now || JSON.stringify(old) === JSON.stringify(now)
    return isSame ? [] : [{ field, before: old, after: now, atMs, by }]
  })
}

function withoutNulls(values: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null))
}
