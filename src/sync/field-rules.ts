import type { FieldDirection, FieldMapping, FieldTransform, Stream } from './connector.ts'
import type { Candidate, Entity, EntityRecord, FieldPolicy, FieldValue } from './entity.ts'
import type { VendorProperties, VendorReferences } from './connector.ts'
import type { FieldRule } from './merge.ts'

/** A workspace's rule for a field, as it is kept. */
export interface StoredRule {
  entity: string
  field: string
  /** Null: the connector's own mapping. */
  property: string | null
  direction: FieldDirection | null
  policy: FieldPolicy | null
  transform: FieldTransform
}

/** A field with all that the engine needs to know of it on one stream. */
export interface MergedField extends FieldRule {
  name: string
  /** The entity that it names. */
  entity: string | null
  many: boolean
  personal: boolean
  /** Fields that are sent along when it is. */
  with: readonly string[]
  /** The record is none without it. */
  required: boolean
  /** It is sent only with a new record. */
  once: boolean
  /** It is taken in only with a new record. */
  fixed: boolean
  /** What a new record has where nobody gave it a value. */
  usual?: FieldValue
  /** The entity by which the vendor knows what it names, where that is another one of the same ids. */
  as: string | null
  /** Whether the vendor keeps the roles of what it names. */
  roles: boolean
}

export interface StreamRules {
  fields: ReadonlyMap<string, MergedField>
  /** What the workspace mapped for this entity. */
  mappings: readonly FieldMapping[]
}

/** The workspace's mappings among its rules: what connectors have to read and write beside their own table. */
export function mappingsOf(stored: readonly StoredRule[]): FieldMapping[] {
  return stored.flatMap(({ property, direction, ...rule }) =>
    property === null ? [] : [{ ...rule, property, direction: direction ?? 'both' }],
  )
}

/** The rules of a stream that is merged field by field; null for streams whose records one side alone writes. */
export function rulesOf(
  entity: Entity,
  stream: Stream,
  stored: readonly StoredRule[],
): StreamRules | null {
  if (!entity.fields || !entity.load || !stream.fields) return null
  const own = stored.filter((rule) => rule.entity === entity.name)
  const ruleOf = new Map(own.map((rule) => [rule.field, rule]))
  const linkOf = new Map(stream.fields.map((link) => [link.field, link]))
  const fields = new Map<string, MergedField>()
  for (const field of entity.fields) {
    const link = linkOf.get(field.name)
    const rule = ruleOf.get(field.name)
    const wanted = rule?.direction ?? link?.direction ?? 'pull'
    const usual = field.critical ? 'ask' : 'latest'
    const policy = rule?.policy ?? link?.policy ?? field.policy ?? usual
    // What the hub computes is never taken in, whatever a connector or a rule says.
    const isOut = field.computed && wanted === 'pull'
    fields.set(field.name, {
      name: field.name,
      policy: isOut ? 'off' : policy,
      direction: field.computed ? 'push' : wanted,
      critical: field.critical ?? false,
      optOut: field.optOut ?? false,
      entity: field.entity ?? null,
      many: field.many ?? false,
      personal: field.personal ?? false,
      with: link?.with ?? [],
      required: field.required ?? false,
      once: link?.once ?? false,
      fixed: field.fixed ?? false,
      ...(field.usual === undefined ? {} : { usual: field.usual }),
      as: link?.as ?? null,
      roles: !(link?.withoutRoles ?? false),
    })
  }
  for (const rule of own) {
    if (fields.has(rule.field) || rule.property === null) continue
    fields.set(rule.field, {
      name: rule.field,
      policy: rule.policy ?? 'latest',
      direction: rule.direction ?? 'both',
      critical: false,
      optOut: false,
      entity: null,
      many: false,
      personal: true,
      with: [],
      required: false,
      once: false,
      fixed: false,
      as: null,
      roles: true,
    })
  }
  return { fields, mappings: mappingsOf(own) }
}

/** The candidate with the workspace's mapped fields among its values; a mapped field replaces the connector's own. */
export function mapCandidate(candidate: Candidate, mappings: readonly FieldMapping[]): Candidate {
  const { raw } = candidate
  if (!raw || mappings.length === 0) return candidate
  const values = { ...candidate.values }
  for (const { field, property, direction, transform } of mappings) {
    if (direction === 'push' || raw[property] === undefined) continue
    values[field] = fromVendor(transform, raw[property])
  }
  return { ...candidate, values }
}

/**
 * The vendor's properties for some fields of a record.
 * @param only  the fields to send; null for all.
 */
export function propertiesOf(
  stream: Required<Pick<Stream, 'toVendor'>>,
  rules: StreamRules | null,
  record: EntityRecord,
  references: VendorReferences,
  only: ReadonlySet<string> | null,
): VendorProperties {
  const mapped = new Set(rules?.mappings.map((mapping) => mapping.field))
  const isSent = (field: string) =>
    !mapped.has(field.replace(/\.roles$/, '')) &&
    (only === null || only.has(field.replace(/\.roles$/, '')))
  const pick = <T>(all: Record<string, T>) =>
    Object.fromEntries(Object.entries(all).filter(([field]) => isSent(field)))
  const properties = stream.toVendor({ ...record, values: pick(record.values) }, pick(references))
  for (const mapping of rules?.mappings ?? []) {
    const { field, property, direction, transform } = mapping
    const value = record.values[field]
    if (direction === 'pull' || value === undefined || (only !== null && !only.has(field))) continue
    properties[property] = toVendor(transform, value)
  }
  return properties
}

function fromVendor(transform: FieldTransform, value: FieldValue): FieldValue {
  if (value === '' || value === null) return null
  switch (transform.kind) {
    case 'none':
      return value
    case 'lower':
      return typeof value === 'string' ? value.toLowerCase() : value
    case 'map':
      return transform.pairs.find(([, theirs]) => theirs === value)?.[0] ?? value
    case 'minor': {
      const amount = Number(value)
      return Number.isFinite(amount) ? Math.round(amount * 10 ** transform.digits) : null
    }
  }
}

function toVendor(transform: FieldTransform, value: FieldValue): FieldValue {
  switch (transform.kind) {
    case 'none':
    case 'lower':
      return value
    case 'map':
      return transform.pairs.find(([ours]) => ours === value)?.[1] ?? value
    case 'minor':
      return typeof value === 'number' ? value / 10 ** transform.digits : value
  }
}
