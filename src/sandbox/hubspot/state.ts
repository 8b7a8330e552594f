import { noJournal } from '#sandbox/journal.ts'
import type { Journal } from '#sandbox/journal.ts'
import type { Campaign } from './campaigns.routes.ts'
import { AssociationStore, AssociationTypes } from './associations.ts'
import type { AssociationType } from './associations.ts'
import { defaultProperties } from './definitions.ts'
import type { PropertyDefinition } from './definitions.ts'
import { mergedRecord } from './merged-record.ts'
import { OBJECT_TYPES } from './object-types.ts'
import type { ObjectTypeName } from './object-types.ts'
import type { Owner } from './owners.ts'
import { defaultPipelines } from './pipelines.ts'
import type { Pipeline } from './pipelines.ts'
import type { Reader } from './readers.ts'
import { RecordTable, createdRecord, updatedRecord } from './records.ts'
import type { Source, Values } from './records.ts'

/** An OAuth installation: the refresh token and the access tokens it gave. */
export interface Grant {
  refreshToken: string
  userId: number
  scopes: string[]
}

/** Everything that can happen to an account. State is these changes, applied in order. */
export type Change =
  | {
      do: 'create' | 'update'
      type: ObjectTypeName
      id: number
      atMs: number
      source: Source
      values: Values
    }
  | { do: 'archive'; type: ObjectTypeName; id: number; atMs: number }
  /** Gone for good. With `email`, HubSpot docs: GDPR delete, the address is blocklisted. */
  | { do: 'erase'; type: ObjectTypeName; id: number; emails: string[] }
  | {
      do: 'merge'
      type: ObjectTypeName
      /** The survivor's id: a new one, or the primary's. */
      id: number
      primaryId: number
      otherId: number
      atMs: number
      source: Source
    }
  | {
      do: 'link' | 'unlink'
      from: ObjectTypeName
      to: ObjectTypeName
      fromId: number
      toId: number
      typeIds: number[]
    }
  | { do: 'property'; type: ObjectTypeName; definition: PropertyDefinition }
  | { do: 'pipeline'; type: ObjectTypeName; pipeline: Pipeline }
  | { do: 'drop-pipeline'; type: ObjectTypeName; id: string }
  | { do: 'owner'; owner: Owner }
  | { do: 'campaign'; campaign: Campaign }
  | { do: 'drop-campaign'; id: string }
  | { do: 'label'; type: AssociationType; inverse: AssociationType }
  | { do: 'relabel'; typeId: number; label: string }
  | { do: 'drop-label'; typeId: number }
  | { do: 'grant'; grant: Grant }
  | { do: 'access'; token: string; refreshToken: string; expiresAtMs: number }
  | { do: 'revoke'; refreshToken: string }

/** Record ids are beyond 32 bits, as real ones are. */
const FIRST_ID = 29_000_000_000

/** One HubSpot account's data, kept in memory and, with a journal, on disk. */
export class AccountState {
  tables = new Map<ObjectTypeName, RecordTable>()
  properties = new Map<ObjectTypeName, Map<string, PropertyDefinition>>()
  pipelines = new Map<ObjectTypeName, Pipeline[]>()
  owners = new Map<string, Owner>()
  campaigns = new Map<string, Campaign>()
  links = new AssociationStore()
  linkTypes = new AssociationTypes()
  grants = new Map<string, Grant>()
  accessTokens = new Map<string, { refreshToken: string; expiresAtMs: number }>()
  blockedEmails = new Set<string>()
  /** Goes up with every change, so that kept search results know when they are stale. */
  revision = 0
  journal: Journal = noJournal
  /** How to read each property; emptied when a definition or pipeline changes. */
  readers = new Map<ObjectTypeName, Map<string, Reader | null>>()
  private lastId = FIRST_ID
  private sources = new Map<string, Source>()

  constructor() {
    this.clear()
  }

  /** Back to an empty account; the journal is emptied as well. */
  clear(): void {
    this.journal.clear()
    for (const type of OBJECT_TYPES) {
      this.tables.set(type.name, new RecordTable(type))
      this.properties.set(type.name, defaultProperties(type.name))
    }
    this.pipelines = defaultPipelines()
    this.owners.clear()
    this.campaigns.clear()
    this.links = new AssociationStore()
    this.linkTypes = new AssociationTypes()
    this.grants.clear()
    this.accessTokens.clear()
    this.blockedEmails.clear()
    this.readers.clear()
    this.lastId = FIRST_ID
    this.revision += 1
  }

