import type { Exchange } from '#gateway/exchange.ts'
import type { GatewayParts } from '#gateway/gateway.ts'

/** The request gets its id and its moment; every answer names the id. */
export function identify(exchange: Exchange, gateway: GatewayParts): void {
  exchange.now = gateway.clock.now()
  exchange.reply.header('x-request-id', exchange.requestId)
}
