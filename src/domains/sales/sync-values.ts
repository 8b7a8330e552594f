import { CalendarDate } from '#core/time.ts'
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

/** A day given as `YYYY-MM-DD`; null when it is none. */
export function dayOf(values: Values, field: string): string | null {
  const day = CalendarDate.safeParse(textOf(values, field))
  return day.success ? day.data : null
}

/**
 * The local id that a field refers to now. What is held stays when the write says nothing of the field or names a record
 * that is not known here yet; a field that names nothing lets go of it.
 */
export function referenceOf(write: EntityWrite, field: string, held: string | null): string | null {
  const named = write.references[field]
  if (named === undefined) return held
  const [first] = named
  return first === undefined ? null : (first.localId ?? held)
}
