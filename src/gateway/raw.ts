import { createGunzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '#core/problem.ts'
import { SECOND_MS } from '#core/time.ts'
import { recordWork } from '#gateway/batch.ts'
import { bearerOf, cookieOf, senderOf } from '#gateway/credentials.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import {
  REVEAL_SCOPE,
  type AuditDraft,
  type Narrowing,
  type OperationContext,
  type Principal,
} from '#gateway/operation.ts'
import { limitOf } from '#gateway/steps/limit.ts'
import { refuseForeignOrigin } from '#gateway/origin.ts'
import type { RawRoute } from '#gateway/raw-route.ts'
import type { EventDraft } from '#jobs/job.ts'

type Fields = Readonly<Record<string, string | string[]>>

/** Mounts the routes whose wire is not ours. They live in a scope of their own, where a body is bytes. */
export function mountRawRoutes(server: FastifyInstance, gateway: GatewayParts): void {
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    )
    for (const route of gateway.rawRoutes) {
      scope.route({
        method: route.method,
        url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
        bodyLimit: Math.max(1, route.maxBytes),
        config: { raw: true },
        // Before all else, so that a page can also read why it was refused.
        onRequest: async (_request, reply) => {
          if (route.crossOrigin) reply.header('access-control-allow-origin', '*')
        },
        handler: (request, reply) => answer(route, request, reply, gateway),
      })
    }
  })
}

async function answer(
  route: RawRoute,
  request: FastifyRequest,
  reply: FastifyReply,
  gateway: GatewayParts,
): Promise<FastifyReply> {
  const startedAtMs = performance.now()
  const body = await inflate(request, route.maxBytes)
  const query = request.query as Fields
  const principal =
    route.scope === null ? null : await admit(route, route.scope, request, body, query, gateway)
  const now = gateway.clock.now()
  const result = await route.handle({
    url: request.raw.url ?? '',
    params: request.params as Record<string, string>,
    query,
    headers: request.headers,
    body,
    principal,
    remoteAddress: request.socket.remoteAddress ?? '',
    requestId: request.id,
    now,
    store: gateway.store,
    perform: (work) => performRaw(gateway, route, principal, { now, requestId: request.id }, work),
  })
  const durationMs = performance.now() - startedAtMs
  gateway.metrics.requestDuration.observe(
    { operation: route.id, status: `${Math.floor(result.status / 100)}xx` },
    durationMs / SECOND_MS,
  )
  gateway.log.info(
    {
      requestId: request.id,
      workspaceId: principal?.workspaceId,
      principalId: principal?.id,
      operation: route.id,
      status: result.status,
      durationMs: Math.round(durationMs * 10) / 10,
    },
    'request',
  )
  reply.header('x-request-id', request.id)
  return reply
    .status(result.status)
    .headers(result.headers ?? {})
    .send(result.body ?? '')
}

/** The transaction of a raw route: its rows, its events and its audit entries, all or none. */
async function performRaw<T>(
  gateway: GatewayParts,
  route: RawRoute,
  principal: Principal | null,
  { now, requestId }: { now: Date; requestId: string },
  work: (context: OperationContext) => Promise<T>,
): Promise<T> {
  if (principal === null) throw new Error(`${route.id} has no scope and so no workspace`)
  return gateway.store.transaction(principal.workspaceId, async (tx) => {
    const events: EventDraft[] = []
    const audits: AuditDraft[] = []
    const result = await work({
      tx,
      principal,
      now,
      requestId,
      expectedVersion: null,
      emit: (draft) => events.push(draft),
      audit: (draft) => audits.push(draft),
      sendHeader() {
        throw new Error(`${route.id} gives its headers with its answer`)
      },
    })
    await recordWork(tx, principal, { audits, events }, { now, requestId })
    return result
  })
}

async function admit(
  route: RawRoute,
  scope: string,
  request: FastifyRequest,
  body: Buffer,
  query: Fields,
  gateway: GatewayParts,
): Promise<Principal> {
  const bearer =
    route.credential?.({ headers: request.headers, body, query }) ?? bearerOf(request.headers)
  const sender = route.crossOrigin || route.credential ? null : senderOf(request.raw)
  const cookie = bearer === null ? cookieOf(request.headers) : null
  const principal =
    bearer === null && cookie === null
      ? null
      : await gateway.authenticate({ bearer, cookie, sender })
  if (principal === null) {
    throw new Problem('auth.required', 'Send a valid API key.', {
      headers: { 'www-authenticate': 'Bearer realm="throughline"' },
    })
  }
  if (cookie !== null && request.method !== 'GET')
    refuseForeignOrigin(request.headers, gateway.publicUrl())
  if (!principal.scopes.has(scope))
    throw new Problem('auth.forbidden', `This needs the scope ${scope}.`)
  if (route.reveals && !principal.scopes.has(REVEAL_SCOPE))
    throw new Problem('auth.forbidden', `This needs the scope ${REVEAL_SCOPE}.`)
  if (principal.narrowing) requireLeave(principal.narrowing, route, scope, request, gateway)
  const state = await gateway.limiter.take(principal.id, limitOf(principal))
  if (!state.allowed) {
    throw new Problem(
      'quota.exceeded',
      `The limit of ${state.limit} requests a minute is used up.`,
      { headers: { 'retry-after': String(state.resetS) } },
    )
  }
  return principal
}

/** What is not told by record or account cannot be given in part; rules on circumstances hold here as everywhere. */
function requireLeave(
  narrowing: Narrowing,
  route: RawRoute,
  scope: string,
  request: FastifyRequest,
  gateway: GatewayParts,
): void {
  const purpose = request.headers['x-purpose']
  const verdict = narrowing.judge({
    scope,
    now: gateway.clock.now(),
    remoteAddress: request.socket.remoteAddress ?? '',
    purpose: typeof purpose === 'string' ? purpose : null,
    isPersonal: route.reveals === true,
  })
  if (narrowing.accounts !== null || narrowing.tellsApart(scope) || verdict.kind !== 'allow')
    throw new Problem('auth.forbidden', 'This route is not open to you in part, now or from here.')
}

/** The body's bytes; gzip is inflated up to the route's size and not a byte further. */
async function inflate(request: FastifyRequest, maxBytes: number): Promise<Buffer> {
  const sent = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const encoding = request.headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') return sent
  if (encoding !== 'gzip')
    throw new Problem(
      'request.unsupported_media_type',
      'The only content encoding taken here is gzip.',
    )
  const gunzip = createGunzip()
  gunzip.end(sent)
  const parts: Buffer[] = []
  let size = 0
  try {
    for await (const part of gunzip as AsyncIterable<Buffer>) {
      size += part.length
      if (size > maxBytes)
        throw new Problem('request.too_large', 'The inflated body is larger than this route takes.')
      parts.push(part)
    }
  } catch (thrown) {
    if (thrown instanceof Problem) throw thrown
    throw new Problem('request.malformed', 'The body is not valid gzip.', { cause: thrown })
  }
  return Buffer.concat(parts)
}
