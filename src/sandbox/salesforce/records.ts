import type { Value, Values } from './fields.ts'
import { to18 } from './ids.ts'

/** One row. Rows are never changed in place: a change is a new one under the same id. */
export interface SfRecord {
  readonly id: string
  readonly values: Readonly<Values>
  /** Epoch milliseconds, whole seconds, as the platform keeps them. */
  readonly createdAtMs: number
  readonly modifiedAtMs: number
  readonly stampMs: number
  readonly createdBy: string
  readonly modifiedBy: string
  readonly isDeleted: boolean
}

/** A field's value, system fields among them; null for what is not set. */
export function valueOf(record: SfRecord, name: string): Value {
  switch (name) {
    case 'Id':
      return record.id
    case 'IsDeleted':
      return record.isDeleted
    case 'CreatedDate':
      return record.createdAtMs
    case 'CreatedById':
      return record.createdBy
    case 'LastModifiedDate':
      return record.modifiedAtMs
    case 'LastModifiedById':
      return record.modifiedBy
    case 'SystemModstamp':
      return record.stampMs
    default:
      return record.values[name] ?? null
  }
}

/** All rows of one object by id, with an index for each field that is looked up by value. */
export class RecordTable {
  private readonly byId = new Map<string, SfRecord>()
  private readonly indexes = new Map<string, { fold: boolean; ids: Map<string, Set<string>> }>()
  liveCount = 0

  /** The row, deleted ones among them; ids of 15 or 18 characters. */
  find(id: string): SfRecord | null {
    return this.byId.get(to18(id)) ?? null
  }

  /** The row unless it is deleted or not there. */
  findLive(id: string): SfRecord | null {
    const record = this.find(id)
    return record && !record.isDeleted ? record : null
  }

  put(record: SfRecord): void {
    const before = this.byId.get(record.id)
    if (before) this.forget(before)
    this.byId.set(record.id, record)
    if (!record.isDeleted) this.liveCount += 1
    for (const [name, index] of this.indexes) {
      const key = keyOf(record.values[name], index.fold)
      if (key === null) continue
      const ids = index.ids.get(key)
      if (ids) ids.add(record.id)
      else index.ids.set(key, new Set([record.id]))
    }
  }

  /** Takes the row out for good. */
  drop(id: string): void {
    const record = this.byId.get(id)
    if (!record) return
    this.forget(record)
    this.byId.delete(id)
  }

  all(): Iterable<SfRecord> {
    return this.byId.values()
  }

  /** Starts to index a field; `fold` for values that are the same in capitals. */
  addIndex(name: string, fold: boolean): void {
    if (this.indexes.has(name)) return
    this.indexes.set(name, { fold, ids: new Map() })
    const rows = [...this.byId.values()]
    this.byId.clear()
    this.liveCount = 0
    for (const { ids } of this.indexes.values()) ids.clear()
    for (const row of rows) this.put(row)
  }

  /** Live rows with this value of an indexed field; null when the field has no index. */
  findBy(name: string, value: Value): SfRecord[] | null {
    return this.findAllBy(name, value)?.filter((row) => !row.isDeleted) ?? null
  }

  /** As `findBy`, with the rows in the recycle bin. */
  findAllBy(name: string, value: Value): SfRecord[] | null {
    const index = this.indexes.get(name)
    if (!index) return null
    const key = keyOf(value, index.fold)
    if (key === null) return []
    return [...(index.ids.get(key) ?? [])].flatMap((id) => this.byId.get(id) ?? [])
  }

  private forget(record: SfRecord): void {
    if (!record.isDeleted) this.liveCount -= 1
    for (const [name, index] of this.indexes) {
      const key = keyOf(record.values[name], index.fold)
      const ids = key === null ? undefined : index.ids.get(key)
      ids?.delete(record.id)
      if (key !== null && ids?.size === 0) index.ids.delete(key)
    }
  }
}

function keyOf(value: Value | undefined, fold: boolean): string | null {
  if (value === null || value === undefined || value === '') return null
  return fold ? String(value).toLowerCase() : String(value)
}
