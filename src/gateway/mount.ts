import type { FastifyInstance } from 'fastify'
import { Problem } from '#core/problem.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import { observe } from '#gateway/observe.ts'
import type { Mount } from '#gateway/raw-route.ts'

const FORWARDED = ['x-forwarded-port', 'forwarded']

/** Gives whole paths to a library. Its body is left unread, so that the library reads it under its own limit. */
export function mountLibraries(server: FastifyInstance, gateway: GatewayParts): void {
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _body, done) => done(null))
    for (const mount of gateway.mounts) {
      for (const url of mount.paths) mountPath(scope, mount, url, gateway)
    }
  })
}

function mountPath(scope: FastifyInstance, mount: Mount, url: string, gateway: GatewayParts): void {
  scope.route({
    method: ['GET', 'POST', 'OPTIONS'],
    url,
    config: { raw: true },
    async handler(request, reply) {
      const startedAtMs = performance.now()
      const source = gateway.clientOf(request.raw).address
      const state = await gateway.limiter.take(`${mount.id} ${source}`, mount.perMinute)
      if (!state.allowed) {
        throw new Problem('quota.exceeded', `Too many requests: wait ${state.resetS} s.`, {
          headers: { 'retry-after': String(state.resetS) },
        })
      }
      const { host, protocol } = new URL(gateway.publicUrl())
      for (const name of FORWARDED) delete request.raw.headers[name]
      request.raw.headers['x-forwarded-for'] = source
      request.raw.headers['x-forwarded-host'] = host
      request.raw.headers['x-forwarded-proto'] = protocol.slice(0, -1)
      reply.hijack()
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value)
      reply.raw.setHeader('x-request-id', request.id)
      reply.raw.once('close', () => {
        observe(gateway, {
          requestId: request.id,
          operation: mount.id,
          status: reply.raw.statusCode,
          startedAtMs,
          principal: null,
        })
      })
      await mount.handle(request.raw, reply.raw)
      return reply
    },
  })
}
