import type { z } from 'zod'
import type { Clock } from '#core/time.ts'
import type { Candidate, EntityRecord, FieldPolicy, FieldType, VendorValue } from '#sync/entity.ts'

/** What went wrong at the vendor, in the engine's words; each connector maps its vendor's errors to these. */
export type FaultKind =
  | 'reauth'
  | 'permission'
  | 'rate_burst'
  | 'rate_daily'
  /** The hub keeps to its own allowance, or a stream to its share of it; the vendor would still answer. */
  | 'rate_share'
  | 'transient'
  | 'cursor_lost'
  | 'mapping'
  | 'record'
  | 'conflict'
  | 'gone'
  | 'account'
  | 'approval'

/** A failed call as a whole. Faults of single records are push results instead. */
export class VendorFault extends Error {
  readonly kind: FaultKind
  /** Not before this many milliseconds, when the vendor said so. */
  readonly retryAfterMs: number | null
  /** The vendor's own name for this call in its logs. */
  readonly correlationId: string | null
  /** The vendor's own code, such as `PROPERTY_DOESNT_EXIST`. */
  readonly code: string | null

  /** @param message  what happened, without personal data and without secrets: it is kept and shown. */
  constructor(
    kind: FaultKind,
    message: string,
    options: {
      retryAfterMs?: number | null
      correlationId?: string | null
      code?: string | null
      cause?: unknown
    } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'VendorFault'
    this.kind = kind
    this.retryAfterMs = options.retryAfterMs ?? null
    this.correlationId = options.correlationId ?? null
    this.code = options.code ?? null
  }
}

/** One call as the run's ledger and the metrics see it: no query, no body, no secret. */
export interface VendorCall {
  method: string
  /** The path's template, such as `/crm/objects/{version}/contacts/batch/upsert`. */
  path: string
  /** 0 when no answer came. */
  status: number
  durationMs: number
  correlationId: string | null
}

/** A link between a workspace and a vendor's account, opened: credentials are in the clear here and nowhere else. */
export interface OpenConnection {
  id: string
  settings: Record<string, unknown>
  clock: Clock
  /** Before each call. @throws VendorFault `rate_share` when the connection, or the stream, may make no more today. Absent: as many as it likes. */
  beforeCall?(): Promise<void>
  /** Counts each call made, for the run's ledger and the metrics. */
  onCall(call: VendorCall): void
  /**
   * Keeps changed settings (a rotated refresh token) sealed, before they are used.
   * @throws VendorFault `gone` when the connection was deleted in the meantime and nothing is kept of it.
   */
  saveSettings(changes: Record<string, unknown>): Promise<void>
  /** The settings as they stand now: people may have changed them since it was opened. Absent, or null once it is gone: as they were. */
  readSettings?(): Promise<Record<string, unknown> | null>
  /** Waits without holding up a shutdown; every pause of a connector goes through it. */
  wait(durationMs: number, signal: AbortSignal): Promise<void>
  /** How long an answer is waited for; half a minute unless given. */
  timeoutMs?: number
  /** The fields that the workspace mapped beyond the connector's own table. Absent: none. */
  mappings?: readonly FieldMapping[]
}

/** Which way a field goes: only in, only out, or both, where `FieldPolicy` decides when both sides changed it. */
export type FieldDirection = 'pull' | 'push' | 'both'

/**
 * A row of a stream's own table: one field of ours and the vendor's properties that hold it. The connector's code turns
 * values (`toVendor`, and the mapping behind `pull`); the table tells the engine and the console what goes where.
 */
export interface FieldLink {
  field: string
  /** The vendor's names, such as `['amount', 'deal_currency_code']`. */
  properties: readonly string[]
  direction: FieldDirection
  /** Overrides the policy that the field has by itself. */
  policy?: FieldPolicy
  /** Fields that only mean something together, such as an amount and its currency: all are sent when one changed. */
  with?: readonly string[]
  /** The vendor takes it when the record is made and never again. */
  once?: boolean
  /** The vendor only takes records of this entity in it, such as contacts but no leads: others wait until they are such. */
  as?: string
  /** The vendor keeps no roles of the named records: those that are known here stay. */
  withoutRoles?: boolean
}

