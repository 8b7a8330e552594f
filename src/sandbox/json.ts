/** A value that came out of `JSON.parse`. */
export type Json = null | boolean | number | string | Json[] | JsonObject
export interface JsonObject {
  [key: string]: Json
}

/** True for a JSON object, false for lists, scalars, null and undefined. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The object itself, or an empty one when the value is anything else. */
export function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}

/** The list itself, or an empty one when the value is anything else. */
export function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : []
}

/** Text for a string or number, null for everything else. */
export function textOf(value: Json | undefined): string | null {
  if (typeof value === 'string') return value
  return typeof value === 'number' ? String(value) : null
}

/** The strings and numbers of a list, as text. */
export function textsOf(value: Json | undefined): string[] {
  return listOf(value).flatMap((item) => textOf(item) ?? [])
}

/** The number, or undefined when the value is not one. */
export function numberOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}

/** Text for a string, number or boolean, '' for everything else: how a value stands in a query. */
export function scalarText(value: Json | undefined): string {
  return typeof value === 'boolean' ? String(value) : (textOf(value) ?? '')
}
