/** What a field holds: date-times are epoch milliseconds, dates `YYYY-MM-DD`. */
export type Value = string | number | boolean | null
export type Values = Record<string, Value>

export type FieldType =
  | 'id'
  | 'string'
  | 'textarea'
  | 'picklist'
  | 'multipicklist'
  | 'reference'
  | 'datetime'
  | 'date'
  | 'currency'
  | 'double'
  | 'int'
  | 'percent'
  | 'boolean'
  | 'email'
  | 'phone'
  | 'url'

export interface PicklistValue {
  value: string
  isDefault?: boolean
  isActive?: boolean
}

/** One column of an object. Salesforce docs: describe, field properties. */
export interface Field {
  name: string
  label: string
  type: FieldType
  length: number
  isNillable: boolean
  isCreateable: boolean
  isUpdateable: boolean
  isCustom: boolean
  isExternalId: boolean
  isUnique: boolean
  isCaseSensitive: boolean
  isCalculated: boolean
  /** What a create without the field gets. */
  fallback: Value
  /** Values outside the list are refused. */
  isRestricted: boolean
  picklist: PicklistValue[]
  referenceTo: string[]
  relationshipName: string | null
  /** The name of the children on the parent's side, for sub-queries. */
  childName: string | null
  /** Deleting the parent deletes the row. */
  isCascading: boolean
  /** No right to see it: to the API it does not exist. Salesforce docs: field-level security. */
  isHidden: boolean
}

type Options = Partial<Omit<Field, 'name' | 'type'>>

export function field(name: string, type: FieldType, options: Options = {}): Field {
  return {
    name,
    label: labelOf(name),
    type,
    length: 0,
    isNillable: true,
    isCreateable: true,
    isUpdateable: true,
    isCustom: name.endsWith('__c'),
    isExternalId: false,
    isUnique: false,
    isCaseSensitive: false,
    isCalculated: false,
    fallback: type === 'boolean' ? false : null,
    isRestricted: false,
    picklist: [],
    referenceTo: [],
    relationshipName: null,
    childName: null,
    isCascading: false,
    isHidden: false,
    ...options,
  }
}

export const text = (name: string, length: number, options: Options = {}) =>
  field(name, 'string', { length, ...options })

/** A text that a create must bring. */
export const required = (name: string, length: number) => text(name, length, { isNillable: false })

/** A list of values; the first is the fallback when `fallback` is true. */
export function picklist(name: string, values: string[], options: Options = {}): Field {
  return field(name, 'picklist', {
    length: 255,
    picklist: values.map((value) => ({ value })),
    ...options,
  })
}

/** A lookup. `childName` is what the parent calls the rows. */
export function reference(
  name: string,
  to: string | string[],
  childName: string | null = null,
  options: Options = {},
): Field {
  return field(name, 'reference', {
    length: 18,
    referenceTo: [to].flat(),
    relationshipName: name.endsWith('__c') ? name.replace(/__c$/, '__r') : name.replace(/Id$/, ''),
    childName,
    ...options,
  })
}

/** What the system or a formula sets; nobody writes it. */
export const readOnly = { isCreateable: false, isUpdateable: false } as const

function labelOf(name: string): string {
  return name
    .replace(/__c$/, '')
    .replaceAll('_', ' ')
    .replace(/(?<=[a-z])Id$/, ' ID')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
}

/** The columns every object has. Salesforce docs: system fields. */
export function systemFields(): Field[] {
  return [
    field('Id', 'id', { length: 18, isNillable: false, label: 'Record ID', ...readOnly }),
    field('IsDeleted', 'boolean', { isNillable: false, label: 'Deleted', ...readOnly }),
    field('CreatedDate', 'datetime', { isNillable: false, ...readOnly }),
    reference('CreatedById', 'User', null, { isNillable: false, ...readOnly }),
    field('LastModifiedDate', 'datetime', { isNillable: false, ...readOnly }),
    reference('LastModifiedById', 'User', null, { isNillable: false, ...readOnly }),
    field('SystemModstamp', 'datetime', { isNillable: false, ...readOnly }),
  ]
}
