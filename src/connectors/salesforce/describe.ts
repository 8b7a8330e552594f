import type { VendorField } from '#sync/connector.ts'
import type { Describe, SfField } from './answers.ts'

const TYPES: Readonly<Record<string, VendorField['type']>> = {
  string: 'text',
  textarea: 'long_text',
  picklist: 'choice',
  multipicklist: 'choices',
  reference: 'reference',
  datetime: 'datetime',
  date: 'date',
  currency: 'money',
  double: 'number',
  int: 'number',
  percent: 'number',
  boolean: 'boolean',
  email: 'email',
  phone: 'phone',
  url: 'url',
}

const ENTITIES: Readonly<Record<string, string>> = {
  User: 'owner',
  Account: 'account',
  Lead: 'lead',
  Contact: 'contact',
  Opportunity: 'opportunity',
  Campaign: 'campaign',
}

/** A field as the org describes it, in the engine's words. */
export function fieldOf(field: SfField): VendorField {
  const [target] = field.referenceTo
  const isClosedList = field.restrictedPicklist && field.picklistValues
  return {
    name: field.name,
    label: field.label || field.name,
    type: TYPES[field.type] ?? 'other',
    options: isClosedList
      ? (field.picklistValues ?? [])
          .filter(({ active }) => active)
          .map(({ value, label }) => ({ value, label: label ?? value }))
      : null,
    writable: field.updateable,
    unique: field.unique || field.externalId,
    required: field.createable && !field.nillable && !field.defaultedOnCreate,
    custom: field.custom,
    references: target === undefined ? null : (ENTITIES[target] ?? null),
    maxLength: field.length > 0 ? field.length : null,
  }
}

/** The fields of an object that are there and may be read, by name. */
export function fieldNames({ fields }: Describe): Set<string> {
  return new Set(fields.map(({ name }) => name))
}

/** The customer's own fields, without those that the hub brought along. */
export function customNames({ fields }: Describe): string[] {
  return fields
    .filter(({ name, custom }) => custom && !name.startsWith('Hub_'))
    .map(({ name }) => name)
}

/** The fields that a write of a new row, or a change of one, may carry. */
export function writableNames({ fields }: Describe, isNew: boolean): Set<string> {
  return new Set(
    fields.flatMap((field) => ((isNew ? field.createable : field.updateable) ? field.name : [])),
  )
}
