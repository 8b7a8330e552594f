import type { FastifyRequest } from 'fastify'
import { noTracer } from '#core/trace.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import type { Principal } from '#gateway/operation.ts'

/** Answers a request as a span of its own, in the caller's trace when it names one. It tells the route's template, never the path. */
export async function traceRequest(
  { tracer = noTracer }: Pick<GatewayParts, 'tracer'>,
  route: { id: string; method: string; path: string },
  request: FastifyRequest,
  work: () => Promise<{ principal: Principal | null; status: number }>,
): Promise<void> {
  const { traceparent } = request.headers
  const facts = {
    kind: 'server' as const,
    parent: typeof traceparent === 'string' ? traceparent : null,
    attributes: {
      'http.request.method': route.method,
      'http.route': route.path,
      'throughline.operation': route.id,
      'throughline.request_id': request.id,
    },
  }
  await tracer.span(`${route.method} ${route.path}`, facts, async (span) => {
    const { principal, status } = await work()
    span.set('http.response.status_code', status)
    if (principal) {
      span.set('throughline.workspace_id', principal.workspaceId)
      span.set('throughline.principal_id', principal.id)
    }
    if (status >= 500) span.fail(String(status))
  })
}
