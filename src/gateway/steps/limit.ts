import { Problem } from '#core/problem.ts'
import type { Exchange } from '#gateway/exchange.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import type { Principal } from '#gateway/operation.ts'

/** The principal's requests a minute, told in the RateLimit fields of draft-ietf-httpapi-ratelimit-headers. */
export async function limit(exchange: Exchange, gateway: GatewayParts): Promise<void> {
  if (exchange.principal === null) return
  const { principal, operation } = exchange
  const most = operation.outsideClamp ? principal.rateLimitPerMinute : limitOf(principal)
  const state = await gateway.limiter.take(principal.id, most)
  exchange.limit = state
  exchange.reply.header('ratelimit-policy', `"principal";q=${state.limit};w=60`)
  exchange.reply.header('ratelimit', `"principal";r=${state.remaining};t=${state.resetS}`)
  if (!state.allowed) {
    throw new Problem(
      'quota.exceeded',
      `The limit of ${state.limit} requests a minute is used up: wait ${state.resetS} s.`,
      {
        headers: { 'retry-after': String(state.resetS) },
      },
    )
  }
}

/** Requests a minute as things stand: less while a clamp is in force. */
export function limitOf({ rateLimitPerMinute, clampPerMinute }: Principal): number {
  return Math.min(rateLimitPerMinute, clampPerMinute ?? rateLimitPerMinute)
}
