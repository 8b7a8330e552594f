import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { OperationContext, Principal } from '#gateway/operation.ts'
import type { Store } from '#store/store.ts'

export interface RawRequest {
  /** Path and query as they were sent. */
  url: string
  params: Readonly<Record<string, string>>
  query: Readonly<Record<string, string | string[]>>
  headers: IncomingHttpHeaders
  /** The body's bytes, already inflated within `maxBytes`. */
  body: Buffer
  /** The caller, when the route has a scope; such a route is never reached without it. */
  principal: Principal | null
  /** The client's address: of the socket's other end, or as a trusted proxy names it. */
  remoteAddress: string
  requestId: string
  now: Date
  store: Store
  /**
   * One transaction in the caller's workspace; the events and audit entries that `work` tells commit
   * with it. Only for routes with a scope.
   */
  perform<T>(work: (context: OperationContext) => Promise<T>): Promise<T>
}

export interface RawAnswer {
  status: number
  headers?: Record<string, string | string[]>
  body?: string | Buffer | Readable
}

/**
 * A route whose wire is laid down by others (a vendor's tracking protocol, cookies, files) and so does not fit an operation.
 * It passes the same authentication, scope and rate limit as operations do.
 */
export interface RawRoute {
  id: string
  method: 'GET' | 'POST' | 'OPTIONS' | 'DELETE'
  path: string
  /** Null: reachable without credentials. */
  scope: string | null
  maxBytes: number
  /** The credential in the request, when it does not come as `Authorization: Bearer` or a session cookie. */
  credential?(request: {
    headers: IncomingHttpHeaders
    body: Buffer
    query: Readonly<Record<string, string | string[]>>
  }): string | null
  /** The answer holds personal values as they are, so that it also takes the scope people:reveal. */
  reveals?: boolean
  /** Cross-origin pages may read the answer. */
  crossOrigin?: boolean
  handle(request: RawRequest): Promise<RawAnswer>
}

/** Whose call it was, once the library has proved that. */
export interface MountCaller {
  workspaceId: string
  principalId: string
}

/**
 * Paths that a library answers by itself, on Node's own request and response. It does its own authentication; the gateway
 * counts requests by source, states the hub's public address in place of whatever forwarding headers came, and logs and
 * measures each call under the id of its path.
 */
export interface Mount {
  id: string
  /** By the id that logs and figures know it by. */
  paths: Readonly<Record<string, string>>
  /** Requests a minute from one address. */
  perMinute: number
  /** @returns whose call it was; null where nobody proved to be anybody. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<MountCaller | null>
}
