import type { Json, JsonObject } from '#sandbox/json.ts'
import type { Values } from './fields.ts'
import { field } from './fields.ts'
import { addField, readMetadata } from './metadata.routes.ts'
import type { StageSeed } from './objects.ts'
import { putStages } from './org.ts'
import type { DuplicateRule, Org, ValidationRule } from './org.ts'
import { valueOf } from './records.ts'
import type { SfRecord } from './records.ts'
import { shown } from './soql-run.ts'
import { dateOf } from './times.ts'
import { childrenOf, deleteRow, insertRow, updateRow } from './writes.ts'
import type { WriteBy } from './writes.ts'

/** A row to seed: fields by name; `@Account[0]` stands for the id of a row of the same seed. */
export type RowSeed = Record<string, Json>

/** What to put into an org at once. Rows get their ids in the order given. */
export interface Seed {
  stages?: StageSeed[]
  /**
   * Custom fields as the Metadata API describes them; a known one is replaced. The hub's user may write them unless they are
   * `hidden` or `readOnly`.
   */
  fields?: Record<string, ({ name: string } & JsonObject)[]>
  /** `stages`: those that the type's sales process shows. */
  recordTypes?: { object: string; name: string; stages?: string[] }[]
  records?: Record<string, RowSeed[]>
  validationRules?: ValidationRule[]
  duplicateRules?: DuplicateRule[]
}

/** A row as it stands. */
export interface StoredRecord {
  id: string
  createdAtMs: number
  modifiedAtMs: number
  isDeleted: boolean
  modifiedBy: string
  values: Values
}

/** Parents before the rows that name them. */
const ORDER = ['User', 'Group', 'QueueSobject', 'PermissionSet', 'Account', 'Contact', 'Campaign']

/**
 * Puts everything of the seed into the org; answers the ids of the rows by object.
 * @throws Error that names the first row that the org refuses; what came before it stays.
 */
export function seedOrg(org: Org, seed: Seed): Record<string, string[]> {
  if (seed.stages) putStages(org, seed.stages)
  for (const [object, fields] of Object.entries(seed.fields ?? {})) {
    for (const { name, ...metadata } of fields) {
      addField(org, object, { ...readMetadata(name, metadata), ...rightsIn(metadata) })
    }
  }
  const ids: Record<string, string[]> = {}
  ids['RecordType'] = (seed.recordTypes ?? []).map(({ object, name, stages }) => {
    const by = backstage(org)
    const { id } = insertRow(org, by, 'RecordType', { Name: name, SobjectType: object })
    if (stages) org.stagesByType.set(id, stages)
    return id
  })
  const names = Object.keys(seed.records ?? {})
  const ranked = names.toSorted((a, b) => rank(a) - rank(b))
  for (const object of ranked) {
    const rows = seed.records?.[object] ?? []
    ids[object] = rows.map((row, i) => seedRow(org, object, i, resolved(row, ids)))
  }
  org.validationRules.push(...(seed.validationRules ?? []))
  org.duplicateRules.push(...(seed.duplicateRules ?? []))
  return ids
}

/** What the user may do with a field. Salesforce docs: field-level security. */
function rightsIn({ readOnly, hidden }: JsonObject) {
  const isWritable = readOnly !== true
  return { isHidden: hidden === true, isCreateable: isWritable, isUpdateable: isWritable }
}

function rank(object: string): number {
  const at = ORDER.indexOf(object)
  return at < 0 ? ORDER.length : at
}

function seedRow(org: Org, object: string, i: number, row: JsonObject): string {
  try {
    return org.state.transaction(() => insertRow(org, backstage(org), object, row)).id
  } catch (error) {
    throw new Error(`Seed ${object}[${i}]: ${String(error)}`, { cause: error })
  }
}

