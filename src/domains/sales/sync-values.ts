import type { EntityWrite, FieldValue } from '#sync/entity.ts'

type Values = Readonly<Record<string, FieldValue>>

/** The text of a field; null when it is absent, empty or of another type. */
export function textOf(values: Values, field: string): string | null {
  const value = values[field]
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null
}

export function numberOf(values: Values, field: string): number | null {
  const value = values[field]
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

export function flagOf(values: Values, field: string): boolean | null {
  const value = values[field]
  return typeof value === 'boolean' ? value : null
}

/** A moment given as RFC 3339 text; null when it is none. */
export function timeOf(values: Values, field: string): Date | null {
  const text = textOf(values, field)
  if (text === null) return null
  const time = new Date(text)
  return Number.isNaN(time.getTime()) ? null : time
}

/**
 * The local id that a field refers to. Undefined when the write says nothing of the field, null when it names nothing
 * or a record that is not known here.
 */
export function referenceOf(write: EntityWrite, field: string): string | null | undefined {
  return write.references[field] === undefined ? undefined : (write.references[field][0]?.localId ?? null)
}