/** How a value changes on its way; each is undone on the way back. */
export type FieldTransform =
  | { kind: 'none' }
  /** Pairs of ours and theirs, such as `['working', 'IN_PROGRESS']`; values without a pair pass as they are. */
  | { kind: 'map'; pairs: readonly (readonly [ours: string, theirs: string])[] }
  /** Amounts: ours in minor units of this many digits, theirs in whole units. */
  | { kind: 'minor'; digits: number }
  | { kind: 'lower' }

/** A mapping that a workspace made: a field of ours, often `custom.<key>`, and one property of the vendor. */
export interface FieldMapping {
  entity: string
  field: string
  property: string
  direction: FieldDirection
  /** Null: the field's own. */
  policy: FieldPolicy | null
  transform: FieldTransform
}

/** What the vendor says of one of its fields; from its own describe or metadata call. */
export interface VendorField {
  name: string
  label: string
  type: FieldType
  /** Null when any value of the type may be set. */
  options: readonly { value: string; label: string }[] | null
  /** False: read-only or computed; a mapping can only pull it. */
  writable: boolean
  unique: boolean
  required: boolean
  /** Made by the customer, not the vendor's own. */
  custom: boolean
  /** The entity of ours that a reference points to, when there is one. */
  references?: string | null
  maxLength?: number | null
}

export interface PullPage {
  candidates: Candidate[]
  /** Kept with the page's rows; given back to the next pull. */
  cursor: unknown
  done: boolean
}

/** A record of ours to be written at the vendor. `key` is stable over retries, so that a repeated push has one effect. */
export interface PushChange {
  key: string
  record: EntityRecord
  /** The vendor's id when the record was linked before. */
  externalId: string | null
  /** What `toVendor` and the workspace's mappings made of the record: what changed only, when the record is linked. */
  properties: VendorProperties
  /** The record is gone here and is to be deleted at the vendor; `properties` is empty then. */
  deleted?: boolean
}

/** By the vendor's name, in the vendor's own form; a connector that speaks in text makes text of it. */
export type VendorProperties = Record<string, VendorValue>

export type PushResult =
  | {
      kind: 'written'
      externalId: string
      created: boolean
      /**
       * The record as the vendor holds it after the write, when the answer tells: vendors trim, lower-case and round.
       * Without it the next pull tells.
       */
      now?: Candidate | null
    }
  /**
   * The vendor has this record already and it is nobody else's: it is linked and merged as it is `now`, and what is left to
   * send follows. A connector never overwrites a record that it finds in the way.
   */
  | { kind: 'exists'; externalId: string; now: Candidate }
  | {
      kind: 'refused'
      fault: FaultKind
      /** The vendor's own code, such as `INVALID_EMAIL`; the error catalogue explains it. */
      code: string
      /** What the vendor said, without personal data. */
      detail: string
    }

