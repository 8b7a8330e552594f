import { dropsWrite } from '#sandbox/faults.ts'
import type { Fault } from '#sandbox/faults.ts'
import { isObject } from '#sandbox/json.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import { derive, historyOf } from './derive.ts'
import { RowRefusal } from './errors.ts'
import type { Field, Values } from './fields.ts'
import type { ObjectDefinition } from './objects.ts'
import { hitsRow } from './org.ts'
import type { Org } from './org.ts'
import type { SfRecord } from './records.ts'
import { requireUnique, requireValid } from './rules.ts'
import { findField, lookupOf } from './soql-compile.ts'
import { acceptValue } from './values.ts'

/** Who writes, and how the call asked for it. */
export interface WriteBy {
  userId: string
  /** False for `Sforce-Auto-Assign: FALSE`. */
  autoAssign: boolean
  /** True for `Sforce-Duplicate-Rule-Header: allowSave=true`. */
  allowSave: boolean
  /** Backstage: read-only fields may be set, and the customer's rules do not look. */
  isBackstage: boolean
  /** The injected fault of the call that rows meet. */
  fault: Fault | null
}

export interface Written {
  id: string
  isNew: boolean
}

/**
 * Creates a row and what follows from it.
 * @throws RowRefusal when the row is refused; nothing is then changed.
 */
export function insertRow(org: Org, by: WriteBy, object: string, sent: JsonObject): Written {
  const definition = org.state.object(object)
  requireRight(definition, 'isCreateable', by)
  const values = acceptAll(org, definition, sent, 'create', by)
  const named = new Set(Object.keys(values))
  for (const field of definition.fields.values()) {
    if (values[field.name] === undefined && field.fallback !== null) {
      values[field.name] = field.fallback
    }
  }
  assignOwner(org, definition, values, by)
  requireAll(definition, values)
  const id = org.state.nextId(object)
  return finish(org, by, object, null, id, values, named)
}

/**
 * Changes a row and what follows from it.
 * @throws RowRefusal when the row is refused; nothing is then changed.
 */
export function updateRow(
  org: Org,
  by: WriteBy,
  object: string,
  before: SfRecord,
  sent: JsonObject,
): Written {
  const definition = org.state.object(object)
  requireRight(definition, 'isUpdateable', by)
  if (before.isDeleted) throw new RowRefusal('ENTITY_IS_DELETED', 'entity is deleted', [], 404)
  if (object === 'Lead' && before.values['IsConverted'] === true && !by.isBackstage) {
    throw new RowRefusal('CANNOT_UPDATE_CONVERTED_LEAD', 'cannot reference converted lead', [])
  }
  const changed = acceptAll(org, definition, sent, 'update', by)
  const values = { ...before.values, ...changed }
  requireAll(definition, values)
  return finish(org, by, object, before, before.id, values, new Set(Object.keys(changed)))
}

function finish(
  org: Org,
  by: WriteBy,
  object: string,
  before: SfRecord | null,
  id: string,
  values: Values,
  named: ReadonlySet<string>,
): Written {
  const atMs = org.now()
  derive(org, object, before, values, named)
  const after: SfRecord = {
    id,
    values,
    createdAtMs: before?.createdAtMs ?? atMs,
    modifiedAtMs: atMs,
    stampMs: atMs,
    createdBy: before?.createdBy ?? by.userId,
    modifiedBy: by.userId,
    isDeleted: false,
  }
  if (!by.isBackstage) requireValid(org, object, before, after, by.allowSave)
  requireUnique(org, object, after, named)
  const written = { id, isNew: before === null }
  const { fault } = by
  if (fault?.kind === 'refuse-rows' && hitsRow(org, fault)) {
    throw new RowRefusal(fault.code, fault.message ?? refusalText(fault.code, id), fault.fields)
  }
  if (fault?.kind === 'lose-rows' && hitsRow(org, fault)) return written
  if (dropsWrite(fault, { ...written, values })) return written
  org.state.put(object, after)
  follow(org, by, object, before, after)
  return written
}