function resolved(row: RowSeed, ids: Record<string, string[]>): JsonObject {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      const match = typeof value === 'string' ? /^@(\w+)\[(\d+)\]$/.exec(value) : null
      return [name, match ? (ids[match[1] ?? '']?.[Number(match[2])] ?? null) : value]
    }),
  )
}

/** What a person in Salesforce does: the rules of the API do not look. */
function backstage(org: Org, userId = org.adminId): WriteBy {
  return { userId, autoAssign: false, allowSave: true, isBackstage: true, fault: null }
}

/** The administrator's step before the hub comes: `Hub_Id__c`, External ID and Unique. */
export function installHubIds(
  org: Org,
  objects = ['Lead', 'Contact', 'Account', 'Opportunity', 'Campaign', 'CampaignMember', 'Task'],
): void {
  for (const object of objects) {
    const hubId = field('Hub_Id__c', 'string', {
      label: 'Hub Id',
      length: 80,
      isExternalId: true,
      isUnique: true,
      isCaseSensitive: true,
    })
    addField(org, object, hubId)
  }
}

/** How an edit behind the API's back is made. */
export interface EditOptions {
  /** Who; the administrator unless given. */
  userId?: string
  /**
   * A long transaction: the change has the time of now and can be seen only so much later, as the
   * sync engine's overlap is there for.
   */
  lateMs?: number
}

/** Changes a row as a person does. @throws Error when there is none. */
export function editRow(
  org: Org,
  object: string,
  id: string,
  values: JsonObject,
  { userId, lateMs }: EditOptions = {},
): void {
  const act = () => {
    updateRow(org, backstage(org, userId), object, rowOf(org, object, id), values)
  }
  if (lateMs === undefined) {
    org.state.transaction(act)
    return
  }
  org.late.push({ visibleAtMs: org.clock.now() + lateMs, changes: org.state.rehearse(act) })
}

/** Adds a row as a person does; answers its id. */
export function addRow(org: Org, object: string, values: JsonObject, userId?: string): string {
  return org.state.transaction(() => insertRow(org, backstage(org, userId), object, values)).id
}

/** Into the recycle bin; or gone without a trace, as after a purge. */
export function removeRow(org: Org, object: string, id: string, how: 'bin' | 'vanish'): void {
  const row = rowOf(org, object, id)
  if (how === 'vanish') org.state.commit([{ do: 'drop', object, id: row.id }])
  else org.state.transaction(() => deleteRow(org, backstage(org), object, row.id))
}

/** Out of the recycle bin. */
export function undeleteRow(org: Org, object: string, id: string): void {
  const row = rowOf(org, object, id)
  const atMs = org.now()
  org.state.put(object, { ...row, isDeleted: false, stampMs: atMs, modifiedAtMs: atMs })
}

function rowOf(org: Org, object: string, id: string): SfRecord {
  const row = org.state.table(object).find(id)
  if (!row) throw new Error(`No ${object} ${id}`)
  return row
}

export interface Conversion {
  accountId: string
  contactId: string
  opportunityId: string | null
}

/**
 * Converts a lead as a person does. Salesforce docs: convert leads. Campaign memberships and tasks
 * go on with the contact; the lead stays, and takes no more updates.
 */
