import type { Log } from '#core/log.ts'
import type { Metrics } from '#core/metrics.ts'
import type { Clock } from '#core/time.ts'
import type { ClientOf } from '#gateway/client-address.ts'
import type { AccessLog } from '#gateway/access-log.ts'
import type { Tracer } from '#core/trace.ts'
import type { Limiter } from '#gateway/limiter.ts'
import type { Operation, Principal } from '#gateway/operation.ts'
import type { Quotas } from '#gateway/quota.ts'
import type { Mount, RawRoute } from '#gateway/raw-route.ts'
import type { TlsPair } from '#gateway/tls.ts'
import type { Store } from '#store/store.ts'

/** Where a request comes from: the client's address, and what its software calls itself. */
export interface Sender {
  address: string
  agent: string
}

/** What came with the request to prove who calls. */
export interface Credentials {
  bearer: string | null
  cookie: string | null
  /** The cookie of the browser, which a session may be bound to. */
  device: string | null
  /** Null where a credential is public by design and comes from everywhere, as that of a tracking script. */
  sender: Sender | null
}

/** One answered request of a known caller. */
export interface Answered {
  principal: Principal
  operationId: string
  /** Of the record that the operation is about; null for others. */
  path: string | null
  status: number
}

/** Looks on for attacks, and says what is refused because of one. Asked on the way of every request: nothing here is waited for. */
export interface Watch {
  /** Before anything else of a request. @throws Problem `auth.address_blocked` */
  admitAddress(remoteAddress: string): void
  /** Again within a long answer. @throws Problem `auth.quarantined` */
  admit(principal: Principal): void
  answered(answered: Answered): void
  rowsRead(principal: Principal, rows: number): void
}

/**
 * Finds out who calls. Null means: these credentials are not valid (any more).
 * @throws Problem `auth.quarantined` for valid ones that are held back
 */
export type Authenticate = (credentials: Credentials) => Promise<Principal | null>

/** Whose these credentials are or once were, as far as memory knows; they prove nothing. */
export type Whose = (
  credentials: Pick<Credentials, 'bearer' | 'cookie'>,
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
  clientOf: ClientOf
  /** The certificate under which the server speaks TLS; none: plain HTTP. */
  tls?: TlsPair
  accessLog: AccessLog
  watch: Watch
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
