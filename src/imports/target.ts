import type { Operation } from '#gateway/operation.ts'
import type { CellValue } from '#imports/cell.ts'
import type { TargetField } from '#imports/mapping.ts'

/** A row as its cells were read. */
export interface MappedRow {
  /** By field; a blank cell is no entry. */
  values: Readonly<Partial<Record<string, CellValue>>>
  /** What stands in columns without a field of their own, by key. */
  custom: Readonly<Record<string, string>>
}

export interface TargetContext {
  /** The system that the file is from: external ids are its own. */
  source: string
  /** IANA zone in which dates of the file are read. */
  zone: string
  /** ISO 4217 code of amounts that state none. */
  currency: string
}

/**
 * Something that rows of a file can become. A row is the same thing as an item sent to the operation: what `toInput` makes
 * of it passes the operation's own schema, and is performed in batches with the same audit entries and events.
 */
export interface ImportTarget {
  /** In the plural, as in `throughline import leads`. */
  name: string
  label: string
  /** A collective operation. */
  operation: Operation
  fields: readonly TargetField[]
  /** Fields of which a file must have at least one. */
  requiresOneOf?: readonly string[]
  /** Columns without a field that are kept as custom values; 0 where there is no place for them. */
  maxCustom: number
  /** The wire object of a row. Pure: the same row makes the same object, since rows are known again by it. */
  toInput(row: MappedRow, context: TargetContext): Record<string, unknown>
}