export interface Stream {
  name: string
  /** The entity of ours that its records become or come from. */
  entity: string
  /** 'both' first pulls, then pushes; the engine merges field by field in between. */
  direction: FieldDirection
  /** What goes where, for streams that are merged field by field. Fields that it does not list are only pulled. */
  fields?: readonly FieldLink[]
  /** Pushes only records that have a link: others are another stream's to create (contacts beside leads). */
  onlyLinked?: boolean
  /** The vendor deletes on our word: records that are gone here are pushed as deleted. */
  pushesDeletes?: boolean
  /**
   * Where a record goes that `push` is told to delete, and how long it can be brought back from there; shown before an undo deletes
   * what a run made. Absent: the hub makes no records there, and none goes.
   */
  recycles?: string
  /**
   * Many accounts have no right to it, such as one that comes with a product of its own: what it takes. A right that is missing is
   * then an item of this stream, and no fault of the run.
   */
  optional?: string
  /** Minutes between scheduled runs unless the workspace sets others. */
  everyMinutes: number
  /** Why this cadence is enough; shown beside it. */
  cadenceReason: string
  /** Records in one call of `push`, and in one of `fetch` unless `fetchSize` says otherwise. */
  batchSize: number
  fetchSize?: number
  /** `fetch` with 'history' gives clocks of fields: before an edit is judged by its time, it is asked. */
  keepsHistory?: boolean
  /** What records take: the vendor's endpoints, and how many of them go in one call. Absent: `fetchSize` and `batchSize` a call. */
  costs?: { read: CallCost; update: CallCost }
  /**
   * What a first pull will take, asked of the vendor in one call that costs as little as it can, or none where it is the same each
   * time: records there, null where nobody asked, and calls.
   */
  sizeUp?: (signal: AbortSignal) => Promise<{ records: number | null; calls: number }>
  /** Calls that look whether records are there before so many are made, for vendors without a key to write under. Absent: none. */
  lookCalls?: (made: number, there: number) => number
  /** The next page after the cursor; null starts from the beginning. */
  pull?: (cursor: unknown, signal: AbortSignal) => Promise<PullPage>
  /**
   * These records as they are now; those that are gone come as deleted candidates or not at all. At most `batchSize`.
   * Streams that push have it: what is to be changed is read before it is written.
   * @param need  'history': with `clocks` and `history` where the vendor keeps them, at whatever calls it costs.
   */
  fetch?: (
    externalIds: readonly string[],
    signal: AbortSignal,
    need?: 'history',
  ) => Promise<Candidate[]>
  /** Which of these lie deleted in the vendor's recycle bin, for vendors whose `fetch` leaves them out. */
  listDeleted?: (externalIds: readonly string[], signal: AbortSignal) => Promise<string[]>
  /** Ids of all live records at the vendor that carry an id of ours, page by page: the whole truth for reconciliation. */
  listLinked?: (cursor: unknown, signal: AbortSignal) => Promise<LinkedPage>
  /** Ids of all live records at the vendor, page by page. Only after its end may a record that it lacks be called gone. */
  listAll?: (cursor: unknown, signal: AbortSignal) => Promise<ListedPage>
  /** The fields that the vendor has for these records, its own and the customer's, asked of the vendor. */
  describe?: (signal: AbortSignal) => Promise<VendorField[]>
  /**
   * The vendor's properties for a record, pure; equal properties mean that nothing needs to be written.
   * A field that is absent from `record.values` is not to be sent; null is to be cleared there.
   * @param references  vendor ids of the records that it names, by field; those not known at the vendor are absent.
   */
  toVendor?: (record: EntityRecord, references: VendorReferences) => VendorProperties
  /**
   * Writes up to `batchSize` records in as few calls as the vendor allows; one result a change, in order. The changes of one
   * call are all of records that have a vendor id, or none is.
   */
  push?: (changes: readonly PushChange[], signal: AbortSignal) => Promise<PushResult[]>
  /** Another way to write for volumes from `atLeast` records on, such as Salesforce's Bulk API 2.0. */
  bulk?: {
    atLeast: number
    batchSize: number
    push(changes: readonly PushChange[], signal: AbortSignal): Promise<PushResult[]>
  }
}

export interface CallCost {
  /** Method and template of the path, as in `VendorCall`. */
  endpoint: string
  records: number
}

/** Vendor ids by field; '' for a field that names nothing any more. Fields that name several are in `record.values`. */
export type VendorReferences = Record<string, string>

export interface ListedPage {
  records: { externalId: string; modifiedAt: Date | null }[]
  cursor: unknown
  done: boolean
}

/** What is left of an allowance of the vendor. */
export interface Quota {
  /** Such as `daily` or `search`. */
  name: string
  limit: number
  used: number
  resetsAt: Date | null
}