export function convertLead(
  org: Org,
  id: string,
  options: { accountId?: string; contactId?: string; opportunityName?: string } = {},
): Conversion {
  const lead = rowOf(org, 'Lead', id)
  const by = backstage(org)
  const { values } = lead
  return org.state.transaction(() => {
    const ownerId = values['OwnerId'] ?? null
    const accountId =
      options.accountId ??
      insertRow(org, by, 'Account', { Name: values['Company'] ?? '', OwnerId: ownerId }).id
    const copied = ['FirstName', 'LastName', 'Email', 'Phone', 'Title', 'LeadSource', 'OwnerId']
    const contactId =
      options.contactId ??
      insertRow(org, by, 'Contact', {
        ...Object.fromEntries(copied.map((name) => [name, values[name] ?? null])),
        HasOptedOutOfEmail: values['HasOptedOutOfEmail'] ?? false,
        AccountId: accountId,
      }).id
    const opportunityId =
      options.opportunityName === undefined
        ? null
        : insertRow(org, by, 'Opportunity', {
            Name: options.opportunityName,
            StageName: firstStage(org),
            CloseDate: dateOf(org.now() + 90 * 86_400_000),
            AccountId: accountId,
            ContactId: contactId,
            LeadSource: values['LeadSource'] ?? null,
            OwnerId: ownerId,
          }).id
    updateRow(org, by, 'Lead', lead, {
      IsConverted: true,
      Status: 'Closed - Converted',
      ConvertedDate: dateOf(org.now()),
      ConvertedAccountId: accountId,
      ConvertedContactId: contactId,
      ConvertedOpportunityId: opportunityId,
    })
    for (const member of childrenOf(org, 'CampaignMember', 'LeadId', lead.id)) {
      updateRow(org, by, 'CampaignMember', member, { ContactId: contactId })
    }
    for (const task of childrenOf(org, 'Task', 'WhoId', lead.id)) {
      updateRow(org, by, 'Task', task, { WhoId: contactId, WhatId: opportunityId ?? accountId })
    }
    return { accountId, contactId, opportunityId }
  })
}

function firstStage(org: Org): string {
  const open = [...org.state.table('OpportunityStage').all()]
    .filter(({ values }) => values['IsActive'] === true && values['IsClosed'] !== true)
    .sort((a, b) => Number(a.values['SortOrder']) - Number(b.values['SortOrder']))
  return String(open[0]?.values['ApiName'] ?? '')
}

/**
 * Merges rows as a person does. Salesforce docs: merge; the losers go to the recycle bin and name
 * the master, and what hung on them hangs on the master.
 */
export function mergeRows(
  org: Org,
  object: string,
  masterId: string,
  loserIds: readonly string[],
  values: JsonObject = {},
): void {
  const by = backstage(org)
  org.state.transaction(() => {
    for (const loserId of loserIds) {
      const loser = rowOf(org, object, loserId)
      for (const child of org.state.objects.values()) {
        for (const { name, referenceTo } of child.fields.values()) {
          if (!referenceTo.includes(object) || name === 'MasterRecordId') continue
          for (const row of childrenOf(org, child.name, name, loser.id)) {
            moveChild(org, by, child.name, row, name, masterId)
          }
        }
      }
      updateRow(org, by, object, loser, { MasterRecordId: masterId })
      deleteRow(org, by, object, loser.id)
    }
    updateRow(org, by, object, rowOf(org, object, masterId), values)
  })
}

/** A membership that the master has already goes with the loser. */
function moveChild(
  org: Org,
  by: WriteBy,
  object: string,
  row: SfRecord,
  lookup: string,
  masterId: string,
): void {
  const isTwin =
    object === 'CampaignMember' &&
    childrenOf(org, object, lookup, masterId).some(
      (other) => other.values['CampaignId'] === row.values['CampaignId'],
    )
  if (isTwin) deleteRow(org, by, object, row.id)
  else updateRow(org, by, object, row, { [lookup]: masterId })
}

/** Every row of an object, those in the recycle bin among them. */
export function* storedRecords(org: Org, object: string): Generator<StoredRecord> {
  for (const row of org.state.table(object).all()) {
    const { id, createdAtMs, modifiedAtMs, isDeleted, modifiedBy, values } = row
    yield { id, createdAtMs, modifiedAtMs, isDeleted, modifiedBy, values: { ...values } }
  }
}

/** One field of a row as the API would show it; null without a value. */
export function readStored(org: Org, object: string, id: string, name: string) {
  const row = org.state.table(object).find(id)
  const column = org.state.object(object).fields.get(name)
  return row && column ? shown(column, valueOf(row, name)) : null
}
