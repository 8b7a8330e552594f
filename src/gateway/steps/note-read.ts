import type { Exchange } from '#gateway/exchange.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import { idsIn, isRevealedTo, personalFields, purposeOf } from '#gateway/shown.ts'

/** A read of personal fields is noted before it is answered: who, which records, which fields, shown or masked, and what for. */
export function noteRead(exchange: Exchange, gateway: GatewayParts): void | Promise<void> {
  const { operation, principal, answer, request } = exchange
  if (operation.method !== 'GET' || principal === null || answer?.status !== 200) return
  const fields = personalFields(operation)
  if (fields.length === 0) return
  const named = idsIn(request.params)
  const { count, records } = answer.shown ?? { count: 1, records: [] }
  const purpose = purposeOf(request.headers)
  const { format } = request.query as Record<string, unknown>
  return gateway.accessLog.note({
    workspaceId: principal.workspaceId,
    occurredAt: exchange.now,
    principalId: principal.id,
    principalKind: principal.kind,
    action: 'data.read',
    subjectId: named[0] ?? (records.length === 1 ? records[0]! : null),
    detail: {
      operation: operation.id,
      fields,
      shown: isRevealedTo(principal, operation) ? 'revealed' : 'masked',
      count,
      records: [...new Set([...named, ...records])],
      ...(purpose === null ? {} : { purpose }),
      ...(format === 'csv' || (request.headers.accept ?? '').startsWith('text/csv')
        ? { format: 'csv' }
        : {}),
    },
    requestId: exchange.requestId,
  })
}
