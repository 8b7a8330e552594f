import type { z } from 'zod'
import type { Problem } from '#core/problem.ts'
import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'

/** Who calls. Scopes are `<resource>:<action>`; deny is the default. */
export interface Principal {
  id: string
  kind: 'api_key' | 'user' | 'client' | 'system'
  workspaceId: string
  scopes: ReadonlySet<string>
  /** Requests a minute that this principal may make. */
  rateLimitPerMinute: number
  /** What is left of that while the credential is clamped. */
  clampPerMinute?: number
  /** The OAuth client that calls, for itself (`kind` client) or for the person (`kind` user). */
  clientId?: string
  /** The person's own session at the console; none when an application calls for them. */
  session?: {
    id: string
    authenticatedAt: Date
    methods: readonly string[]
    /** Whether they proved themselves by a second factor then. */
    isBySecondFactor: boolean
    /** The browser that it is bound to; null where the client keeps none. */
    device: KnownDevice | null
  }
  /** The roles of a person; quotas may go by them. */
  roles?: readonly string[]
  /** What narrows these scopes to accounts, teams, records or circumstances; none for most. */
  narrowing?: Narrowing
}

/** The browser of a person, as rules on devices look at it. */
export interface KnownDevice {
  id: string
  firstSeenAt: Date
  confirmedAt: Date | null
}

/** A record as permissions look at it: by its id, and by its owner who places it in teams. */
export interface PlacedRecord {
  id: string
  ownerId: string | null
}

/** What holds beyond scopes. The access module fills it in; the gateway asks at the places where everything passes. */
export interface Narrowing {
  /** The customer accounts that this principal is limited to; null for all. */
  accounts: ReadonlySet<string> | null
  /** Whether teams or records are told apart under this scope. */
  tellsApart(scope: string): boolean
  /** Whether some team or record is open under a scope that the principal does not have for the whole domain. */
  reaches(scope: string): boolean
  mayTouch(scope: string, record: PlacedRecord): boolean
  judge(call: {
    scope: string
    now: Date
    remoteAddress: string
    /** What the caller says the data is for: the header X-Purpose. */
    purpose: string | null
    isPersonal: boolean
    /** The device of a person's session; null for all other callers. */
    device: KnownDevice | null
  }): Leave
}

/** What rules on circumstances say to a call. */
export type Leave =
  | { kind: 'allow' }
  | {
      kind: 'deny' | 'step_up'
      rule: string
      /** What does not hold, in words: “from this network”. */
      unmet: readonly string[]
      /** A second factor is what the caller has to give. */
      takesSecondFactor: boolean
    }

/** Shows personal values as they are; without it they are masked in every answer and export. */
export const REVEAL_SCOPE = 'people:reveal'

/** One line of the audit log: what happened to which record. `changed` names fields; values of personal fields stay out. */
export interface AuditDraft {
  action: string
  subjectId: string
  detail?: Record<string, unknown>
}

export interface OperationContext {
  tx: Transaction
  principal: Principal
  now: Date
  requestId: string
  /** The version that the caller's If-Match names; a write to another version is `resource.version_mismatch`. */
  expectedVersion: number | null
  /** Adds a domain event beyond the operation's own; it commits with the transaction. */
  emit(draft: EventDraft): void
  /** Adds an audit entry beyond the operation's own. */
  audit(draft: AuditDraft): void
  /** Sends a header beyond those of the operation (a cookie); it is not kept for a replay. Not for collective operations. */
  sendHeader(name: string, value: string): void
}

/** The outcome of one input of a collective operation. */
export type Settled<Output> =
  | {
      kind: 'done'
      output: Output
      /** 200 when nothing new was made, 201 otherwise. */ status?: 200 | 201
    }
  | { kind: 'refused'; problem: Problem }

/** The row of one record, for the audit entry of an operation whose record has no read of its own. */
export interface ChangedRow {
  table: string
  /** The column that names the record within the workspace. */
  key: string
  /** The field of the input that names it; without, what is made new and named by `subject`. */
  field?: string
  /** Columns that before and after may tell: no secret, nothing personal. */
  columns: readonly string[]
  /** Where a record has a row for each version: the column that tells the newest. */
  newest?: string
}

interface Shape<Input extends z.ZodType, Output extends z.ZodType> {
  /** Unique, camelCase; the OpenAPI operationId and the audit action. */
  id: string
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With `{name}` for path fields, which are fields of `input`. */
  path: string
  /** Null for the few routes that need no credentials. */
  scope: string | null
  /** A dangerous act: a person must have proved to be there within so many minutes, else `auth.step_up_required`. */
  freshWithinMinutes?: number
  /** Stays open at the full rate under a clamp: whoever looks into an attack must not be kept out by it. */
  outsideClamp?: boolean
  summary: string
  description?: string
  tag: string
  /** One object: path fields, then query fields (GET, DELETE) or body fields (others). */
  input: Input
  output: Output
  /** Success status; default 200, POST that creates 201. */
  status?: 200 | 201 | 202 | 204
  /** The event that a success tells, and the id of the record it is about. */
  event?: string
  subject?(output: z.output<Output>, input: z.output<Input>): string
  /** Which row it changes, where no read shows the record: the audit entry says before and after from it. */
  row?: ChangedRow
  /** The path of the new or changed record, for `Location`. */
  location?(output: z.output<Output>): string
  /** The version of the record, for ETag and If-Match (only numbers that grow). */
  version?(output: z.output<Output>): number
  /** List operations that stream as CSV at the same path with `Accept: text/csv`; the rows are `output.data`. */
  csv?: readonly CsvColumn[]
}

export interface CsvColumn {
  title: string
  /** A field of the wire row, dotted for nested ones. */
  field: string
  type?: 'text' | 'number'
}

/** One request, one transaction. */
export interface SingleOperation<Input extends z.ZodType, Output extends z.ZodType> extends Shape<
  Input,
  Output
> {
  perform(input: z.output<Input>, context: OperationContext): Promise<z.output<Output>>
}

/**
 * Works on many inputs with set-based SQL. A single request is a batch of one, and concurrent single requests share a
 * transaction; a body `{ [batch.key]: [...] }` at the same path is a batch that answers 207 with an outcome for each item.
 */
export interface CollectiveOperation<
  Input extends z.ZodType,
  Output extends z.ZodType,
> extends Shape<Input, Output> {
  batch: { key: string; max: number }
  performMany(
    inputs: z.output<Input>[],
    context: OperationContext,
  ): Promise<Settled<z.output<Output>>[]>
}

/** An operation with its types closed over, so that a list of operations needs no `any`. */
export type Operation =
  | SingleOperation<z.ZodType, z.ZodType>
  | CollectiveOperation<z.ZodType, z.ZodType>

export function defineOperation<Input extends z.ZodType, Output extends z.ZodType>(
  operation: SingleOperation<Input, Output> | CollectiveOperation<Input, Output>,
): Operation {
  return operation
}