function refusalText(code: string, id: string): string {
  return code === 'UNABLE_TO_LOCK_ROW'
    ? `unable to obtain exclusive access to this record or 1 records: ${id}`
    : code
}

/** What the platform writes elsewhere because of a row. */
function follow(
  org: Org,
  by: WriteBy,
  object: string,
  before: SfRecord | null,
  after: SfRecord,
): void {
  const aside: WriteBy = { ...by, isBackstage: true, fault: null }
  const { values } = after
  if (object === 'Opportunity') {
    const history = historyOf(before, after)
    if (history) insertRow(org, aside, 'OpportunityHistory', history)
    if (!before && values['ContactId']) {
      const role = { OpportunityId: after.id, ContactId: values['ContactId'], IsPrimary: true }
      insertRow(org, aside, 'OpportunityContactRole', role)
    }
  }
  if (object === 'Campaign' && !before) {
    for (const [Label, HasResponded] of [
      ['Sent', false],
      ['Responded', true],
    ] as const) {
      const status = { CampaignId: after.id, Label, HasResponded, IsDefault: !HasResponded }
      insertRow(org, aside, 'CampaignMemberStatus', status)
    }
  }
  if (object === 'OpportunityContactRole' && values['IsPrimary'] === true) {
    const table = org.state.table(object)
    for (const other of table.findBy('OpportunityId', values['OpportunityId'] ?? null) ?? []) {
      if (other.id === after.id || other.values['IsPrimary'] !== true) continue
      updateRow(org, aside, object, other, { IsPrimary: false })
    }
  }
  if (object === 'FieldPermissions' || object === 'PermissionSetAssignment') {
    reveal(org, String(values[object === 'FieldPermissions' ? 'ParentId' : 'PermissionSetId']))
  }
}

/** Salesforce docs: field permissions; they count once somebody has the permission set. */
function reveal(org: Org, permissionSetId: string): void {
  const assignments = childrenOf(org, 'PermissionSetAssignment', 'PermissionSetId', permissionSetId)
  if (assignments.length === 0) return
  for (const { values } of childrenOf(org, 'FieldPermissions', 'ParentId', permissionSetId)) {
    const object = String(values['SobjectType'])
    const name = String(values['Field']).split('.')[1] ?? ''
    const field = org.state.objects.get(object)?.fields.get(name)
    if (!field?.isHidden || values['PermissionsRead'] !== true) continue
    org.state.commit([{ do: 'field', object, field: { ...field, isHidden: false } }])
  }
}

/** Puts the row into the recycle bin, and those that go with it. */
export function deleteRow(org: Org, by: WriteBy, object: string, id: string): void {
  requireRight(org.state.object(object), 'isDeletable', by)
  const row = org.state.table(object).find(id)
  if (!row) throw new RowRefusal('NOT_FOUND', 'The requested resource does not exist', [], 404)
  if (row.isDeleted) throw new RowRefusal('ENTITY_IS_DELETED', 'entity is deleted', [], 404)
  const { fault } = by
  if (fault?.kind === 'lose-rows' && hitsRow(org, fault)) return
  const atMs = org.now()
  const gone = { isDeleted: true, stampMs: atMs, modifiedAtMs: atMs, modifiedBy: by.userId }
  org.state.put(object, { ...row, ...gone })
  for (const child of org.state.objects.values()) {
    for (const field of child.fields.values()) {
      if (!field.isCascading || !field.referenceTo.includes(object)) continue
      for (const each of childrenOf(org, child.name, field.name, row.id)) {
        if (!each.isDeleted) deleteRow(org, { ...by, isBackstage: true }, child.name, each.id)
      }
    }
  }
}

/** Live rows whose lookup names this row. */
export function childrenOf(org: Org, object: string, lookup: string, id: string): SfRecord[] {
  const table = org.state.table(object)
  const found = table.findBy(lookup, id)
  if (found) return found
  return [...table.all()].filter((row) => !row.isDeleted && row.values[lookup] === id)
}

