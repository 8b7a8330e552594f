import { SECOND_MS } from '#core/time.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import type { Principal } from '#gateway/operation.ts'

/** A request as it ended. */
export interface Ended {
  requestId: string
  operation: string
  status: number
  startedAtMs: number
  principal: Principal | null
  /** Of a library's path, which knows its callers by itself. */
  caller?: { workspaceId: string; principalId: string } | null
  /** Of a batch. */
  items?: number
  failure?: unknown
}

type Parts = Pick<GatewayParts, 'metrics' | 'log' | 'onCall'>

/** Metrics and service levels. @returns the duration in milliseconds. */
export function count(
  { metrics, onCall }: Parts,
  { operation, status, startedAtMs, principal, caller }: Ended,
): number {
  const durationMs = Math.round((performance.now() - startedAtMs) * 10) / 10
  metrics.requestDuration.observe(
    { operation, status: `${Math.floor(status / 100)}xx` },
    durationMs / SECOND_MS,
  )
  const workspaceId = principal?.workspaceId ?? caller?.workspaceId
  if (workspaceId !== undefined) onCall({ workspaceId, operation, status, durationMs })
  return durationMs
}

/** The same, and the one log line of a request. */
export function observe(parts: Parts, ended: Ended): void {
  const { requestId, operation, status, principal, caller, items, failure } = ended
  const line = {
    requestId,
    workspaceId: principal?.workspaceId ?? caller?.workspaceId,
    principalId: principal?.id ?? caller?.principalId,
    operation,
    status,
    durationMs: count(parts, ended),
    ...(items === undefined ? {} : { items }),
  }
  if (status < 500) parts.log.info(line, 'request')
  else {
    const cause = failure instanceof Error && failure.cause instanceof Error ? failure.cause : null
    parts.log.error({ ...line, error: cause ?? failure }, 'request failed')
  }
}
