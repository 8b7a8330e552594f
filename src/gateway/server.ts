import type { Socket } from 'node:net'
import {
  fastify,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify'
import { newId } from '#core/id.ts'
import { Problem } from '#core/problem.ts'
import { SECOND_MS } from '#core/time.ts'
import { wantsCsv, exportCsv } from '#gateway/export.ts'
import type { Exchange } from '#gateway/exchange.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import { readersOf } from '#gateway/before-after.ts'
import { Groups } from '#gateway/group.ts'
import type { Operation } from '#gateway/operation.ts'
import { runPipeline, type Running } from '#gateway/pipeline.ts'
import { problemAnswer, toProblem } from '#gateway/problem.ts'
import { traceRequest } from '#gateway/trace-request.ts'
import { mountLibraries } from '#gateway/mount.ts'
import { mountRawRoutes } from '#gateway/raw.ts'
import { createTlsServer } from '#gateway/tls.ts'

/** The HTTP server with every operation as a route; it does not listen yet. */
export async function createServer(parts: GatewayParts): Promise<FastifyInstance> {
  const times = {
    requestTimeout: 30 * SECOND_MS,
    connectionTimeout: 60 * SECOND_MS,
    keepAliveTimeout: 72 * SECOND_MS,
  }
  const http = { headersTimeout: 10 * SECOND_MS, maxHeaderSize: 16 * 1024 }
  const { tls } = parts
  const own: Pick<FastifyServerOptions, 'serverFactory'> = tls
    ? { serverFactory: (handler) => createTlsServer(tls, { ...times, ...http }, handler) }
    : {}
  const server = fastify({
    ...own,
    genReqId: () => newId('req'),
    requestIdHeader: false,
    logger: false,
    bodyLimit: parts.maxBodyBytes,
    ...times,
    http,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    routerOptions: { maxParamLength: 300, ignoreTrailingSlash: false },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) =>
      void sendProblem(error, request, reply as FastifyReply),
  })
  const gateway: Running = {
    ...parts,
    groups: new Groups(parts.store, parts.writers),
    readers: readersOf(parts.operations),
  }
  server.removeContentTypeParser('text/plain')
  server.addHook('onRequest', async (request, reply) => {
    securityHeaders(reply, parts.publicUrl())
    admitClient(request, parts)
    if (request.headers['content-encoding'] !== undefined && !request.routeOptions.config.raw) {
      throw new Problem(
        'request.unsupported_media_type',
        'Send the body without a content encoding.',
      )
    }
  })
  server.setErrorHandler((error, request, reply) => {
    if (toProblem(error).status >= 500)
      parts.log.error({ requestId: request.id, error }, 'request failed')
    return sendProblem(error, request, reply)
  })
  server.setNotFoundHandler((request, reply) =>
    sendProblem(notFound(request, parts.operations), request, reply),
  )
  for (const operation of parts.operations) mount(server, operation, gateway)
  mountRawRoutes(server, parts)
  mountLibraries(server, parts)
  return server
}

declare module 'fastify' {
  interface FastifyContextConfig {
    raw?: boolean
  }
}

function mount(server: FastifyInstance, operation: Operation, gateway: Running): void {
  server.route({
    method: operation.method,
    url: operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    bodyLimit: 'batch' in operation ? gateway.maxBodyBytes * 5 : gateway.maxBodyBytes,
    async handler(request, reply) {
      const exchange: Exchange = {
        operation,
        request,
        reply,
        query: queryOf(request),
        requestId: request.id,
        startedAtMs: performance.now(),
        now: gateway.clock.now(),
        principal: null,
        limit: null,
        items: [],
        isBatch: false,
        idempotencyKey: null,
        requestHash: null,
        expectedVersion: null,
        rows: 0,
        answer: null,
      }
      await traceRequest(gateway, operation, request, async () => {
        if (operation.csv && wantsCsv(request)) await exportCsv(exchange, gateway, operation.csv)
        else await runPipeline(exchange, gateway)
        const { principal, answer } = exchange
        return { principal, status: answer?.status ?? 500 }
      })
      return reply
    },
  })
}

/** `format` is the gateway's own: it chooses CSV. */
function queryOf(request: FastifyRequest): Record<string, unknown> {
  const { format: _, ...fields } = request.query as Record<string, unknown>
  return fields
}

/** Probes of the machine that keeps the hub running come without a proxy, and learn nothing. */
const PROBED = new Set(['/healthz', '/readyz'])

/** @throws Problem `request.tls_required`, or `auth.address_blocked` */
function admitClient({ raw }: FastifyRequest, { clientOf, watch }: GatewayParts): void {
  const { address, isPlain } = clientOf(raw)
  if (isPlain && !PROBED.has(raw.url ?? ''))
    throw new Problem(
      'request.tls_required',
      'This came over a network without TLS: use the hub’s https address, and make a new key if one was in it.',
      { headers: { connection: 'close' } },
    )
  watch.admitAddress(address)
}

/** Browsers that came by https come by https for a year, whatever links say (RFC 6797). */
const HSTS = 'max-age=31536000'

function securityHeaders(reply: FastifyReply, publicUrl: string): void {
  if (publicUrl.startsWith('https:')) reply.header('strict-transport-security', HSTS)
  reply.headers({
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'no-store',
  })
}

function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const answer = problemAnswer(toProblem(thrown), request.id)
  reply.header('x-request-id', request.id)
  return reply.status(answer.status).headers(answer.headers).send(Buffer.from(answer.body))
}

/** 405 with Allow where the path exists under another method, 404 elsewhere. */
function notFound(request: FastifyRequest, operations: readonly Operation[]): Problem {
  const path = request.url.split('?')[0] ?? ''
  const parts = path.split('/')
  const allowed = operations.filter((operation) => {
    const own = operation.path.split('/')
    return (
      own.length === parts.length &&
      own.every((part, i) => part.startsWith('{') || part === parts[i])
    )
  })
  if (allowed.length === 0)
    return new Problem(
      'resource.not_found',
      'Nothing answers at this path: see /docs for those that do.',
    )
  const methods = [...new Set(allowed.map((operation) => operation.method))].join(', ')
  return new Problem('request.method_not_allowed', `This path takes ${methods}.`, {
    headers: { allow: methods },
  })
}

/** What Node's parser refuses (smuggling, oversized or slow headers) still gets a problem, then the socket is closed. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const isSlow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const problem = new Problem(
    isSlow ? 'request.timeout' : 'request.malformed',
    isSlow ? 'The request took too long to arrive.' : 'The request is not valid HTTP.',
  )
  const { status, body } = problemAnswer(problem, newId('req'))
  socket.end(
    `HTTP/1.1 ${status} ${problem.title}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
