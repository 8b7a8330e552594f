import { listOf, objectOf, scalarText, textOf } from '#sandbox/json.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import { vendorNow } from './account.ts'
import type { Account, Caller } from './account.ts'
import { KIND_INFO } from './kinds.ts'
import type { Kind } from './kinds.ts'
import type { Row, User } from './state.ts'
import { timeV1, timeV2 } from './values.ts'

/** Pipedrive docs: a deleted record can be read and restored for 30 days. */
const KEPT_MS = 30 * 86_400_000

/** What a caller asked to see of a v2 record. */
export interface View {
  /** Hashes of custom fields; all of them when empty. */
  customFields: readonly string[]
  /** Options of `enum` and `set` fields with their labels. */
  hasOptionLabels: boolean
  /** Counts of what belongs to the record, of which participants and followers are kept here. */
  counts: readonly string[]
}

const WHOLE: View = { customFields: [], hasOptionLabels: false, counts: [] }

/** Whether a record is there at all for a call by id. */
export function isReadable(account: Account, row: Row): boolean {
  if (row.mergedInto !== null) return false
  return row.deletedAtMs === 0 || row.deletedAtMs > vendorNow(account) - KEPT_MS
}

/** A record as v2 and webhooks v2 show it. */
export function renderV2(account: Account, kind: Kind, row: Row, view: View = WHOLE): JsonObject {
  const { fields, fieldsOf } = KIND_INFO[kind]
  const isDeleted = row.deletedAtMs !== 0
  const standard: JsonObject = {}
  for (const { code, needsContactSync } of fields) {
    if (needsContactSync && !account.settings.hasContactSync) continue
    if (code === 'marketing_status') continue
    standard[code] = row.values[code] ?? null
  }
  if (kind === 'deal' && isDeleted) standard['status'] = 'deleted'
  return {
    id: Number(row.id),
    ...standard,
    add_time: timeV2(row.addedAtMs),
    update_time: timeV2(row.updatedAtMs),
    is_deleted: isDeleted,
    ...Object.fromEntries(view.counts.map((name) => [name, countOf(account, row, name)])),
    custom_fields: customFields(account, fieldsOf, row, view),
  }
}

function countOf({ state }: Account, row: Row, name: string): number {
  if (name === 'followers_count') return row.followers.length
  return name === 'participants_count' ? state.participantsOf(row.id).length : 0
}

function customFields(account: Account, kind: Kind, row: Row, view: View): JsonObject {
  const shown: JsonObject = {}
  for (const [code, field] of account.state.fieldsOf(kind)) {
    if (view.customFields.length > 0 && !view.customFields.includes(code)) continue
    const value = row.custom[code] ?? null
    const options = new Map((field.options ?? []).map(({ id, label }) => [id, label]))
    const labelled = (id: Json) => ({ id, label: options.get(Number(id)) ?? null })
    if (!view.hasOptionLabels || field.options === null || value === null) shown[code] = value
    else shown[code] = Array.isArray(value) ? value.map(labelled) : labelled(value)
  }
  return shown
}

/** A lead as v1 shows it: times with milliseconds, custom fields between the others. */
export function renderLead(account: Account, row: Row): JsonObject {
  const holding = [...account.state.fieldsOf('deal').keys()].filter((code) => code in row.custom)
  return {
    id: row.id,
    ...row.values,
    ...Object.fromEntries(holding.map((code) => [code, row.custom[code] ?? null])),
    add_time: new Date(row.addedAtMs).toISOString(),
    update_time: new Date(row.updatedAtMs).toISOString(),
    cc_email: `${account.settings.companyDomain}+${account.settings.companyId}+lead${row.id}@pipedrivemail.example`,
  }
}

/** A person as v1 nests it. */
export function renderPersonV1(account: Account, row: Row): JsonObject {
  const { values } = row
  const owner = account.state.users.get(Number(values['owner_id']))
  return {
    id: Number(row.id),
    company_id: account.settings.companyId,
    active_flag: row.deletedAtMs === 0,
    name: textOf(values['name']) ?? '',
    first_name: textOf(values['first_name']) ?? '',
    last_name: values['last_name'] ?? null,
    email: listOf(values['emails']),
    phone: listOf(values['phones']),
    visible_to: scalarText(values['visible_to']),
    label_ids: listOf(values['label_ids']),
    owner_name: owner?.name ?? '',
    add_time: timeV1(row.addedAtMs),
    update_time: timeV1(row.updatedAtMs),
  }
}

/** A user as v1 shows it. */
export function renderUser(account: Account, user: User, caller: Caller): JsonObject {
  return {
    id: user.id,
    name: user.name,
    default_currency: account.settings.currency,
    locale: 'en_US',
    lang: 1,
    email: user.email,
    phone: null,
    activated: true,
    last_login: timeV1(user.updatedAtMs),
    created: timeV1(user.addedAtMs),
    modified: timeV1(user.updatedAtMs),
    has_created_company: user.id === 1,
    access: [{ app: 'sales', admin: user.isAdmin, permission_set_id: `set-${user.id}` }],
    active_flag: user.isActive,
    timezone_name: account.settings.timeZone,
    timezone_offset: '+00:00',
    role_id: 1,
    icon_url: null,
    is_you: user.id === caller.userId,
    is_deleted: user.isDeleted,
  }
}

/** A reference with the name of what it names, as search results have it; null without one. */
export function named(account: Account, kind: Kind, id: Json | undefined): Json {
  const row = account.state.table(kind).find(scalarText(id))
  if (!row) return null
  const name = row.values[KIND_INFO[kind].titleField] ?? null
  if (kind !== 'organization') return { id: Number(row.id), name }
  return { id: Number(row.id), name, address: objectOf(row.values['address'])['value'] ?? null }
}
