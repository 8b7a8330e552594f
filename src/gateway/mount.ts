import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '#core/problem.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import { count, observe } from '#gateway/observe.ts'
import { problemAnswer, toProblem } from '#gateway/problem.ts'
import type { Mount, MountCaller } from '#gateway/raw-route.ts'

const FORWARDED = ['x-forwarded-port', 'forwarded']

/** Gives whole paths to a library. Its body is left unread, so that the library reads it under its own limit. */
export function mountLibraries(server: FastifyInstance, gateway: GatewayParts): void {
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _body, done) => done(null))
    for (const mount of gateway.mounts)
      for (const [id, url] of Object.entries(mount.paths))
        scope.route({
          method: ['GET', 'POST', 'OPTIONS'],
          url,
          config: { raw: true },
          async handler(request, reply) {
            await answer(mount, id, request, reply, gateway)
            return reply
          },
        })
  })
}

/** One call of the library, counted as it ended: also where it was refused before, or the library failed. */
async function answer(
  mount: Mount,
  operation: string,
  request: FastifyRequest,
  reply: FastifyReply,
  gateway: GatewayParts,
): Promise<void> {
  const seen = { requestId: request.id, operation, startedAtMs: performance.now(), principal: null }
  const source = gateway.clientOf(request.raw).address
  try {
    await admit(mount, source, gateway)
  } catch (thrown) {
    const { status } = toProblem(thrown)
    // A fault has its own line, with its stack, where the answer is made of it.
    if (status < 500) observe(gateway, { ...seen, status })
    else count(gateway, { ...seen, status })
    throw thrown
  }
  const { host, protocol } = new URL(gateway.publicUrl())
  for (const name of FORWARDED) delete request.raw.headers[name]
  request.raw.headers['x-forwarded-for'] = source
  request.raw.headers['x-forwarded-host'] = host
  request.raw.headers['x-forwarded-proto'] = protocol.slice(0, -1)
  reply.hijack()
  const { raw } = reply
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) raw.setHeader(name, value)
  raw.setHeader('x-request-id', request.id)
  let caller: MountCaller | null = null
  let failure: unknown
  raw.once('close', () => {
    observe(gateway, { ...seen, caller, status: raw.statusCode, failure })
  })
  try {
    caller = await mount.handle(request.raw, raw)
  } catch (thrown) {
    failure = thrown
    answerFault(raw, toProblem(thrown), request.id)
  }
}

/** @throws Problem `quota.exceeded` */
async function admit(mount: Mount, source: string, gateway: GatewayParts): Promise<void> {
  const state = await gateway.limiter.take(`${mount.id} ${source}`, mount.perMinute)
  if (state.allowed) return
  throw new Problem('quota.exceeded', `Too many requests: wait ${state.resetS} s.`, {
    headers: { 'retry-after': String(state.resetS) },
  })
}

/** The library answered nothing: nobody is left waiting. */
function answerFault(raw: ServerResponse, problem: Problem, requestId: string): void {
  if (raw.headersSent) {
    raw.destroy()
    return
  }
  const { status, body, headers } = problemAnswer(problem, requestId)
  raw.writeHead(status, headers).end(body)
}
