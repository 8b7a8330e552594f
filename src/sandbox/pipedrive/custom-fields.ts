import { createHash } from 'node:crypto'

import { isObject, listOf } from '#sandbox/json.ts'
import type { Json } from '#sandbox/json.ts'
import { isDate, isNumber, isText } from './values.ts'

/** A field that somebody added. Its code is a hash that no other company has, and stays when it is renamed. */
export interface CustomField {
  id: number
  code: string
  name: string
  type: string
  /** Of `enum` and `set` only. */
  options: { id: number; label: string }[] | null
  addedAtMs: number
}

/** Pipedrive docs: custom fields, the types that can be created. */
export const CUSTOM_TYPES = new Set([
  'varchar',
  'text',
  'double',
  'phone',
  'date',
  'daterange',
  'time',
  'timerange',
  'set',
  'enum',
  'varchar_auto',
  'address',
  'monetary',
  'org',
  'people',
  'user',
])

/** Types whose values the search finds. Pipedrive docs: itemSearch. */
export const SEARCHABLE_TYPES = new Set([
  'address',
  'varchar',
  'text',
  'varchar_auto',
  'double',
  'monetary',
  'phone',
])

/** Pipedrive docs: varchar holds 255 characters. */
const MAX_VARCHAR = 255

/** The 40-character key of a field: the same company makes the same key in each of its lives. */
export function fieldCode(companyId: number, id: number): string {
  return createHash('sha1').update(`${companyId}/${id}`).digest('hex')
}

/** Why a custom field cannot hold a value; null when it can. Null always clears. */
export function refusalOf(field: CustomField, value: Json): string | null {
  if (value === null) return null
  const isFine = checkOf(field)(value)
  return isFine ? null : `custom_fields.${field.code}: not a value of a field of type ${field.type}`
}

function checkOf(field: CustomField): (value: Json) => boolean {
  const ids = new Set((field.options ?? []).map(({ id }) => id))
  const isOption = (value: Json) => typeof value === 'number' && ids.has(value)
  switch (field.type) {
    case 'varchar':
    case 'varchar_auto':
    case 'phone':
      return (value) => isText(value) && value.length <= MAX_VARCHAR
    case 'text':
      return isText
    case 'double':
      return isNumber
    case 'date':
      return isDate
    case 'enum':
      return isOption
    case 'set':
      return (value) => Array.isArray(value) && listOf(value).every(isOption)
    case 'monetary':
      return (value) => isObject(value) && isNumber(value['value'] ?? null)
    case 'daterange':
    case 'time':
    case 'timerange':
    case 'address':
      return isObject
    default:
      return (value) => Number.isInteger(value)
  }
}
