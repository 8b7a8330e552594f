import { createHash } from 'node:crypto'
import { Problem } from '#core/problem.ts'
import type { Exchange } from '#gateway/exchange.ts'

/** Reads Idempotency-Key (draft-ietf-httpapi-idempotency-key-header); the claim itself is part of the transaction in `perform`. */
export function replay(exchange: Exchange): void {
  const header = exchange.request.headers['idempotency-key']
  if (header === undefined || exchange.request.method === 'GET') return
  const key = (Array.isArray(header) ? header.join() : header).trim().replace(/^"(.*)"$/, '$1')
  if (key.length === 0 || key.length > 255) {
    throw new Problem(
      'request.header_invalid',
      'Idempotency-Key takes 1 to 255 characters, such as a UUID.',
    )
  }
  exchange.idempotencyKey = key
  exchange.requestHash = createHash('sha256')
    .update(
      JSON.stringify([
        exchange.request.params,
        exchange.request.query,
        exchange.request.body ?? null,
      ]),
    )
    .digest()
}
