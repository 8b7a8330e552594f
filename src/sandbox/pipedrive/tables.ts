import type { Json } from '#sandbox/json.ts'
import { listOf, objectOf, textOf } from '#sandbox/json.ts'
import type { Row } from './state.ts'

/**
 * All records of one kind in the order of their creation, deleted ones among them, with an index for each field that
 * was looked for by value. The index also keeps what a record held earlier: who finds an id by it looks at the record.
 */
export class RowTable {
  private order: Row[] = []
  private byId = new Map<string, Row>()
  private indexes = new Map<string, Map<string, Set<string>>>()
  private sorted = new Map<string, Row[]>()
  private stamp = 0
  private sortedAt = -1

  find(id: string): Row | null {
    return this.byId.get(id) ?? null
  }

  /** Adds the record, or takes over its new content when the id is known. */
  put(row: Row): void {
    this.stamp += 1
    const current = this.byId.get(row.id)
    if (current) Object.assign(current, row)
    else this.insert({ ...row })
    for (const [field, index] of this.indexes) addTo(index, field, row)
  }

  remove(id: string): void {
    this.stamp += 1
    this.byId.delete(id)
    this.order = this.order.filter((row) => row.id !== id)
  }

  /** Every record, oldest ids first. */
  all(): readonly Row[] {
    return this.order
  }

  /** Live records. */
  count(): number {
    let count = 0
    for (const row of this.order) count += row.deletedAtMs === 0 ? 1 : 0
    return count
  }

  /** All records by time, then id; kept until something changes. */
  byTime(field: 'updatedAtMs' | 'addedAtMs'): readonly Row[] {
    if (this.sortedAt !== this.stamp) this.sorted.clear()
    this.sortedAt = this.stamp
    const known = this.sorted.get(field)
    if (known) return known
    const rows = [...this.order].sort((a, b) => second(a[field]) - second(b[field]))
    this.sorted.set(field, rows)
    return rows
  }

  /** Where the records with an id of at least `id` begin; for numeric ids. O(log n). */
  positionFrom(id: number): number {
    let low = 0
    let high = this.order.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (Number(this.order[middle]?.id) < id) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Records that hold or once held this text in a field: `emails`, `phones`, a standard field or a hash. */
  withText(field: string, text: string): Row[] {
    let index = this.indexes.get(field)
    if (!index) {
      index = new Map()
      for (const row of this.order) addTo(index, field, row)
      this.indexes.set(field, index)
    }
    return [...(index.get(text) ?? [])].flatMap((id) => this.find(id) ?? [])
  }

  private insert(row: Row): void {
    this.byId.set(row.id, row)
    const isLast = !(Number(row.id) < Number(this.order.at(-1)?.id))
    if (isLast) this.order.push(row)
    else this.order.splice(this.positionFrom(Number(row.id)), 0, row)
  }
}

/** Times are compared as they are shown: whole seconds. */
export function second(ms: number): number {
  return Math.floor(ms / 1000)
}

/** The texts of a field by which a record is found, as they are. */
export function textsIn(row: Pick<Row, 'values' | 'custom'>, field: string): string[] {
  const value = row.values[field] ?? row.custom[field] ?? null
  if (field === 'emails' || field === 'phones') {
    return listOf(value).flatMap((channel) => textOf(objectOf(channel)['value']) ?? [])
  }
  return plainText(value)
}

function plainText(value: Json): string[] {
  const text = textOf(value) ?? textOf(objectOf(value)['value'])
  return text === null ? [] : [text]
}

/** Both as it is and in lower case, since some searches heed the case and others do not. */
function addTo(index: Map<string, Set<string>>, field: string, row: Row): void {
  for (const text of textsIn(row, field)) {
    for (const key of new Set([text, text.toLowerCase()])) {
      const ids = index.get(key) ?? new Set()
      ids.add(row.id)
      index.set(key, ids)
    }
  }
}
