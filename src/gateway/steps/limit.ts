import { Problem } from '#core/problem.ts'
import type { Exchange } from '#gateway/exchange.ts'
import type { GatewayParts } from '#gateway/gateway.ts'

/** The principal's requests a minute, told in the RateLimit fields of draft-ietf-httpapi-ratelimit-headers. */
export async function limit(exchange: Exchange, gateway: GatewayParts): Promise<void> {
  if (exchange.principal === null) return
  const state = await gateway.limiter.take(
    exchange.principal.id,
    exchange.principal.rateLimitPerMinute,
  )
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
