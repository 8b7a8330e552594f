import { noJournal } from '#sandbox/journal.ts'
import type { Journal } from '#sandbox/journal.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import type { CustomField } from './custom-fields.ts'
import { KINDS } from './kinds.ts'
import type { Kind } from './kinds.ts'
import { RowTable } from './tables.ts'

/** Who changed something, and whether in the web app or by the API. */
export interface Actor {
  userId: number
  source: 'app' | 'api'
}

/** One field that a write changed. */
export interface LogEntry {
  field: string
  before: Json
  after: Json
  atMs: number
  by: Actor
}

/** One record. */
export interface Row {
  /** A number as text; a UUID for leads. */
  id: string
  addedAtMs: number
  updatedAtMs: number
  /** 0 while the record lives. */
  deletedAtMs: number
  /** The record it was merged into. */
  mergedInto: string | null
  /** The record that it took in last. */
  mergedFrom: string | null
  /** Standard fields; all of the kind's are there. */
  values: JsonObject
  /** Custom fields that hold something, by hash. */
  custom: JsonObject
  followers: { userId: number; addedAtMs: number }[]
  /** Oldest first, the creation left out. */
  log: LogEntry[]
}

export interface Pipeline {
  id: number
  name: string
  orderNr: number
  isDeleted: boolean
  isProbabilityEnabled: boolean
  addedAtMs: number
  updatedAtMs: number
}

export interface Stage {
  id: number
  name: string
  pipelineId: number
  orderNr: number
  isDeleted: boolean
  /** 0 to 100. */
  probability: number
  isRotEnabled: boolean
  daysToRotten: number | null
  addedAtMs: number
  updatedAtMs: number
}

export interface User {
  id: number
  name: string
  email: string
  isActive: boolean
  isDeleted: boolean
  isAdmin: boolean
  addedAtMs: number
  updatedAtMs: number
}

export interface Participant {
  id: number
  dealId: string
  personId: string
  addedAtMs: number
}

export interface Webhook {
  id: number
  name: string
  url: string
  action: string
  object: string
  version: string
  userId: number
  ownerId: number
  authUser: string | null
  authPassword: string | null
  addedAtMs: number
  /** It stands there and sends nothing. */
  isSwitchedOff: boolean
}

/** An OAuth installation. */
export interface Grant {
  refreshToken: string
  userId: number
  scopes: string[]
  lastUsedAtMs: number
}

/** What subscribers of a record's kind are told. */
export interface Event {
  action: 'create' | 'change' | 'delete'
  kind: Kind
  row: Row
  /** The fields that changed, as they were; the whole record of a deletion. */
  previous: JsonObject | null
  by: Actor
  mergedInto?: string
  mergedFrom?: string
}

/** Everything that can happen to an account. State is these changes, applied in order. */
export type Change =
  | { do: 'put'; kind: Kind; row: Row; event?: Omit<Event, 'row' | 'kind'> }
  | { do: 'vanish'; kind: Kind; id: string }
  | { do: 'field'; kind: Kind; field: CustomField }
  | { do: 'drop-field'; kind: Kind; code: string }
  | { do: 'pipeline'; pipeline: Pipeline }
  | { do: 'stage'; stage: Stage }
  | { do: 'user'; user: User }
  | { do: 'participant'; participant: Participant }
  | { do: 'drop-participant'; id: number }
  | { do: 'webhook'; webhook: Webhook }
  | { do: 'drop-webhook'; id: number }
  | { do: 'grant'; grant: Grant }
  | { do: 'access'; token: string; refreshToken: string; expiresAtMs: number }
  | { do: 'revoke'; refreshToken: string }

/** One Pipedrive company's data, kept in memory and, with a journal, on disk. */
export class AccountState {
  tables = new Map<Kind, RowTable>()
  customFields = new Map<Kind, Map<string, CustomField>>()
  pipelines = new Map<number, Pipeline>()
  stages = new Map<number, Stage>()
  users = new Map<number, User>()
  participants = new Map<number, Participant>()
  private dealParticipants = new Map<string, Map<number, Participant>>()
  webhooks = new Map<number, Webhook>()
  grants = new Map<string, Grant>()
  accessTokens = new Map<string, { refreshToken: string; expiresAtMs: number }>()
  /** Goes up with every change. */
  revision = 0
  journal: Journal = noJournal
  /** Told of each change of a record that is committed, not of those that are replayed. */
  onEvent: (event: Event) => void = () => undefined
  private lastIds = new Map<string, number>()

  constructor() {
    this.clear()
  }

