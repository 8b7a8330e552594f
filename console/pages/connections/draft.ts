import type { MappingSearch } from '#console/pages/connections/mapping.search.ts'
import type {
  Draft,
  Mapping,
  Mappings,
  VendorField,
} from '#console/pages/connections/mapping.queries.ts'

/** A mapping that is there, as it can be changed; its property only where the workspace chose it. */
export function draftOf(mapping: Mapping): Draft {
  const { field, property, direction, policy, transform } = mapping
  return { field, property, direction, policy, transform }
}

/** A new mapping for a field of the CRM, with a name here that is made of its name there. */
export function draftFor(property: VendorField): Draft {
  const key = property.name.replaceAll(/[^\w-]/g, '_').slice(0, 100)
  return {
    field: `custom.${key}`,
    property: property.name,
    direction: property.writable ? 'both' : 'pull',
    policy: 'latest',
    transform: { kind: 'none' },
  }
}

/** Fields of the CRM that nothing here is mapped to: the customer's own first, then by name. */
export function findFree(fields: readonly VendorField[], mappings: Mappings): VendorField[] {
  const taken = new Set(mappings.data.flatMap(({ properties }) => properties))
  return fields
    .filter(({ name }) => !taken.has(name))
    .toSorted((a, b) => Number(b.custom) - Number(a.custom) || a.label.localeCompare(b.label))
}

/** The mapping that the address names, by either name; null when it is not mapped. */
export function findMapping(
  mappings: Mappings,
  { field, property }: MappingSearch,
): Mapping | null {
  const byName = mappings.data.find((one) => one.field === field)
  const byProperty = mappings.data.find(
    ({ properties }) => property !== undefined && properties.includes(property),
  )
  return byName ?? byProperty ?? null
}

/**
 * Why a mapping cannot be kept as it is; null when it can.
 * @param mapping  as it is kept; null for a new one.
 */
export function lackOf(
  { field, property, transform }: Draft,
  mapping: Mapping | null,
): string | null {
  if (field.startsWith('custom.') && !/^custom\.[\w-]{1,100}$/.test(field))
    return 'A field of your own is named custom.<key>: letters, digits, - and _.'
  const hasOwn = mapping !== null && mapping.ownProperties.length > 0
  if (!hasOwn && property === null) return 'Choose the field of the CRM that holds it.'
  if (transform.kind === 'map' && transform.pairs.some(([ours, theirs]) => !ours || !theirs))
    return 'Each pair takes both values.'
  return null
}
