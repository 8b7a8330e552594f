import { isObject, listOf, objectOf, textOf } from '#sandbox/json.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Call } from '#sandbox/kernel.ts'
import { RowRefusal, badJson, notFound, refusalOf, refuse } from './errors.ts'
import type { ObjectDefinition } from './objects.ts'
import type { Caller, Org } from './org.ts'
import { failWhole } from './values.ts'
import type { WriteBy } from './writes.ts'

/** The write as the call's headers ask for it. Salesforce docs: REST headers. */
export function writeBy(call: Call, caller: Caller): WriteBy {
  const assign = textOfHeader(call, 'sforce-auto-assign').toUpperCase()
  const duplicates = textOfHeader(call, 'sforce-duplicate-rule-header')
  return {
    userId: caller.userId,
    autoAssign: assign !== 'FALSE',
    allowSave: /allowsave\s*=\s*true/i.test(duplicates),
    isBackstage: false,
    fault: call.fault,
  }
}

export function textOfHeader(call: Call, name: string): string {
  const value = call.headers[name]
  return (Array.isArray(value) ? value[0] : value) ?? ''
}

/** The object of a path segment, in any case. @throws Refusal 404 NOT_FOUND. */
export function objectIn(org: Org, call: Call): ObjectDefinition {
  return findObject(org, call.params['sObject'] ?? '')
}

/** @throws Refusal 404 NOT_FOUND. */
export function findObject(org: Org, name: string): ObjectDefinition {
  const exact = org.state.objects.get(name)
  if (exact) return exact
  for (const object of org.state.objects.values()) {
    if (object.name.toLowerCase() === name.toLowerCase()) return object
  }
  throw notFound()
}

/** @throws Refusal 400 JSON_PARSER_ERROR when the body is no JSON object. */
export function bodyOf(call: Call): JsonObject {
  const body: Json = parseBody(call.text)
  if (!isObject(body)) throw badJson()
  return body
}

/** The rows of a collection. @throws Refusal 400 for none and for more than `most`. */
export function recordsOf(body: JsonObject, most: number): JsonObject[] {
  const records = listOf(body['records'])
  if (records.length === 0) {
    throw refuse(400, 'REQUIRED_FIELD_MISSING', 'At least 1 record is required')
  }
  if (records.length > most) {
    const message = `The maximum number of records allowed is ${most}.`
    throw refuse(400, 'EXCEEDED_MAX_SIZE_REQUEST', message)
  }
  return records.map(objectOf)
}

/** Carries one row out; what refuses it refuses the whole call. */
export function asCall<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    const whole = failWhole(error)
    if (whole instanceof RowRefusal) throw refusalOf(whole)
    throw whole
  }
}

/** The query parameter, comma by comma. */
export function listParameter(call: Call, name: string): string[] {
  return (call.query.get(name) ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}

/** A member of a JSON object as text, the empty one when it is none. */
export function textIn(body: JsonObject, name: string): string {
  return textOf(body[name]) ?? ''
}
