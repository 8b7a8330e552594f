import { noJournal } from '#sandbox/journal.ts'
import type { Journal } from '#sandbox/journal.ts'
import type { Field } from './fields.ts'
import { KEY_PREFIXES, idOf, numberOfId } from './ids.ts'
import { standardObjects } from './objects.ts'
import type { ObjectDefinition } from './objects.ts'
import { RecordTable } from './records.ts'
import type { SfRecord } from './records.ts'

/** What an installation of the connected app was granted. */
export interface Grant {
  refreshToken: string
  userId: string
  scopes: string[]
}

/** Everything that can happen to an org. State is these changes, applied in order. */
export type Change =
  | { do: 'put'; object: string; record: SfRecord }
  | { do: 'drop'; object: string; id: string }
  | { do: 'field'; object: string; field: Field }
  | { do: 'grant'; grant: Grant }
  | { do: 'revoke'; refreshToken: string }
  | { do: 'session'; token: string; userId: string; refreshToken: string | null; atMs: number }
  | { do: 'end-session'; token: string }

/** Fields that are looked up by value in every org. */
const INDEXED: [string, string[]][] = [
  ['Lead', ['Email']],
  ['Contact', ['Email', 'AccountId']],
  ['Opportunity', ['AccountId']],
  ['OpportunityContactRole', ['OpportunityId', 'ContactId']],
  ['OpportunityHistory', ['OpportunityId']],
  ['OpportunityStage', ['ApiName']],
  ['CampaignMember', ['CampaignId', 'LeadId', 'ContactId']],
  ['CampaignMemberStatus', ['CampaignId']],
  ['Task', ['WhoId', 'WhatId']],
  ['User', ['Username']],
]

/** A session of the API: an access token and whose it is. */
export interface Session {
  userId: string
  refreshToken: string | null
  /** The last call; sessions end when they are idle. */
  usedAtMs: number
}

/** One org's data, kept in memory and, with a journal, on disk. */
export class OrgState {
  objects = new Map<string, ObjectDefinition>()
  grants = new Map<string, Grant>()
  sessions = new Map<string, Session>()
  journal: Journal = noJournal
  private tables = new Map<string, RecordTable>()
  private lastIds = new Map<string, number>()
  /** While a transaction is open: what brings the rows back, and what goes to the journal. */
  private undo: { object: string; id: string; before: SfRecord | null }[] = []
  private unwritten: Change[] = []
  private depth = 0

  constructor() {
    this.clear()
  }

  /** Back to an empty org; the journal is emptied as well. */
  clear(): void {
    this.journal.clear()
    this.objects = standardObjects()
    this.tables = new Map([...this.objects.keys()].map((name) => [name, new RecordTable()]))
    for (const [object, fields] of INDEXED) {
      for (const name of fields) this.table(object).addIndex(name, true)
    }
    this.grants.clear()
    this.sessions.clear()
    this.lastIds.clear()
  }

  table(object: string): RecordTable {
    const table = this.tables.get(object)
    if (!table) throw new RangeError(`No object ${object}`)
    return table
  }

  object(name: string): ObjectDefinition {
    const object = this.objects.get(name)
    if (!object) throw new RangeError(`No object ${name}`)
    return object
  }

  /** An id that was never given before. */
  nextId(object: string): string {
    const n = (this.lastIds.get(object) ?? 0) + 1
    this.lastIds.set(object, n)
    return idOf(KEY_PREFIXES[object] ?? 'a00', n)
  }

  put(object: string, record: SfRecord): void {
    this.commit([{ do: 'put', object, record }])
  }

  /** Carries the changes out, and writes them to the journal at once or with the transaction. */
  commit(changes: readonly Change[]): void {
    if (changes.length === 0) return
    if (this.depth > 0) this.unwritten.push(...changes)
    else this.journal.append(changes)
    this.replay(changes)
  }

  /**
   * All that `act` puts, or nothing of it when it throws or answers false. May be nested: what an
   * inner one takes back, the outer one never saw.
   */
  transaction<T>(act: () => T, isKept: (result: T) => boolean = () => true): T {
    const undoFrom = this.undo.length
    const writtenFrom = this.unwritten.length
    this.depth += 1
    let kept = false
    try {
      const result = act()
      kept = isKept(result)
      return result
    } finally {
      this.depth -= 1
      if (!kept) {
        for (const { object, id, before } of this.undo.splice(undoFrom).toReversed()) {
          if (before) this.table(object).put(before)
          else this.table(object).drop(id)
        }
        this.unwritten.length = writtenFrom
      }
      if (this.depth === 0) {
        if (this.unwritten.length > 0) this.journal.append(this.unwritten)
        this.undo = []
        this.unwritten = []
      }
    }
  }

  /** What `act` would change, without it having happened. */
  rehearse(act: () => void): Change[] {
    const from = this.unwritten.length
    let changes: Change[] = []
    this.transaction(
      () => {
        act()
        changes = this.unwritten.slice(from)
      },
      () => false,
    )
    return changes
  }

  /** Carries out changes that the journal already has. */
  replay(changes: readonly Change[]): void {
    for (const change of changes) this.apply(change)
  }

  private apply(change: Change): void {
    switch (change.do) {
      case 'put': {
        const { object, record } = change
        if (this.depth > 0) {
          const before = this.table(object).find(record.id)
          this.undo.push({ object, id: record.id, before })
        } else {
          this.noteId(object, record.id)
        }
        this.table(object).put(record)
        return
      }
      case 'drop':
        this.table(change.object).drop(change.id)
        return
      case 'field': {
        const { object, field } = change
        this.object(object).fields.set(field.name, field)
        if (field.isExternalId || field.isUnique) {
          this.table(object).addIndex(field.name, !field.isCaseSensitive)
        }
        return
      }
      case 'grant':
        this.grants.set(change.grant.refreshToken, change.grant)
        return
      case 'revoke':
        this.grants.delete(change.refreshToken)
        for (const [token, session] of this.sessions) {
          if (session.refreshToken === change.refreshToken) this.sessions.delete(token)
        }
        return
      case 'session': {
        const { token, userId, refreshToken, atMs } = change
        this.sessions.set(token, { userId, refreshToken, usedAtMs: atMs })
        return
      }
      case 'end-session':
        this.sessions.delete(change.token)
        return
    }
  }

  /** After a restart the next id comes after the highest of the journal. */
  private noteId(object: string, id: string): void {
    const prefix = KEY_PREFIXES[object] ?? 'a00'
    const last = this.lastIds.get(object) ?? 0
    if (id <= idOf(prefix, last)) return
    this.lastIds.set(object, numberOfId(id))
  }
}
