import type { ObjectType } from './object-types.ts'

/** Property values as HubSpot keeps them: strings, the empty ones left out. */
export type Values = Record<string, string>

/** Who changed something. HubSpot docs: property history, sourceType and sourceId. */
export interface Source {
  type: string
  id: string
}

/** The values set by one write. */
export interface Version {
  atMs: number
  source: Source
  values: Values
}

/** One CRM record. Values are shared with its first version, so an unchanged record is small. */
export interface CrmRecord {
  id: number
  createdAtMs: number
  updatedAtMs: number
  /** 0 while the record is not archived. */
  archivedAtMs: number
  source: Source
  values: Values
  /** Null until the second write: the creation is then the only version. Oldest first. */
  versions: Version[] | null
  /** Ids of the records that were merged into this one. */
  mergedIds: number[] | null
}

/** The record a creation makes. */
export function createdRecord(id: number, atMs: number, source: Source, values: Values): CrmRecord {
  return {
    id,
    createdAtMs: atMs,
    updatedAtMs: atMs,
    archivedAtMs: 0,
    source,
    values: withoutEmpty(values),
    versions: null,
    mergedIds: null,
  }
}

/** The record an update makes of `current`, which is left as it is. An empty value clears. */
export function updatedRecord(
  current: CrmRecord,
  atMs: number,
  source: Source,
  values: Values,
): CrmRecord {
  const changed: Values = {}
  let hasChange = false
  for (const [name, value] of Object.entries(values)) {
    if ((current.values[name] ?? '') === value) continue
    changed[name] = value
    hasChange = true
  }
  if (!hasChange) return { ...current, updatedAtMs: atMs }
  const versions = [...versionsOf(current), { atMs, source, values: changed }]
  return {
    ...current,
    updatedAtMs: atMs,
    values: withoutEmpty({ ...current.values, ...changed }),
    versions,
  }
}

/** All versions of a record, oldest first. */
export function versionsOf(record: CrmRecord): readonly Version[] {
  return (
    record.versions ?? [{ atMs: record.createdAtMs, source: record.source, values: record.values }]
  )
}

/** The record as it was at `atMs`, or null when it did not exist yet. */
export function recordAt(record: CrmRecord, atMs: number): CrmRecord | null {
  if (record.updatedAtMs <= atMs) return record
  const seen = versionsOf(record).filter((version) => version.atMs <= atMs)
  const last = seen.at(-1)
  if (!last) return null
  const values = withoutEmpty(Object.assign({}, ...seen.map((version) => version.values)) as Values)
  return { ...record, values, updatedAtMs: last.atMs, archivedAtMs: 0 }
}

function withoutEmpty(values: Values): Values {
  for (const name in values) {
    if (values[name] === '') {
      return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''))
    }
  }
  return values
}

/**
 * All records of one object type, in the order of their ids, with an index for each unique
 * property. E-mail is one of them for contacts, where the additional e-mails count as well.
 */
export class RecordTable {
  readonly type: ObjectType
  /** Ascending ids, as new ids are always the highest; archived records stay in place. */
  private order: CrmRecord[] = []
  private byId = new Map<number, CrmRecord>()
  private uniques = new Map<string, Map<string, CrmRecord>>()
  /** Ids that were merged away, and the survivor's. */
  private aliases = new Map<number, number>()
  /** Records that are neither archived nor gone. */
  liveCount = 0

  constructor(type: ObjectType) {
    this.type = type
    if (type.name === 'contacts') this.addUnique('email')
  }

  /** Starts to index a property that no record has a value of yet. */
  addUnique(property: string): void {
    if (!this.uniques.has(property)) this.uniques.set(property, new Map())
  }

  isUnique(property: string): boolean {
    return this.uniques.has(property)
  }

  uniqueProperties(): Iterable<string> {
    return this.uniques.keys()
  }

  /** The record with this id, or the survivor it was merged into; null when there is none. */
  find(id: string): CrmRecord | null {
    if (!/^\d{1,16}$/.test(id)) return null
    const number = Number(id)
    return this.byId.get(number) ?? this.byId.get(this.survivorOf(number)) ?? null
  }

  /** The live record with this value of a unique property; e-mails in any case. */
  findBy(property: string, value: string): CrmRecord | null {
    const key = property === 'email' ? value.trim().toLowerCase() : value
    return this.uniques.get(property)?.get(key) ?? null
  }

  /** Adds the record, or takes over its new content when the id is known. */
  put(record: CrmRecord): void {
    const current = this.byId.get(record.id)
    if (current) {
      this.unindex(current)
      this.liveCount -= current.archivedAtMs === 0 ? 1 : 0
      Object.assign(current, record)
    } else {
      this.insert(record)
    }
    this.liveCount += record.archivedAtMs === 0 ? 1 : 0
    this.index(current ?? record)
  }

  /** Takes the record out for good; its id resolves to `survivorId` when it was merged. */
  remove(id: number, survivorId?: number): void {
    const record = this.byId.get(id)
    if (!record) return
    this.unindex(record)
    this.liveCount -= record.archivedAtMs === 0 ? 1 : 0
    this.byId.delete(id)
    this.order.splice(this.positionFrom(id), 1)
    if (survivorId !== undefined) this.aliases.set(id, survivorId)
  }

  /** Every record with an id of at least `fromId`, ascending, archived ones among them. */
  *from(fromId: number): Generator<CrmRecord> {
    for (let i = this.positionFrom(fromId); i < this.order.length; i += 1) {
      const record = this.order[i]
      if (record) yield record
    }
  }

  /** All records ascending, archived ones among them: for scans, not to be changed. */
  all(): readonly CrmRecord[] {
    return this.order
  }

  private survivorOf(id: number): number {
    let at = id
    for (let next = this.aliases.get(at); next !== undefined; next = this.aliases.get(at)) at = next
    return at
  }

  private insert(record: CrmRecord): void {
    this.byId.set(record.id, record)
    const last = this.order.at(-1)
    if (!last || last.id < record.id) this.order.push(record)
    else this.order.splice(this.positionFrom(record.id), 0, record)
  }

  /** The place of the first record with an id of at least `id`. */
  private positionFrom(id: number): number {
    let low = 0
    let high = this.order.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.order[middle]?.id ?? 0) < id) low = middle + 1
      else high = middle
    }
    return low
  }

  /** HubSpot docs: an archived record's unique values are free to be used again. */
  private index(record: CrmRecord): void {
    if (record.archivedAtMs !== 0) return
    for (const [property, map] of this.uniques) {
      for (const value of keysOf(record, property)) map.set(value, record)
    }
  }

  private unindex(record: CrmRecord): void {
    for (const [property, map] of this.uniques) {
      for (const value of keysOf(record, property)) {
        if (map.get(value)?.id === record.id) map.delete(value)
      }
    }
  }
}

function keysOf(record: CrmRecord, property: string): readonly string[] {
  const value = record.values[property]
  const additional = property === 'email' ? record.values['hs_additional_emails'] : undefined
  if (additional === undefined) return value === undefined ? [] : [value]
  return [...(value === undefined ? [] : [value]), ...additional.split(';')]
}
