import type { Exchange } from '#gateway/exchange.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import type { CutOff } from '#gateway/send-stream.ts'

/** An export that broke off: what was shown of it stands in the log page by page, and now that it was not the whole. */
export async function noteCutOff(
  exchange: Exchange,
  { status }: CutOff,
  gateway: Pick<GatewayParts, 'accessLog' | 'clock'>,
): Promise<void> {
  const { operation, principal, requestId } = exchange
  exchange.answer = { status, body: '', headers: {} }
  if (principal === null) return
  await gateway.accessLog.note({
    workspaceId: principal.workspaceId,
    occurredAt: gateway.clock.now(),
    principalId: principal.id,
    principalKind: principal.kind,
    action: 'export.broken_off',
    subjectId: null,
    detail: { operation: operation.id, status },
    requestId,
  })
}
