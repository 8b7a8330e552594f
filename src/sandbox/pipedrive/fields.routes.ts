import { listOf, numberOf, objectOf, textOf } from '#sandbox/json.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { requireScope, vendorNow } from './account.ts'
import type { Account, Caller } from './account.ts'
import { CUSTOM_TYPES, fieldCode } from './custom-fields.ts'
import type { CustomField } from './custom-fields.ts'
import { invalid, notFound } from './errors.ts'
import { KIND_INFO } from './kinds.ts'
import type { Kind, StandardField } from './kinds.ts'
import { listFew, listV1 } from './lists.ts'
import type { Change } from './state.ts'

const FIELD_PATHS: readonly [kind: Kind, path: string][] = [
  ['person', 'personFields'],
  ['organization', 'organizationFields'],
  ['deal', 'dealFields'],
  ['activity', 'activityFields'],
  ['product', 'productFields'],
]

type Act = (account: Account, call: Call, kind: Kind) => Answer

/** Pipedrive docs: API v2, fields. A field's code never changes, its name may, and names repeat. */
export function fieldRoutes(account: Account): Route<Caller>[] {
  const on = (kind: Kind, method: string, path: string, act: Act): Route<Caller> => ({
    method,
    path: `/api/v2/${path}`,
    target: (call, caller) => {
      const scope = KIND_INFO[kind].scope
      if (method === 'GET') requireScope(caller, `${scope}:read`, `${scope}:full`, 'admin')
      else requireScope(caller, `${kind}-fields:full`, 'admin')
      return act(account, call, kind)
    },
  })
  return [
    ...FIELD_PATHS.flatMap(([kind, path]) => [
      on(kind, 'GET', path, listFields),
      on(kind, 'POST', path, addField),
      on(kind, 'GET', `${path}/{code}`, getField),
      on(kind, 'PATCH', `${path}/{code}`, renameField),
      on(kind, 'DELETE', `${path}/{code}`, deleteField),
      on(kind, 'POST', `${path}/{code}/options`, addOptions),
      on(kind, 'PATCH', `${path}/{code}/options`, renameOptions),
      on(kind, 'DELETE', `${path}/{code}/options`, deleteOptions),
    ]),
    { method: 'GET', path: '/v1/leadFields', target: (call) => listLeadFields(account, call) },
  ]
}

function listFields(account: Account, call: Call, kind: Kind): Answer {
  const standard = KIND_INFO[kind].fields.map(renderStandard)
  const custom = [...account.state.fieldsOf(kind).values()].map(renderCustom)
  return listFew(call, [...standard, ...custom])
}

function renderStandard({ code, name, type, needsContactSync }: StandardField): JsonObject {
  return {
    field_name: name,
    field_code: code,
    field_type: type,
    options: null,
    subfields: null,
    is_custom_field: false,
    is_optional_response_field: needsContactSync === true,
  }
}

function renderCustom({ code, name, type, options }: CustomField): JsonObject {
  return {
    field_name: name,
    field_code: code,
    field_type: type,
    options: options?.map((option) => ({ ...option, color: null })) ?? null,
    subfields: null,
    is_custom_field: true,
    is_optional_response_field: false,
  }
}

/** v1: a lead has the custom fields of deals. */
function listLeadFields(account: Account, call: Call): Answer {
  const standard = KIND_INFO.lead.fields.map(({ code, name, type }) => ({ code, name, type }))
  const all = [...standard, ...account.state.fieldsOf('deal').values()]
  const rows = all.map(({ code, name, type }, i) => ({
    id: i + 1,
    key: code,
    name,
    field_type: type,
    order_nr: i + 1,
    add_time: new Date(vendorNow(account)).toISOString(),
    active_flag: true,
  }))
  return listV1(call, rows)
}

/** The custom field of the path. @throws Refusal 404. */
function fieldOf(account: Account, call: Call, kind: Kind): CustomField {
  const field = account.state.fieldsOf(kind).get(call.params['code'] ?? '')
  if (!field) throw notFound()
  return field
}

function getField(account: Account, call: Call, kind: Kind): Answer {
  const standard = KIND_INFO[kind].fields.find(({ code }) => code === call.params['code'])
  if (standard) return shown(renderStandard(standard))
  return shown(renderCustom(fieldOf(account, call, kind)))
}