  table(type: ObjectTypeName): RecordTable {
    const table = this.tables.get(type)
    if (!table) throw new RangeError(`No object type ${type}`)
    return table
  }

  pipelinesOf(type: ObjectTypeName): Pipeline[] {
    return this.pipelines.get(type) ?? []
  }

  /** An id that was never given before. */
  nextId(): number {
    this.lastId += 1
    return this.lastId
  }

  /** Writes the changes to the journal as one line, then carries them out. */
  commit(changes: readonly Change[]): void {
    if (changes.length === 0) return
    this.journal.append(changes)
    this.replay(changes)
  }

  /** Carries out changes that the journal already has. */
  replay(changes: readonly Change[]): void {
    for (const change of changes) this.apply(change)
    this.revision += 1
  }

  private apply(change: Change): void {
    switch (change.do) {
      case 'create':
      case 'update':
      case 'archive':
      case 'erase':
      case 'merge':
        this.applyToRecord(change)
        return
      case 'link':
      case 'unlink':
        for (const typeId of change.typeIds) {
          const type = this.linkTypes.find(change.from, change.to, typeId)
          if (type) this.links[change.do](type, change.fromId, change.toId)
        }
        return
      case 'property':
        this.readers.clear()
        this.properties.get(change.type)?.set(change.definition.name, change.definition)
        if (change.definition.hasUniqueValue) {
          this.table(change.type).addUnique(change.definition.name)
        }
        return
      case 'pipeline': {
        this.readers.clear()
        const kept = this.pipelinesOf(change.type).filter(({ id }) => id !== change.pipeline.id)
        const all = [...kept, change.pipeline].sort((a, b) => a.displayOrder - b.displayOrder)
        this.pipelines.set(change.type, all)
        return
      }
      case 'drop-pipeline': {
        this.readers.clear()
        const kept = this.pipelinesOf(change.type).filter(({ id }) => id !== change.id)
        this.pipelines.set(change.type, kept)
        return
      }
      case 'owner':
        this.owners.set(change.owner.id, change.owner)
        return
      case 'campaign':
        this.campaigns.set(change.campaign.id, change.campaign)
        return
      case 'drop-campaign':
        this.campaigns.delete(change.id)
        return
      case 'label':
        this.linkTypes.add(change.type, change.inverse)
        return
      case 'relabel':
        this.linkTypes.relabel(change.typeId, change.label)
        return
      case 'drop-label':
        this.linkTypes.remove(change.typeId)
        return
      case 'grant':
        this.grants.set(change.grant.refreshToken, change.grant)
        return
      case 'access':
        this.accessTokens.set(change.token, change)
        return
      case 'revoke':
        this.grants.delete(change.refreshToken)
        return
    }
  }

  private applyToRecord(
    change: Extract<Change, { do: 'create' | 'update' | 'archive' | 'erase' | 'merge' }>,
  ): void {
    const table = this.table(change.type)
    const current = change.do === 'create' ? null : table.find(String(change.id))
    this.lastId = Math.max(this.lastId, change.id)
    switch (change.do) {
      case 'create':
        table.put(createdRecord(change.id, change.atMs, this.intern(change.source), change.values))
        return
      case 'update':
        if (!current) return
        table.put(updatedRecord(current, change.atMs, this.intern(change.source), change.values))
        return
      case 'archive':
        if (current) table.put({ ...current, archivedAtMs: change.atMs })
        return
      case 'erase':
        for (const email of change.emails) this.blockedEmails.add(email)
        for (const to of OBJECT_TYPES) this.links.forget(change.type, to.name, change.id)
        table.remove(change.id)
        return
      case 'merge':
        this.merge(change)
        return
    }
  }

  /** HubSpot docs: merge records. The survivor gets a new id, to which the old ids resolve. */
  private merge(change: Extract<Change, { do: 'merge' }>): void {
    const table = this.table(change.type)
    const primary = table.find(String(change.primaryId))
    const other = table.find(String(change.otherId))
    if (!primary || !other) return
    const survivor = mergedRecord(change.id, primary, other, change.atMs, change.source)
    for (const old of [primary.id, other.id]) {
      if (old === change.id) continue
      for (const to of OBJECT_TYPES) this.links.move(change.type, to.name, old, change.id)
      table.remove(old, change.id)
    }
    table.put(survivor)
  }

  /** The one object for this source, so that a million records share it. */
  private intern(source: Source): Source {
    const key = `${source.type} ${source.id}`
    const known = this.sources.get(key) ?? source
    this.sources.set(key, known)
    return known
  }
}
