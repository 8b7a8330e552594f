import type { z } from 'zod'
import type { Clock } from '#core/time.ts'
import type { Candidate, EntityRecord } from '#sync/entity.ts'

/** What went wrong at the vendor, in the engine's words; each connector maps its vendor's errors to these. */
export type FaultKind =
  | 'reauth'
  | 'permission'
  | 'rate_burst'
  | 'rate_daily'
  | 'transient'
  | 'cursor_lost'
  | 'mapping'
  | 'record'
  | 'conflict'
  | 'gone'
  | 'account'

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
  /** Counts each call made, for the run's ledger and the metrics. */
  onCall(call: VendorCall): void
  /** Keeps changed settings (a rotated refresh token) sealed, before they are used. */
  saveSettings(changes: Record<string, unknown>): Promise<void>
  /** Waits without holding up a shutdown; every pause of a connector goes through it. */
  wait(durationMs: number, signal: AbortSignal): Promise<void>
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
  /** What `toVendor` made of the record. */
  properties: Record<string, string>
}

export type PushResult =
  | { kind: 'written'; externalId: string; created: boolean }
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
  direction: 'pull' | 'push'
  /** Minutes between scheduled runs unless the workspace sets others. */
  everyMinutes: number
  /** Why this cadence is enough; shown beside it. */
  cadenceReason: string
  /** Records in one call of `push` or one page of `fetch`. */
  batchSize: number
  /** The next page after the cursor; null starts from the beginning. */
  pull?: (cursor: unknown, signal: AbortSignal) => Promise<PullPage>
  /** These records as they are now; those that are gone come as deleted candidates or not at all. At most `batchSize`. */
  fetch?: (externalIds: readonly string[], signal: AbortSignal) => Promise<Candidate[]>
  /** Ids of all live records at the vendor that carry an id of ours, page by page: the whole truth for reconciliation. */
  listLinked?: (cursor: unknown, signal: AbortSignal) => Promise<LinkedPage>
  /**
   * The vendor's properties for a record, pure; equal properties mean that nothing needs to be written.
   * @param references  vendor ids of the records that it names, by field; those not known at the vendor are absent.
   */
  toVendor?: (record: EntityRecord, references: Record<string, string>) => Record<string, string>
  /** Writes up to `batchSize` records in as few calls as the vendor allows; one result a change, in order. */
  push?: (changes: readonly PushChange[], signal: AbortSignal) => Promise<PushResult[]>
}

export interface LinkedPage {
  linked: { localId: string; externalId: string }[]
  cursor: unknown
  done: boolean
}

export interface Session {
  /** One cheap call that shows that the credentials work; answers the account's name or id. */
  test(signal: AbortSignal): Promise<{ account: string }>
  /** Names what `prepare` sees to; while a connection was prepared under this name, it is not called again. */
  readonly preparation: string
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
  close(): Promise<void>
}

export interface Connector {
  vendor: string
  label: string
  /** Settings and credentials; fields with `meta({ secret: true })` never leave the hub again. */
  settings: z.ZodType
  open(connection: OpenConnection): Session
}