const shown = (data: JsonObject): Answer => ({ status: 200, body: { success: true, data } })

function addField(account: Account, call: Call, kind: Kind): Answer {
  const field = createField(account, kind, objectOf(parseBody(call.text)))
  return shown(renderCustom(field))
}

/** @throws Refusal 400 for a field that cannot be. */
export function createField(account: Account, kind: Kind, body: JsonObject): CustomField {
  const name = textOf(body['field_name']) ?? ''
  const type = textOf(body['field_type']) ?? ''
  if (name === '') throw invalid('field_name: is required')
  if (!CUSTOM_TYPES.has(type)) throw invalid('field_type: is not a type of custom fields')
  const hasOptions = type === 'enum' || type === 'set'
  const options = hasOptions ? newOptions(account, body['options'] ?? null) : null
  const id = account.state.nextId('field')
  const code = fieldCode(account.settings.companyId, id)
  const field = { id, code, name, type, options, addedAtMs: vendorNow(account) }
  account.state.commit([{ do: 'field', kind, field }])
  return field
}

function newOptions(account: Account, given: Json): { id: number; label: string }[] {
  const labels = listOf(given).flatMap((option) => textOf(objectOf(option)['label']) ?? [])
  if (labels.length === 0) throw invalid('options: at least one is required')
  return labels.map((label) => ({ id: account.state.nextId('option'), label }))
}

function renameField(account: Account, call: Call, kind: Kind): Answer {
  const field = fieldOf(account, call, kind)
  const name = textOf(objectOf(parseBody(call.text))['field_name']) ?? field.name
  const next = { ...field, name }
  account.state.commit([{ do: 'field', kind, field: next }])
  return shown(renderCustom(next))
}

/** The values go with the field. */
function deleteField(account: Account, call: Call, kind: Kind): Answer {
  const field = fieldOf(account, call, kind)
  account.state.commit([
    { do: 'drop-field', kind, code: field.code },
    ...cleared(account, kind, field.code),
  ])
  return shown(renderCustom(field))
}

function cleared(account: Account, kind: Kind, code: string): Change[] {
  const kinds: Kind[] = kind === 'deal' ? ['deal', 'lead'] : [kind]
  return kinds.flatMap((one) =>
    account.state
      .table(one)
      .all()
      .flatMap((row): Change[] => {
        if (!(code in row.custom)) return []
        const { [code]: _gone, ...custom } = row.custom
        return [{ do: 'put', kind: one, row: { ...row, custom } }]
      }),
  )
}

function addOptions(account: Account, call: Call, kind: Kind): Answer {
  const field = fieldOf(account, call, kind)
  const added = newOptions(account, parseBody(call.text))
  return keepOptions(account, kind, field, [...(field.options ?? []), ...added], added)
}

function renameOptions(account: Account, call: Call, kind: Kind): Answer {
  const field = fieldOf(account, call, kind)
  const labels = new Map(
    listOf(parseBody(call.text))
      .map(objectOf)
      .map(({ id, label }) => [numberOf(id), textOf(label)]),
  )
  const options = (field.options ?? []).map((option) => ({
    ...option,
    label: labels.get(option.id) ?? option.label,
  }))
  const changed = options.filter(({ id }) => labels.has(id))
  return keepOptions(account, kind, field, options, changed)
}

function deleteOptions(account: Account, call: Call, kind: Kind): Answer {
  const field = fieldOf(account, call, kind)
  const ids = new Set(
    listOf(parseBody(call.text)).map((option) => numberOf(objectOf(option)['id'])),
  )
  const options = field.options ?? []
  const gone = options.filter(({ id }) => ids.has(id))
  return keepOptions(
    account,
    kind,
    field,
    options.filter(({ id }) => !ids.has(id)),
    gone,
  )
}

function keepOptions(
  account: Account,
  kind: Kind,
  field: CustomField,
  options: { id: number; label: string }[],
  answered: { id: number; label: string }[],
): Answer {
  if (field.options === null) throw invalid('options: the field has none')
  if (answered.length === 0) throw notFound()
  account.state.commit([{ do: 'field', kind, field: { ...field, options } }])
  return { status: 200, body: { success: true, data: answered, additional_data: null } }
}
