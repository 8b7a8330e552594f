import type { PushChange, VendorProperties } from '#sync/connector.ts'
import type { VendorValue } from '#sync/entity.ts'
import type { Channel, PipedriveField, PipedriveRecord } from './answers.ts'
import { withPrimary } from './channels.ts'
import { LEAD_ID_KEY } from './fields.ts'
import type { HubFields } from './hub-fields.ts'

/** The codes of custom fields. */
export const CODE = /^[0-9a-f]{40}$/
/** Properties that stand for the first entry of a list. */
const LISTS = { email: 'emails', phone: 'phones' } as const

/**
 * The body of a write: names as the vendor has them, custom fields in a member of their own.
 * @param held  the record as it is, where a part of something whole is to change.
 * @param isPerson  persons carry our id, and have one name made of two.
 */
export async function bodyOf(
  change: PushChange,
  held: PipedriveRecord | null,
  fields: HubFields,
  isPerson: boolean,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const isNew = change.externalId === null
  const codes = await fields.codes(signal)
  const properties: VendorProperties = { ...change.properties }
  if (isPerson) properties[LEAD_ID_KEY] = change.record.localId
  const name = isPerson ? nameFor(change, held) : null
  if (name !== null) properties['name'] = name
  delete properties['first_name']
  delete properties['last_name']
  const body: Record<string, unknown> = {}
  const custom: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(properties)) {
    if (isNew && value === null) continue
    const code = codes.get(name) ?? (CODE.test(name) ? name : null)
    if (name === 'email' || name === 'phone') {
      const list: readonly Channel[] | null | undefined = held?.[LISTS[name]]
      body[LISTS[name]] = withPrimary(list, typeof value === 'string' ? value : null)
    } else if (code === null) body[name] = value
    else custom[code] = codes.has(name) ? value : await mapped(fields, code, value, signal)
  }
  return Object.keys(custom).length > 0 ? { ...body, custom_fields: custom } : body
}

/** A value for a field that the workspace mapped, in the form of the field's type. */
async function mapped(
  fields: HubFields,
  code: string,
  value: VendorValue,
  signal: AbortSignal,
): Promise<unknown> {
  const field = (await fields.all(signal)).find((one) => one.field_code === code)
  return field ? inForm(field, value) : value
}

/** Options are named by their ids; who maps labels is understood too. */
function inForm(field: PipedriveField, value: VendorValue): unknown {
  if (value === null || value === '') return null
  const option = (wanted: unknown): unknown => {
    const text = String(wanted)
    const found = (field.options ?? []).find(
      ({ id, label }) => String(id) === text || label?.toLowerCase() === text.toLowerCase(),
    )
    return found?.id ?? wanted
  }
  switch (field.field_type) {
    case 'enum':
      return option(value)
    case 'set':
      return (Array.isArray(value) ? value : [value]).map(option)
    case 'double':
    case 'user':
    case 'org':
    case 'people':
      return Number(value)
    case 'monetary':
      return { value: Number(value) }
    case 'address':
    case 'daterange':
    case 'timerange':
    case 'time':
      return { value }
    default:
      return typeof value === 'string' ? value : String(value)
  }
}

/** Whether a change is one of a part: of a list, or of one of the two names. */
export function needsWhole({ properties }: PushChange): boolean {
  const hasList = properties['email'] !== undefined || properties['phone'] !== undefined
  const hasFirst = properties['first_name'] !== undefined
  return hasList || hasFirst !== (properties['last_name'] !== undefined)
}

/**
 * The one name that Pipedrive takes. It must not be empty: who has none is called by the e-mail address. Null: the name is
 * not to change.
 */
function nameFor(
  { externalId, properties, record }: PushChange,
  held: PipedriveRecord | null,
): string | null {
  const { first_name: first, last_name: last, email } = properties
  if (externalId !== null && first === undefined && last === undefined) return null
  const heldName = (part: 'first_name' | 'last_name') => {
    const isAddress = (held?.emails ?? []).some(({ value }) => value === held?.['name'])
    return isAddress ? null : held?.[part]
  }
  const parts = [
    first === undefined ? heldName('first_name') : first,
    last === undefined ? heldName('last_name') : last,
  ]
  const name = parts.filter((part) => typeof part === 'string' && part !== '').join(' ')
  const address = email ?? held?.emails?.[0]?.value
  return name || (typeof address === 'string' && address !== '' ? address : record.localId)
}