function requireRight(
  object: ObjectDefinition,
  right: 'isCreateable' | 'isUpdateable' | 'isDeletable',
  by: WriteBy,
): void {
  if (by.isBackstage || object[right]) return
  throw new RowRefusal(
    'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
    `entity type ${object.name} does not support ${right.slice(2).toLowerCase()}`,
    [],
  )
}

function acceptAll(
  org: Org,
  object: ObjectDefinition,
  sent: JsonObject,
  how: 'create' | 'update',
  by: WriteBy,
): Values {
  const values: Values = {}
  for (const [name, value] of Object.entries(sent)) {
    if (name === 'attributes' || (how === 'update' && name.toLowerCase() === 'id')) continue
    if (isObject(value)) {
      const [field, id] = resolveParent(org, object, name, value)
      values[field.name] = id
      continue
    }
    const field = findField(object, name)
    if (!field) {
      const message = `No such column '${name}' on sobject of type ${object.name}`
      throw new RowRefusal('INVALID_FIELD', message, [])
    }
    requireWritable(field, how, by)
    values[field.name] = acceptValue(org.state, field, value)
  }
  return values
}

function requireWritable(field: Field, how: 'create' | 'update', by: WriteBy): void {
  const isWritable = how === 'create' ? field.isCreateable : field.isUpdateable
  if (isWritable || by.isBackstage) return
  throw new RowRefusal(
    'INVALID_FIELD_FOR_INSERT_UPDATE',
    `Unable to create/update fields: ${field.name}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`,
    [field.name],
  )
}

/** `"Account": {"Hub_Id__c": "A-1"}`. Salesforce docs: upsert, relate records with an external id. */
function resolveParent(
  org: Org,
  object: ObjectDefinition,
  relationship: string,
  by: JsonObject,
): [Field, string] {
  const lookup = lookupOf(object, relationship)
  const [key = '', value = null] = Object.entries(by).find(([name]) => name !== 'attributes') ?? []
  for (const target of lookup?.referenceTo ?? []) {
    const field = findField(org.state.object(target), key)
    if (!lookup || !field?.isExternalId) continue
    const rows = org.state.table(target).findBy(field.name, scalar(value)) ?? []
    const [row] = rows
    if (rows.length > 1) {
      throw new RowRefusal(
        'DUPLICATE_EXTERNAL_ID',
        `More than one record found for external id field: ${field.name}`,
        [field.name],
      )
    }
    if (row) return [lookup, row.id]
    const message = `Foreign key external ID: ${String(scalar(value)).toLowerCase()} not found for field ${field.name} in entity ${target}`
    throw new RowRefusal('INVALID_FIELD', message, [])
  }
  const message = `No such column '${relationship}' on sobject of type ${object.name}`
  throw new RowRefusal('INVALID_FIELD', message, [])
}

function scalar(value: Json): string | number | boolean | null {
  return typeof value === 'object' ? null : value
}

function requireAll(object: ObjectDefinition, values: Values): void {
  const missing = [...object.fields.values()]
    .filter((field) => !field.isNillable && field.isCreateable && field.type !== 'boolean')
    .filter((field) => values[field.name] === null || values[field.name] === undefined)
    .map((field) => field.name)
  if (missing.length === 0) return
  throw new RowRefusal(
    'REQUIRED_FIELD_MISSING',
    `Required fields are missing: [${missing.join(', ')}]`,
    missing,
  )
}

/** The caller unless the call names an owner; the assignment rule unless the call forbids it. */
function assignOwner(org: Org, object: ObjectDefinition, values: Values, by: WriteBy): void {
  if (!object.fields.has('OwnerId')) return
  const { leadAssignmentOwnerId } = org.settings
  if (object.name === 'Lead' && by.autoAssign && leadAssignmentOwnerId !== null) {
    values['OwnerId'] = leadAssignmentOwnerId
  }
  values['OwnerId'] ??= by.userId
}
