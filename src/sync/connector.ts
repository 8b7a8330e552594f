import type { z } from 'zod'
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

/** A failed call as a whole. `record` faults never come this way: they are push results. */
export class VendorFault extends Error {
  readonly kind: FaultKind
  /** Not before this many milliseconds, when the vendor said so. */
  readonly retryAfterMs: number | null
  /** The vendor's own name for this call in its logs. */
  readonly correlationId: string | null

  constructor(
    kind: FaultKind,
    message: string,
    options: { retryAfterMs?: number | null; correlationId?: string | null; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'VendorFault'
    this.kind = kind
    this.retryAfterMs = options.retryAfterMs ?? null
    this.correlationId = options.correlationId ?? null
  }
}

/** A link between a workspace and a vendor's account, opened: credentials are in the clear here and nowhere else. */
export interface OpenConnection {
  id: string
  settings: Record<string, unknown>
  /** Counts each call made, for the run's ledger and the metrics. */
  onCall(call: {
    method: string
    path: string
    status: number
    durationMs: number
    correlationId: string | null
  }): void
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
}

export type PushResult =
  | { kind: 'written'; externalId: string; created: boolean }
  | { kind: 'refused'; fault: FaultKind; code: string; detail: string }

export interface Stream {
  name: string
  /** The entity of ours that its records become or come from. */
  entity: string
  /** Minutes between scheduled runs, and why so. */
  everyMinutes: number
  batchSize: number
  /** The next page after the cursor; null starts from the beginning. */
  pull?(cursor: unknown, signal: AbortSignal): Promise<PullPage>
  /** The vendor's properties for a record, pure; equal properties mean that nothing needs to be written. */
  toVendor?(record: EntityRecord): Record<string, string>
  /** Writes up to `batchSize` records in as few calls as the vendor allows; one result a change, in order. */
  push?(
    changes: readonly (PushChange & { properties: Record<string, string> })[],
    signal: AbortSignal,
  ): Promise<PushResult[]>
}

export interface Session {
  /** One cheap call that shows that the credentials work; answers the account's name or id. */
  test(signal: AbortSignal): Promise<{ account: string }>
  /** What must exist at the vendor before the first push (such as our unique property); idempotent. */
  prepare(signal: AbortSignal): Promise<void>
  /** In the order in which a whole run goes through them. */
  streams: readonly Stream[]
  close(): Promise<void>
}

export interface Connector {
  vendor: string
  label: string
  /** Settings and credentials; fields with `meta({ secret: true })` never leave the hub again. */
  settings: z.ZodType
  open(connection: OpenConnection): Session
}
