import { baseOf, type MergeBase } from './base.ts'
import type { Stream, VendorProperties, VendorReferences } from './connector.ts'
import type { EntityRecord, FieldValue } from './entity.ts'
import { propertiesOf, type MergedField, type StreamRules } from './field-rules.ts'
import { isBlank, isSame } from './merge.ts'
import { oursOf, withUsual } from './merge-record.ts'

/** What a record that is merged field by field sends. */
export interface PushPlan {
  properties: VendorProperties
  /** The fields that count as agreed on once the vendor took it: our value, how the vendor names it, and what it had. */
  sent: ReadonlyMap<string, { ours: FieldValue; key: FieldValue; was: FieldValue }>
  /** Fields that name records which the vendor does not have yet: they wait. */
  waiting: readonly string[]
  /** The record is new there, and what it cannot be without is not there yet: it waits as a whole. */
  isHeldUp?: boolean
  /** It puts back what the vendor had: our value, which differs, stays agreed on. */
  isUndo?: boolean
}

/** By entity and our id: the vendor's id. */
export type VendorIds = ReadonlyMap<string, string>

/**
 * What a record has that the vendor lacks: all of it for a record that is new there, else the fields that changed since
 * both sides agreed. Pure.
 * @param disputed  fields that wait for a person.
 */
export function planPush(
  stream: Required<Pick<Stream, 'toVendor'>>,
  rules: StreamRules,
  record: EntityRecord,
  ids: VendorIds,
  state: { isNewThere: boolean; base: MergeBase | null; disputed: ReadonlySet<string> },
): PushPlan {
  const { isNewThere, base, disputed } = state
  const changed = new Set<string>()
  const waiting: string[] = []
  const sent = new Map<string, { ours: FieldValue; key: FieldValue; was: FieldValue }>()
  for (const field of rules.fields.values()) {
    if (field.direction === 'pull' || field.policy === 'off') continue
    if (!isNewThere && (field.once || disputed.has(field.name))) continue
    const ours = oursOf(record, field)
    const agreed = isNewThere ? null : withUsual(field, baseOf(base, field.name), ours)
    if (agreed ? isSame(agreed.ours, ours) : isBlank(ours)) continue
    if (field.many && field.entity) {
      const { known, key } = manyThere(record, field, ids, agreed)
      // Whoever is not there yet waits; the others go, unless that is what the vendor has.
      if (known.length < (ours as string[]).length) waiting.push(field.name)
      if (agreed && isSame(agreed.theirs, key)) continue
      changed.add(field.name)
      sent.set(field.name, { ours: known, key, was: agreed?.theirs ?? null })
      continue
    }
    const key = keyOf(record, field, ours, ids)
    if (key === undefined) waiting.push(field.name)
    else {
      changed.add(field.name)
      sent.set(field.name, { ours, key, was: agreed?.theirs ?? null })
    }
  }
  const isHeldUp = isNewThere && waiting.some((name) => rules.fields.get(name)?.required)
  if (isHeldUp) return { properties: {}, sent: new Map(), waiting, isHeldUp }
  const only = new Set(changed)
  for (const name of changed)
    for (const other of rules.fields.get(name)?.with ?? []) only.add(other)
  if (only.size === 0) return { properties: {}, sent, waiting }
  const values = { ...record.values, ...manyOf(record, rules, ids, isNewThere ? null : base) }
  const references = referencesOf(record, ids, rules)
  const properties = propertiesOf(
    stream,
    rules,
    { ...record, values },
    references,
    isNewThere ? null : cleared(record, rules, only, references),
  )
  return { properties, sent, waiting }
}

/** A reference that was let go is sent as blank: `toVendor` finds it among the values. */
function cleared(
  record: EntityRecord,
  rules: StreamRules,
  only: ReadonlySet<string>,
  references: VendorReferences,
): ReadonlySet<string> {
  for (const name of only) {
    const field = rules.fields.get(name)
    if (field?.entity && !field.many && !record.references?.[name]) references[name] = ''
  }
  return only
}

/** How the base keeps what the vendor will have; undefined when the vendor does not know the named record yet. */
function keyOf(
  record: EntityRecord,
  field: MergedField,
  ours: FieldValue,
  ids: VendorIds,
): FieldValue | undefined {
  if (!field.entity) return ours
  const named = record.references?.[field.name]
  if (!named) return null
  const id = ids.get(`${field.as ?? named.entity}:${named.localId}`)
  return id === undefined ? undefined : `${id}=${named.localId}`
}

interface ManyThere {
  /** Of ours, those that the vendor knows. */
  known: string[]
  /** What the vendor will have, as the base keeps it. */
  key: string[]
  entries: { id: string; role: string }[]
}

/**
 * What a field that names several is to be at the vendor: ours that it knows, and beside them those of its own that are not known
 * here, which are nobody's to take away. A role that was never known here stays as it is there.
 */
function manyThere(
  record: EntityRecord,
  field: MergedField,
  ids: VendorIds,
  agreed: { ours: FieldValue; theirs: FieldValue } | null,
): ManyThere {
  const theirs = (Array.isArray(agreed?.theirs) ? agreed.theirs : []).map(readKey)
  const wasBare = new Set(Array.isArray(agreed?.ours) ? agreed.ours : [])
  const known: string[] = []
  const entries: { id: string; localId: string; role: string }[] = []
  for (const { entity, localId, role: own } of record.links?.[field.name] ?? []) {
    const id = ids.get(`${field.as ?? entity}:${localId}`)
    if (id === undefined) continue
    const told = wasBare.has(localId) ? theirs.find((one) => one.localId === localId)?.role : ''
    const role = field.roles ? own || told || '' : ''
    known.push(own && field.roles ? `${localId} ${own}` : localId)
    entries.push({ id, localId, role })
  }
  entries.push(...theirs.filter(({ localId }) => localId === ''))
  const key = entries.map(({ id, localId, role }) => `${id}=${localId}${role ? ` ${role}` : ''}`)
  return { known: known.sort(), key: key.sort(), entries }
}

/** `<their id>=<our id> <role>`; our id and the role may be missing. */
function readKey(key: string): { id: string; localId: string; role: string } {
  const [, id = key, localId = '', role = ''] = /^([^=]*)=(\S*)(?: (.*))?$/.exec(key) ?? []
  return { id, localId, role }
}

function manyOf(
  record: EntityRecord,
  rules: StreamRules,
  ids: VendorIds,
  base: MergeBase | null,
): EntityRecord['values'] {
  const values: EntityRecord['values'] = {}
  for (const field of rules.fields.values()) {
    if (!field.entity || !field.many) continue
    const { entries } = manyThere(record, field, ids, baseOf(base, field.name))
    values[field.name] = entries.map(({ id }) => id)
    values[`${field.name}.roles`] = entries.map(({ role }) => role)
  }
  return values
}

/** @param rules  without: every record is named by the entity that it is of. */
export function referencesOf(
  record: EntityRecord,
  ids: VendorIds,
  rules: StreamRules | null = null,
): VendorReferences {
  const references: VendorReferences = {}
  for (const [field, { entity, localId }] of Object.entries(record.references ?? {})) {
    const externalId = ids.get(`${rules?.fields.get(field)?.as ?? entity}:${localId}`)
    if (externalId !== undefined) references[field] = externalId
  }
  return references
}
