import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '#core/problem.ts'
import { recordWork } from '#gateway/batch.ts'
import { requireCircumstances } from '#gateway/circumstances.ts'
import { bearerOf, cookieOf, deviceOf, senderOf } from '#gateway/credentials.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import {
  REVEAL_SCOPE,
  type AuditDraft,
  type OperationContext,
  type Principal,
} from '#gateway/operation.ts'
import { noteRefusal } from '#gateway/note-refusal.ts'
import { toProblem } from '#gateway/problem.ts'
import { idsIn, purposeOf } from '#gateway/shown.ts'
import { refuseForeignOrigin } from '#gateway/origin.ts'
import { count, observe } from '#gateway/observe.ts'
import type { RawAnswer, RawRoute } from '#gateway/raw-route.ts'
import { CutOff, sendStream } from '#gateway/send-stream.ts'
import { traceRequest } from '#gateway/trace-request.ts'
import { holdLimits, limitOf } from '#gateway/steps/limit.ts'
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
        async handler(request, reply) {
          await traceRequest(gateway, route, request, () => answer(route, request, reply, gateway))
          return reply
        },
      })
    }
  })
}

async function answer(
  route: RawRoute,
  request: FastifyRequest,
  reply: FastifyReply,
  gateway: GatewayParts,
): Promise<{ principal: Principal | null; status: number }> {
  const seen = {
    requestId: request.id,
    operation: route.id,
    startedAtMs: performance.now(),
    principal: null as Principal | null,
  }
  try {
    const body = await inflate(request, route.maxBytes)
    const query = request.query as Fields
    if (route.scope !== null)
      await admit(route, route.scope, { request, reply, body, query }, gateway, (principal) => {
        seen.principal = principal
      })
    if (seen.principal !== null) await noteRawRead(route, request, seen.principal, gateway)
    const result = await handle(route, request, { body, query, principal: seen.principal }, gateway)
    reply.header('x-request-id', request.id)
    reply.status(result.status).headers(result.headers ?? {})
    if (result.body instanceof Readable) await sendStream(reply, result.body)
    observe(gateway, { ...seen, status: result.status })
    if (!(result.body instanceof Readable)) await reply.send(result.body ?? '')
    return { principal: seen.principal, status: result.status }
  } catch (thrown) {
    if (thrown instanceof CutOff) {
      observe(gateway, { ...seen, status: thrown.status, failure: thrown })
      return { principal: seen.principal, status: thrown.status }
    }
    const { status } = toProblem(thrown)
    // A fault has its own line, with its stack, where the answer is made of it.
    if (status < 500) observe(gateway, { ...seen, status })
    else count(gateway, { ...seen, status })
    throw thrown
  }
}

function handle(
  route: RawRoute,
  request: FastifyRequest,
  came: { body: Buffer; query: Fields; principal: Principal | null },
  gateway: GatewayParts,
): Promise<RawAnswer> {
  const now = gateway.clock.now()
  return route.handle({
    url: request.raw.url ?? '',
    params: request.params as Record<string, string>,
    headers: request.headers,
    ...came,
    remoteAddress: gateway.clientOf(request.raw).address,
    requestId: request.id,
    now,
    store: gateway.store,
    perform: (work) =>
      performRaw(gateway, route, came.principal, { now, requestId: request.id }, work),
  })
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
  {
    request,
    reply,
    body,
    query,
  }: { request: FastifyRequest; reply: FastifyReply; body: Buffer; query: Fields },
  gateway: GatewayParts,
  /** Told before its rights are looked at: a refusal counts among its calls. */
  onKnown: (principal: Principal) => void,
): Promise<void> {
  const bearer =
    route.credential?.({ headers: request.headers, body, query }) ?? bearerOf(request.headers)
  const sender =
    route.crossOrigin || route.credential ? null : senderOf(request.raw, gateway.clientOf)
  const cookie = bearer === null ? cookieOf(request.headers) : null
  const isSecure = gateway.publicUrl().startsWith('https:')
  const device = cookie === null ? null : deviceOf(request.headers, isSecure)
  const principal =
    bearer === null && cookie === null
      ? null
      : await gateway.authenticate({ bearer, cookie, device, sender })
  if (principal === null) {
    const problem = new Problem('auth.required', 'Send a valid API key.', {
      headers: { 'www-authenticate': 'Bearer realm="throughline"' },
    })
    await noteRefusal(route.id, request, null, problem, gateway)
    throw problem
  }
  onKnown(principal)
  try {
    await requireRights(route, scope, request, { principal, isByCookie: cookie !== null }, gateway)
    await holdLimits(principal, limitOf(principal), gateway.clock.now(), gateway, (fields) => {
      reply.headers(fields)
    })
  } catch (thrown) {
    await noteRefusal(route.id, request, principal, toProblem(thrown), gateway)
    throw thrown
  }
}

/** The file that such a route gives is noted as read before it is given; what it holds is not told by record. */
async function noteRawRead(
  route: RawRoute,
  request: FastifyRequest,
  principal: Principal,
  gateway: GatewayParts,
): Promise<void> {
  if (route.method !== 'GET' || route.reveals !== true) return
  const records = idsIn(request.params)
  const purpose = purposeOf(request.headers)
  await gateway.accessLog.note({
    workspaceId: principal.workspaceId,
    occurredAt: gateway.clock.now(),
    principalId: principal.id,
    principalKind: principal.kind,
    action: 'data.read',
    subjectId: records[0] ?? null,
    detail: {
      operation: route.id,
      fields: ['*'],
      shown: 'revealed',
      count: 1,
      records,
      ...(purpose === null ? {} : { purpose }),
    },
    requestId: request.id,
  })
}

async function requireRights(
  route: RawRoute,
  scope: string,
  request: FastifyRequest,
  { principal, isByCookie }: { principal: Principal; isByCookie: boolean },
  gateway: GatewayParts,
): Promise<void> {
  if (isByCookie && request.method !== 'GET')
    refuseForeignOrigin(request.headers, gateway.publicUrl())
  if (!principal.scopes.has(scope))
    throw new Problem('auth.forbidden', `This needs the scope ${scope}.`)
  if (route.reveals && !principal.scopes.has(REVEAL_SCOPE))
    throw new Problem('auth.forbidden', `This needs the scope ${REVEAL_SCOPE}.`)
  const { narrowing } = principal
  // What is not told by record or account cannot be given in part.
  if (narrowing && (narrowing.accounts !== null || narrowing.tellsApart(scope)))
    throw new Problem('auth.forbidden', 'This route is not open to you in part.')
  requireCircumstances(principal, request, gateway.clock.now(), gateway, {
    scope,
    isPersonal: route.reveals === true,
  })
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
