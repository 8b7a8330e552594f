import type { Json, JsonObject } from '#sandbox/json.ts'
import type { Field } from './fields.ts'
import { KEY_PREFIXES } from './ids.ts'
import type { ObjectDefinition } from './objects.ts'
import type { Org } from './org.ts'
import { isFilterable } from './soql-compile.ts'

const NUMBERS: Partial<Record<Field['type'], [precision: number, scale: number, soap: string]>> = {
  currency: [18, 2, 'xsd:double'],
  double: [18, 2, 'xsd:double'],
  percent: [3, 0, 'xsd:double'],
  int: [8, 0, 'xsd:int'],
}
const SOAP: Partial<Record<Field['type'], string>> = {
  id: 'tns:ID',
  reference: 'tns:ID',
  datetime: 'xsd:dateTime',
  date: 'xsd:date',
  boolean: 'xsd:boolean',
}

/** What describe global says of an object. Salesforce docs: describe global. */
export function describeBriefly(org: Org, object: ObjectDefinition): JsonObject {
  const base = `${org.basePath}/sobjects/${object.name}`
  return {
    activateable: false,
    createable: object.isCreateable,
    custom: false,
    customSetting: false,
    deletable: object.isDeletable,
    deprecatedAndHidden: false,
    feedEnabled: false,
    hasSubtypes: false,
    isSubtype: false,
    keyPrefix: KEY_PREFIXES[object.name] ?? null,
    label: object.label,
    labelPlural: object.labelPlural,
    layoutable: object.isCreateable,
    mergeable: ['Lead', 'Contact', 'Account'].includes(object.name),
    mruEnabled: false,
    name: object.name,
    queryable: true,
    replicateable: object.isCreateable,
    retrieveable: true,
    searchable: object.isCreateable,
    triggerable: object.isCreateable,
    undeletable: object.isDeletable,
    updateable: object.isUpdateable,
    urls: {
      sobject: base,
      describe: `${base}/describe`,
      rowTemplate: `${base}/{ID}`,
    },
  }
}

/** Salesforce docs: describe sObject; fields that the user may not see are not there. */
export function describeObject(org: Org, object: ObjectDefinition): JsonObject {
  const fields = [...object.fields.values()].filter((field) => !field.isHidden)
  return {
    ...describeBriefly(org, object),
    childRelationships: childRelationships(org, object.name),
    fields: fields.map(describeField),
    recordTypeInfos: recordTypeInfos(org, object.name),
    supportedScopes: [{ label: 'All records', name: 'everything' }],
  }
}

function describeField(field: Field): JsonObject {
  const [precision, scale, soapType] = NUMBERS[field.type] ?? [0, 0, null]
  const isPicklist = field.type === 'picklist' || field.type === 'multipicklist'
  return {
    aggregatable: true,
    autoNumber: false,
    byteLength: field.length * 3,
    calculated: field.isCalculated,
    calculatedFormula: null,
    cascadeDelete: field.isCascading,
    caseSensitive: field.isCaseSensitive,
    createable: field.isCreateable,
    custom: field.isCustom,
    defaultValue: field.type === 'boolean' ? field.fallback === true : null,
    defaultedOnCreate: field.fallback !== null || field.name === 'OwnerId',
    dependentPicklist: false,
    deprecatedAndHidden: false,
    digits: field.type === 'int' ? 8 : 0,
    externalId: field.isExternalId,
    filterable: isFilterable(field),
    groupable: isFilterable(field) && field.type !== 'currency',
    idLookup: field.type === 'id' || field.isExternalId,
    inlineHelpText: null,
    label: field.label,
    length: field.length,
    name: field.name,
    nameField: field.name === 'Name',
    nillable: field.isNillable,
    permissionable: field.isNillable,
    picklistValues: isPicklist ? field.picklist.map(describeValue) : [],
    polymorphicForeignKey: field.referenceTo.length > 1,
    precision,
    referenceTo: field.referenceTo,
    relationshipName: field.relationshipName,
    restrictedPicklist: field.isRestricted,
    scale,
    soapType: soapType ?? SOAP[field.type] ?? 'xsd:string',
    sortable: isFilterable(field),
    type: field.type,
    unique: field.isUnique,
    updateable: field.isUpdateable,
  }
}

function describeValue(value: Field['picklist'][number]): JsonObject {
  return {
    active: value.isActive !== false,
    defaultValue: value.isDefault === true,
    label: value.value,
    validFor: null,
    value: value.value,
  }
}

function childRelationships(org: Org, parent: string): Json[] {
  return [...org.state.objects.values()].flatMap((child) =>
    [...child.fields.values()]
      .filter((field) => !field.isHidden && field.referenceTo.includes(parent))
      .map((field) => ({
        cascadeDelete: field.isCascading,
        childSObject: child.name,
        field: field.name,
        relationshipName: field.childName,
        restrictedDelete: false,
      })),
  )
}

/** The id of the record type every object has. Salesforce docs: master record type. */
export const MASTER_RECORD_TYPE = '012000000000000AAA'

function recordTypeInfos(org: Org, object: string): Json[] {
  const own = [...org.state.table('RecordType').all()].filter(
    (row) => row.values['SobjectType'] === object && !row.isDeleted,
  )
  const infos = own.map((row, i) => ({
    active: row.values['IsActive'] === true,
    available: true,
    defaultRecordTypeMapping: i === 0,
    developerName: row.values['DeveloperName'] ?? null,
    master: false,
    name: row.values['Name'] ?? null,
    recordTypeId: row.id,
  }))
  const master = {
    active: true,
    available: true,
    defaultRecordTypeMapping: infos.length === 0,
    developerName: 'Master',
    master: true,
    name: 'Master',
    recordTypeId: MASTER_RECORD_TYPE,
  }
  return [...infos, master]
}
