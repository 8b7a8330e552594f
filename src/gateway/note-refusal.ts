import type { FastifyRequest } from 'fastify'
import type { Problem } from '#core/problem.ts'
import { bearerOf, cookieOf } from '#gateway/credentials.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import type { Principal } from '#gateway/operation.ts'
import { idsIn, purposeOf } from '#gateway/shown.ts'

/**
 * A 401 or 403 is noted where it is known whose credentials came: those of a principal, or of a key or session that is known and not
 * valid any more or not proved. Others belong to no workspace; the line of the request in the log tells of them.
 */
export async function noteRefusal(
  operation: string,
  request: FastifyRequest,
  principal: Principal | null,
  problem: Problem,
  gateway: GatewayParts,
): Promise<void> {
  if (problem.status !== 401 && problem.status !== 403) return
  const bearer = bearerOf(request.headers)
  const cookie = bearer === null ? cookieOf(request.headers) : null
  const who = principal ?? gateway.whose({ bearer, cookie })
  if (who === null) return
  const [subjectId = null] = idsIn(request.params)
  const purpose = purposeOf(request.headers)
  await gateway.accessLog.note({
    workspaceId: who.workspaceId,
    occurredAt: gateway.clock.now(),
    principalId: who.id,
    principalKind: who.kind,
    action: 'access.refused',
    subjectId,
    detail: {
      operation,
      status: problem.status,
      code: problem.code,
      count: 1,
      proved: principal !== null,
      ...(purpose === null ? {} : { purpose }),
    },
    requestId: request.id,
  })
}
