import { objectOf, textOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import type { Account } from './account.ts'
import { freshCampaign } from './campaign-writes.ts'
import type { Campaign } from './campaigns.routes.ts'
import { RowRefusal } from './errors.ts'
import { OBJECT_TYPES, findObjectType } from './object-types.ts'
import type { ObjectTypeName } from './object-types.ts'
import type { Owner } from './owners.ts'
import { readPipeline } from './pipelines.routes.ts'
import { createProperty } from './properties.routes.ts'
import { readerOf } from './readers.ts'
import type { CrmRecord, Source, Values } from './records.ts'
import type { Change } from './state.ts'
import { WritePlan } from './writes.ts'

/** An owner to seed; what is left out is made up. */
export interface OwnerSeed {
  id: string
  email: string
  firstName?: string
  lastName?: string
  userId?: number
  type?: 'PERSON' | 'QUEUE'
  archived?: boolean
  teams?: Owner['teams']
}

/** A campaign to seed; reports are empty unless given. */
type CampaignSeed = Pick<Campaign, 'id' | 'properties'> &
  Partial<Omit<Campaign, 'id' | 'properties'>>

/** A record to seed. Read-only properties may be set too: they stand for what HubSpot fills in. */
export interface RecordSeed {
  properties: Record<string, string>
  /** Epoch milliseconds; now unless given. */
  createdAtMs?: number
}

/** What to put into an account at once. Records get their ids in the order given. */
export interface Seed {
  owners?: OwnerSeed[]
  properties?: Partial<Record<ObjectTypeName, JsonObject[]>>
  pipelines?: Partial<Record<ObjectTypeName, JsonObject[]>>
  records?: Partial<Record<ObjectTypeName, RecordSeed[]>>
  campaigns?: CampaignSeed[]
  /** By position within the seed's own `records`; unlabelled, the first company is primary. */
  associations?: {
    from: ObjectTypeName
    fromIndex: number
    to: ObjectTypeName
    toIndex: number
    typeId?: number
  }[]
}

/** A record as it stands, with the properties that hold something. */
export interface StoredRecord {
  id: string
  createdAtMs: number
  updatedAtMs: number
  archived: boolean
  properties: Values
}

/** What a person in HubSpot does. HubSpot docs: property history, source CRM_UI. */
const BY_USER: Source = { type: 'CRM_UI', id: 'userId:12345' }

/** Seeds are committed in lines of this many changes. */
const CHUNK = 1000

/**
 * Puts everything of the seed into the account and returns the new record ids by type.
 * @throws Error that names the first row that the account refuses; what came before it stays.
 */
export function seedAccount(account: Account, seed: Seed): Record<ObjectTypeName, string[]> {
  for (const owner of seed.owners ?? []) putOwner(account, owner)
  for (const type of OBJECT_TYPES) {
    for (const definition of seed.properties?.[type.name] ?? []) {
      createProperty(account, type, definition, { isSeed: true })
    }
    for (const pipeline of seed.pipelines?.[type.name] ?? []) {
      const read = readPipeline(account, type, pipeline)
      account.state.commit([{ do: 'pipeline', type: type.name, pipeline: read }])
    }
  }
  const ids: Record<ObjectTypeName, string[]> = {
    contacts: [],
    companies: [],
    deals: [],
    tickets: [],
    leads: [],
    tasks: [],
  }
  for (const { name } of OBJECT_TYPES) {
    ids[name] = seedRecords(account, name, seed.records?.[name] ?? [])
  }
  seedAssociations(account, seed.associations ?? [], ids)
  for (const campaign of seed.campaigns ?? []) putCampaign(account, campaign)
  return ids
}

function seedRecords(
  account: Account,
  type: ObjectTypeName,
  records: readonly RecordSeed[],
): string[] {
  const ids: string[] = []
  for (let start = 0; start < records.length; start += CHUNK) {
    const nowMs = account.clock.now()
    const by = { source: BY_USER, atMs: nowMs, allowReadOnly: true }
    const plan = new WritePlan(account.state, account.state.table(type), by)
    const changes: Change[] = []
    records.slice(start, start + CHUNK).forEach((record, i) => {
      const planned = planSeed(plan, record, `${type}[${start + i}]`)
      ids.push(String(planned.record.id))
      for (const change of planned.changes) {
        const atMs = record.createdAtMs ?? nowMs
        changes.push(change.do === 'create' ? { ...change, atMs } : change)
      }
    })
    account.state.commit(changes)
  }
  return ids
}

function planSeed(plan: WritePlan, record: RecordSeed, place: string) {
  try {
    return plan.create(record.properties)
  } catch (error) {
    if (!(error instanceof RowRefusal)) throw error
    throw new Error(`Seed ${place}: ${error.message}`, { cause: error })
  }
}

function seedAssociations(
  account: Account,
  associations: NonNullable<Seed['associations']>,
  ids: Record<ObjectTypeName, string[]>,
): void {
  const { linkTypes, links } = account.state
  for (const { from, fromIndex, to, toIndex, typeId } of associations) {
    const fromId = Number(ids[from][fromIndex])
    const toId = Number(ids[to][toIndex])
    const plain = linkTypes.unlabelled(from, to)
    const primary = linkTypes.primary(from, to)
    const isFirst = to === 'companies' && links.of(from, to, fromId).size === 0
    const wanted = [
      ...(typeId === undefined ? [] : [typeId]),
      ...(plain ? [plain.typeId] : []),
      ...(isFirst && primary ? [primary.typeId] : []),
    ]
    const typeIds = [...new Set(wanted)]
    account.state.commit([{ do: 'link', from, to, fromId, toId, typeIds }])
  }
}

/** Adds a campaign, or puts the new content in the place of the one with this id. */
function putCampaign(account: Account, seed: CampaignSeed): void {
  const { id, properties } = seed
  const campaign = { ...freshCampaign(id, properties, account.clock.now()), ...seed }
  account.state.commit([{ do: 'campaign', campaign }])
}

/**
 * Changes a campaign as a person in HubSpot does, the sums of its items too; a blank empties a property.
 * @throws Error when there is no such campaign.
 */
export function editCampaign(
  account: Account,
  id: string,
  properties: Record<string, string>,
): void {
  const held = account.state.campaigns.get(id)
  if (!held) throw new Error(`No campaign ${id}`)
  const all = Object.entries({ ...held.properties, ...properties })
  const campaign: Campaign = {
    ...held,
    properties: Object.fromEntries(all.filter(([, value]) => value !== '')),
    updatedAtMs: account.clock.now(),
  }
  account.state.commit([{ do: 'campaign', campaign }])
}

/** Adds an owner, or puts the new content in the place of the one with this id. */
export function putOwner(account: Account, seed: OwnerSeed): void {
  const nowMs = account.clock.now()
  const owner: Owner = {
    id: seed.id,
    email: seed.email.toLowerCase(),
    type: seed.type ?? 'PERSON',
    firstName: seed.firstName ?? '',
    lastName: seed.lastName ?? '',
    userId: seed.userId ?? Number(seed.id) + 1_000_000,
    teams: seed.teams ?? [],
    archived: seed.archived ?? false,
    createdAtMs: account.state.owners.get(seed.id)?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
  account.state.commit([{ do: 'owner', owner }])
}

/**
 * Changes a record behind the API's back, as a person in HubSpot does.
 * @throws Error when there is no such record or a value is refused.
 */
export function editRecord(
  account: Account,
  type: ObjectTypeName,
  id: string,
  properties: Record<string, string>,
  source: Source = BY_USER,
): void {
  const table = account.state.table(type)
  const record = table.find(id)
  if (!record) throw new Error(`No ${type} record ${id}`)
  const by = { source, atMs: account.clock.now(), allowReadOnly: true }
  account.state.commit(new WritePlan(account.state, table, by).update(record, properties).changes)
}

/** Takes a record away behind the API's back: into the recycling bin, or for good. */
export function removeRecord(
  account: Account,
  type: ObjectTypeName,
  id: string,
  how: 'archive' | 'vanish',
): void {
  const record = account.state.table(type).find(id)
  if (!record) throw new Error(`No ${type} record ${id}`)
  const atMs = account.clock.now()
  account.state.commit([
    how === 'archive'
      ? { do: 'archive', type, id: record.id, atMs }
      : { do: 'erase', type, id: record.id, emails: [] },
  ])
}

/** Every record of a type, archived ones among them, ascending ids. */
export function* storedRecords(account: Account, type: ObjectTypeName): Generator<StoredRecord> {
  for (const record of account.state.table(type).all()) yield storedRecord(record)
}

function storedRecord(record: CrmRecord): StoredRecord {
  return {
    id: String(record.id),
    createdAtMs: record.createdAtMs,
    updatedAtMs: record.updatedAtMs,
    archived: record.archivedAtMs !== 0,
    properties: { ...record.values },
  }
}

/** One property of a record as the API would show it; null without a value. */
export function readStored(
  account: Account,
  type: ObjectTypeName,
  id: string,
  property: string,
): string | null {
  const record = account.state.table(type).find(id)
  const read = readerOf(account.state, type, property)
  return record && read ? read(record) : null
}

/** The object type a control call names. @throws RangeError when there is none. */
export function typeNamed(body: JsonObject): ObjectTypeName {
  const type = findObjectType(textOf(body['type']) ?? '')
  if (!type) throw new RangeError(`No object type ${textOf(body['type'])}`)
  return type.name
}

/** The `properties` of a control call as texts. */
export function propertiesIn(body: JsonObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(objectOf(body['properties'])).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  )
}
