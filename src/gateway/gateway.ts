import type { Log } from '#core/log.ts'
import type { Metrics } from '#core/metrics.ts'
import type { Clock } from '#core/time.ts'
import type { AccessLog } from '#gateway/access-log.ts'
import type { Tracer } from '#core/trace.ts'
import type { Limiter } from '#gateway/limiter.ts'
import type { Operation, Principal } from '#gateway/operation.ts'
import type { Quotas } from '#gateway/quota.ts'
import type { Mount, RawRoute } from '#gateway/raw-route.ts'
import type { Store } from '#store/store.ts'

/** What came with the request to prove who calls. */
export interface Credentials {
  bearer: string | null
  cookie: string | null
}

/** Finds out who calls. Null means: these credentials are not valid (any more). */
export type Authenticate = (credentials: Credentials) => Promise<Principal | null>

/** Whose these credentials are or once were, as far as memory knows; they prove nothing. */
export type Whose = (
  credentials: Credentials,
) => Pick<Principal, 'id' | 'kind' | 'workspaceId'> | null
/** A call that was answered, or made to a connected system, as service levels count it. */
export interface ObservedCall {
  workspaceId: string
  operation: string
  /** 0: there was no answer. */
  status: number
  durationMs: number
}

/** What the gateway is built from. */
export interface GatewayParts {
  store: Store
  clock: Clock
  log: Log
  metrics: Metrics
  authenticate: Authenticate
  whose: Whose
  accessLog: AccessLog
  limiter: Limiter
  quotas: Quotas
  onCall(call: ObservedCall): void
  tracer?: Tracer
  operations: readonly Operation[]
  rawRoutes: readonly RawRoute[]
  mounts: readonly Mount[]
  /** The hub's own origin as browsers see it, such as `https://hub.example.com`. */
  publicUrl: () => string
  maxBodyBytes: number
  /** Concurrent transactions of one collective operation; more callers share them. */
  writers: number
}
