import type { Metrics } from '#core/metrics.ts'
import type { Log } from '#core/log.ts'
import type { Tracer } from '#core/trace.ts'
import type { Clock } from '#core/time.ts'
import type { EventDraft } from '#jobs/job.ts'
import type { Store, Transaction } from '#store/store.ts'
import type { Approval } from './approval.ts'
import type { ReadBack } from './connection.schema.ts'
import type { Connector, Session, Stream, VendorCall } from './connector.ts'
import type { Entity } from './entity.ts'
import type { StreamRules } from './field-rules.ts'
import type { Lease } from './lease.ts'
import type { Patience } from './retry.ts'
import type { RunCause } from './run.store.ts'

/** What every run works with. */
export interface Engine {
  store: Store
  clock: Clock
  log: Log
  metrics: Metrics | null
  /** Told of each call of a run to a connected system. */
  onVendorCall?: ((workspaceId: string, vendor: string, call: VendorCall) => void) | undefined
  /** Told how long each change waited that a run of cause `change` wrote at a connected system. */
  onWritten?: ((workspaceId: string, lagMs: number) => void) | undefined
  tracer?: Tracer
  /** Where a vendor may tell of changes to a connection. Absent: it cannot. */
  hookAddress?(vendor: string, connectionId: string): string
  connectors: ReadonlyMap<string, Connector>
  entities: ReadonlyMap<string, Entity>
  /** Who must have signed a connection before it runs; null: nobody. */
  approval: Approval | null
  /** Writes events into the outbox, in the caller's transaction. */
  publish(tx: Transaction, events: readonly EventDraft[], now: Date): Promise<void>
  /** How long a connection stays taken without a heartbeat; 30 s unless a test wants less. */
  leaseMs: number
  wait(durationMs: number, signal: AbortSignal): Promise<void>
  /** How long a vendor's answer is waited for; the connectors' own half minute unless given. */
  callTimeoutMs?: number
  /** In [0, 1); spreads retries. */
  random(): number
}

/** How the engine waits: for the next try, and for a vendor's answer. */
export type Pace = Pick<Engine, 'wait' | 'callTimeoutMs'>

/** One run under way, from taking the lease to giving it back. */
export interface Run {
  id: string
  cause: RunCause
  workspaceId: string
  connectionId: string
  vendor: string
  /** How much of what it writes is read back. */
  readBack: ReadBack
  session: Session
  /** How the stream is merged field by field; null when one side alone writes its records. */
  rulesOf(entity: Entity, stream: Stream): StreamRules | null
  lease: Lease
  patience: Patience
  /** From now on calls are those of this stream, and of its share. */
  beginStream(name: string): Promise<void>
  /** Calls made in there are counted as those of the check, not of the sync. */
  asCheck<T>(work: () => Promise<T>): Promise<T>
  /** Aborts on shutdown, when the job's time is over, and when the lease is lost. */
  signal: AbortSignal
  engine: Engine
}

/** A transaction of the run: nothing is kept when another process has taken over in the meantime. */
export function commit<T>(run: Run, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return run.engine.store.transaction(run.workspaceId, async (tx) => {
    await run.lease.check(tx)
    return work(tx)
  })
}
