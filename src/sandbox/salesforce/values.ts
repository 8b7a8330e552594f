import type { Json } from '#sandbox/json.ts'
import { RowRefusal, badJson } from './errors.ts'
import type { Field, Value } from './fields.ts'
import { isId, to18 } from './ids.ts'
import type { OrgState } from './state.ts'
import { readDate, readTime } from './times.ts'

/** Salesforce docs: e-mail fields. What the platform takes is looser than RFC 5321. */
const EMAIL = /^[^\s@]{1,64}@[^\s@.]+(?:\.[^\s@.]+)+$/

/**
 * The value as the field keeps it; empty text is null.
 *
 * @throws RowRefusal with the platform's code for what the field does not take.
 * @throws Refusal 400 JSON_PARSER_ERROR for a value of another JSON type, which fails the whole call.
 */
export function acceptValue(state: OrgState, field: Field, sent: Json): Value {
  if (sent === null || sent === '') return field.type === 'boolean' ? false : null
  switch (field.type) {
    case 'boolean':
      if (typeof sent === 'boolean') return sent
      if (sent === 'true' || sent === 'false') return sent === 'true'
      throw wrongType(field, 'boolean', sent)
    case 'int':
    case 'double':
    case 'currency':
    case 'percent': {
      const number = typeof sent === 'string' && sent.trim() !== '' ? Number(sent) : sent
      if (typeof number !== 'number' || !Number.isFinite(number)) {
        throw wrongType(field, 'double', sent)
      }
      return field.type === 'int' ? Math.round(number) : number
    }
    case 'datetime': {
      const ms = typeof sent === 'string' ? readTime(sent) : null
      if (ms === null) throw wrongType(field, 'dateTime', sent)
      return Math.floor(ms / 1000) * 1000
    }
    case 'date': {
      const date = typeof sent === 'string' ? readDate(sent.slice(0, 10)) : null
      if (
        date === null ||
        (typeof sent === 'string' && sent.length > 10 && readTime(sent) === null)
      ) {
        throw wrongType(field, 'date', sent)
      }
      return date
    }
    case 'id':
    case 'reference':
      return acceptId(state, field, sent)
    case 'string':
    case 'textarea':
    case 'picklist':
    case 'multipicklist':
    case 'email':
    case 'phone':
    case 'url':
      return acceptText(field, sent)
  }
}

function acceptText(field: Field, sent: Json): Value {
  if (typeof sent === 'object') throw wrongType(field, 'string', sent)
  const text = String(sent).trim()
  if (text === '') return null
  if (text.length > field.length && field.length > 0) {
    throw new RowRefusal(
      'STRING_TOO_LONG',
      `${field.label}: data value too large: ${text} (max length=${field.length})`,
      [field.name],
    )
  }
  if (field.type === 'email' && !EMAIL.test(text)) {
    throw new RowRefusal(
      'INVALID_EMAIL_ADDRESS',
      `${field.label}: invalid email address: ${text}`,
      [field.name],
    )
  }
  if (!field.isRestricted) return text
  const chosen = field.type === 'multipicklist' ? text.split(';') : [text]
  for (const value of chosen) {
    if (field.picklist.some((each) => each.value === value && each.isActive !== false)) continue
    throw new RowRefusal(
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
      `${field.label}: bad value for restricted picklist field: ${value}`,
      [field.name],
    )
  }
  return text
}

/** The 18 characters of a row that is there. */
function acceptId(state: OrgState, field: Field, sent: Json): Value {
  if (typeof sent !== 'string' || !isId(sent)) {
    throw new RowRefusal(
      'MALFORMED_ID',
      `${field.label}: id value of incorrect type: ${typeof sent === 'string' ? sent : 'null'}`,
      [field.name],
    )
  }
  const id = to18(sent)
  const rows = field.referenceTo.map((object) => state.table(object).find(id))
  const found = rows.find((row) => row !== null)
  if (!found) {
    throw new RowRefusal('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', [field.name])
  }
  if (found.isDeleted) throw new RowRefusal('ENTITY_IS_DELETED', 'entity is deleted', [])
  return id
}

/** A row of a file fails alone; a JSON body fails whole. */
class TypeMismatch extends RowRefusal {
  readonly refusal: ReturnType<typeof badJson>

  constructor(field: Field, xsd: string, shownValue: string) {
    super(
      'INVALID_FIELD',
      `Failed to deserialize field ${field.name}. Due to, '${shownValue}' is not a valid value for the type xsd:${xsd}`,
      [field.name],
    )
    this.refusal = badJson(
      `Cannot deserialize instance of ${xsd.toLowerCase()} from VALUE_STRING value ${shownValue} or request may be missing a required field at [line:1, column:1]`,
    )
  }
}

function wrongType(field: Field, xsd: string, sent: Json): TypeMismatch {
  return new TypeMismatch(field, xsd, typeof sent === 'string' ? sent : JSON.stringify(sent))
}

/** Turns a value of the wrong type in a JSON body into the refusal of the whole call. */
export function failWhole(error: unknown): unknown {
  return error instanceof TypeMismatch ? error.refusal : error
}