export interface LinkedPage {
  linked: { localId: string; externalId: string }[]
  cursor: unknown
  done: boolean
}

export interface Session {
  /**
   * One cheap call that shows that the credentials work; answers the account's name or id, and the zone in whose days the vendor
   * counts calls, where it tells.
   */
  test(signal: AbortSignal): Promise<{ account: string; dayZone?: string | null }>
  /** Names what `prepare` sees to; while a connection was prepared under this name, it is not called again. */
  readonly preparation: string
  /** Calls of a whole pass that are of no stream: its token, and what is asked once of the account. `sizeUp` leaves them out. */
  readonly accountCalls: number
  /** Calls that `prepare` makes where nothing of it is there yet, as far as a pass has not made them already. */
  readonly preparationCalls: number
  /** What must exist at the vendor before the first push (such as our unique property); idempotent. */
  prepare(signal: AbortSignal): Promise<void>
  /** In the order in which a whole run goes through them. */
  streams: readonly Stream[]
  /** Records that others name and that have no link yet, with the id of ours that they carry, if any. */
  identify?: (
    entity: string,
    externalIds: readonly string[],
    signal: AbortSignal,
  ) => Promise<Candidate[]>
  /**
   * Erases a person there for good, as far as the vendor lets a program do so; idempotent.
   * @returns what is left to know, such as how long it lies in a recycle bin; null: nothing.
   */
  erase?: (entity: string, externalId: string, signal: AbortSignal) => Promise<string | null>
  /**
   * Sees that the vendor tells of changes at the address: makes what is missing there, puts right what is not sound, and with null takes
   * away what was made. Idempotent; without a call where it was looked at today, or where people set it up by hand. Absent: only they do.
   */
  subscribe?: (address: string | null, signal: AbortSignal) => Promise<void>
  /** The vendor's allowances as they stand; one cheap call at most. */
  quota?: (signal: AbortSignal) => Promise<Quota[]>
  close(): Promise<void>
}

/** A request that a vendor sends, as it came. */
export interface HookRequest {
  method: string
  /** As the vendor called it: the hub's public address, path and query. */
  url: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Buffer
  now: Date
}

/** A record of the vendor that it says has changed. What it is now is asked for; what the message says of it is not used. */
export interface HookEvent {
  stream: string
  externalId: string
  /** When it changed, by the vendor's clock. */
  at: Date | null
  /** A write of the hub itself came back. */
  isOwnEcho: boolean
  /** The same for each delivery of the event, other for other events; any length. */
  key: string
}

/** How a vendor tells of changes. All are pure. */
export interface Hooks {
  /**
   * Where those tell that the hub itself made at the vendor, and so has to take away; null: it made none. Absent: it never does.
   */
  ownAddress?(settings: Record<string, unknown>): string | null
  /** Whether the request is the vendor's own and fresh, in constant time. False when the settings lack the secret. */
  verify(request: HookRequest, settings: Record<string, unknown>): boolean
  /** What a verified body tells; kinds of event that the hub has no stream for are left out. @throws SyntaxError */
  read(body: Buffer): HookEvent[]
}

export interface Login {
  label: string
  /** Names of settings. */
  fields: readonly string[]
}

export interface Connector {
  vendor: string
  label: string
  /** Settings and credentials; fields with `meta({ secret: true })` never leave the hub again, those with `kept` are the connector's own. */
  settings: z.ZodType
  /** The ways to sign in, the usual one first, each with the settings that it takes. */
  logins: readonly Login[]
  open(connection: OpenConnection): Session
  /** Absent: the vendor does not tell, and is asked by the cadence of its streams. */
  hooks?: Hooks
  /** By entity or `entity.field` of the hub: why this connector has nothing for it. Shown beside the streams. */
  lacks?: Readonly<Record<string, string>>
  /** Calls a day that may go into sending changes at once; the rest is the schedule's. 50,000 unless given. */
  changeCallsPerDay?: number
}