  /** Back to an account without records; the journal is emptied as well. */
  clear(): void {
    this.journal.clear()
    for (const kind of KINDS) {
      this.tables.set(kind, new RowTable())
      this.customFields.set(kind, new Map())
    }
    for (const map of [this.pipelines, this.stages, this.users, this.participants]) map.clear()
    this.dealParticipants.clear()
    this.webhooks.clear()
    this.grants.clear()
    this.accessTokens.clear()
    this.lastIds.clear()
    for (const change of firstDay()) this.apply(change)
    this.revision += 1
  }

  table(kind: Kind): RowTable {
    const table = this.tables.get(kind)
    if (!table) throw new RangeError(`No kind ${kind}`)
    return table
  }

  fieldsOf(kind: Kind): Map<string, CustomField> {
    return this.customFields.get(kind) ?? new Map<string, CustomField>()
  }

  participantsOf(dealId: string): Participant[] {
    return [...(this.dealParticipants.get(dealId)?.values() ?? [])]
  }

  /** An id that was never given before; each kind of thing counts for itself, so ids of two kinds are often alike. */
  nextId(series: string): number {
    const id = (this.lastIds.get(series) ?? 0) + 1
    this.lastIds.set(series, id)
    return id
  }

  /** Writes the changes to the journal as one line, then carries them out. */
  commit(changes: readonly Change[]): void {
    if (changes.length === 0) return
    this.journal.append(changes)
    this.replay(changes)
    for (const change of changes) {
      if (change.do !== 'put' || !change.event) continue
      this.onEvent({ ...change.event, kind: change.kind, row: change.row })
    }
  }

  /** Carries out changes that the journal already has. */
  replay(changes: readonly Change[]): void {
    for (const change of changes) this.apply(change)
    this.revision += 1
  }

  private apply(change: Change): void {
    switch (change.do) {
      case 'put':
        this.table(change.kind).put(change.row)
        this.keepId(change.kind, Number(change.row.id))
        return
      case 'vanish':
        this.table(change.kind).remove(change.id)
        return
      case 'field':
        this.fieldsOf(change.kind).set(change.field.code, change.field)
        this.keepId('field', change.field.id)
        for (const option of change.field.options ?? []) this.keepId('option', option.id)
        return
      case 'drop-field':
        this.fieldsOf(change.kind).delete(change.code)
        return
      case 'pipeline':
        this.pipelines.set(change.pipeline.id, change.pipeline)
        this.keepId('pipeline', change.pipeline.id)
        return
      case 'stage':
        this.stages.set(change.stage.id, change.stage)
        this.keepId('stage', change.stage.id)
        return
      case 'user':
        this.users.set(change.user.id, change.user)
        this.keepId('user', change.user.id)
        return
      case 'participant':
        this.dropParticipant(change.participant.id)
        this.addParticipant(change.participant)
        return
      case 'drop-participant':
        this.dropParticipant(change.id)
        return
      case 'webhook':
        this.webhooks.set(change.webhook.id, change.webhook)
        this.keepId('webhook', change.webhook.id)
        return
      case 'drop-webhook':
        this.webhooks.delete(change.id)
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

  private addParticipant(participant: Participant): void {
    const { id, dealId } = participant
    const all = this.dealParticipants.get(dealId) ?? new Map<number, Participant>()
    this.dealParticipants.set(dealId, all.set(id, participant))
    this.participants.set(id, participant)
    this.keepId('participant', id)
  }

  private dropParticipant(id: number): void {
    const known = this.participants.get(id)
    if (known) this.dealParticipants.get(known.dealId)?.delete(id)
    this.participants.delete(id)
  }

  private keepId(series: string, id: number): void {
    if (!Number.isSafeInteger(id)) return
    this.lastIds.set(series, Math.max(id, this.lastIds.get(series) ?? 0))
  }
}

/** What every new company has: an admin and a pipeline of five stages. */
function firstDay(): Change[] {
  const times = { addedAtMs: 0, updatedAtMs: 0 }
  const names = ['Qualified', 'Contact Made', 'Demo Scheduled', 'Proposal Made', 'Negotiations']
  const user = { id: 1, name: 'Admin', email: 'admin@example.com', isAdmin: true }
  return [
    { do: 'user', user: { ...user, isActive: true, isDeleted: false, ...times } },
    {
      do: 'pipeline',
      pipeline: {
        id: 1,
        name: 'Pipeline',
        orderNr: 1,
        isDeleted: false,
        isProbabilityEnabled: true,
        ...times,
      },
    },
    ...names.map((name, i): Change => {
      const stage = { id: i + 1, name, pipelineId: 1, orderNr: i + 1, probability: 100 }
      const rotting = { isRotEnabled: false, daysToRotten: null }
      return { do: 'stage', stage: { ...stage, ...rotting, isDeleted: false, ...times } }
    }),
  ]
}
