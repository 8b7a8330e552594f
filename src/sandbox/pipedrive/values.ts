import { isObject } from '#sandbox/json.ts'
import type { Json } from '#sandbox/json.ts'

export const isText = (value: Json): value is string => typeof value === 'string'

export const isNumber = (value: Json): value is number =>
  typeof value === 'number' && Number.isFinite(value)

/** A whole positive number, as record ids are. */
export const isId = (value: Json): value is number => Number.isInteger(value) && Number(value) > 0

/** `YYYY-MM-DD` of a real day. */
export function isDate(value: Json): boolean {
  if (!isText(value) || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return false
  const time = new Date(`${value}T00:00:00Z`)
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(value)
}

/** `HH:MM` or `HH:MM:SS`. */
export const isClock = (value: Json): boolean =>
  isText(value) && /^\d{2}:\d{2}(:\d{2})?$/.test(value)

/** RFC 3339 without a fraction of a second, in epoch milliseconds; null when it is anything else. */
export function parseTime(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})$/.test(text)) return null
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}

export const isTime = (value: Json): boolean => isText(value) && parseTime(value) !== null

/** E-mail addresses, phones, messengers: objects with a value. */
export const isChannels = (value: Json): boolean =>
  Array.isArray(value) && value.every((entry) => isObject(entry) && isText(entry['value'] ?? null))

/** v2: RFC 3339 in UTC, whole seconds. */
export function timeV2(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** v1: UTC without saying so. */
export function timeV1(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}
