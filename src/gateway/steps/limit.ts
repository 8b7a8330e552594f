import { Problem } from '#core/problem.ts'
import type { Exchange } from '#gateway/exchange.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import type { LimitState } from '#gateway/limiter.ts'
import type { Principal } from '#gateway/operation.ts'
import type { QuotaState } from '#gateway/quota.ts'

const MINUTE = { name: 'principal', windowS: 60 }

/** The principal's requests a minute, a day and a month. */
export async function limit(exchange: Exchange, gateway: GatewayParts): Promise<void> {
  if (exchange.principal === null) return
  const { principal, operation } = exchange
  const most = operation.outsideClamp ? principal.rateLimitPerMinute : limitOf(principal)
  exchange.limit = await holdLimits(principal, most, exchange.now, gateway, (fields) => {
    exchange.reply.headers(fields)
  })
}

/**
 * Counts a request against so many a minute and the quotas, and tells in the RateLimit fields of draft-ietf-httpapi-ratelimit-headers how it stands.
 * @throws Problem `quota.exceeded` when the minute, the day or the month is used up.
 */
export async function holdLimits(
  principal: Principal,
  perMinute: number,
  now: Date,
  gateway: Pick<GatewayParts, 'limiter' | 'quotas'>,
  sendHeaders: (fields: Record<string, string>) => void,
): Promise<LimitState> {
  const minute = await gateway.limiter.take(principal.id, perMinute)
  const quotas = minute.allowed ? await gateway.quotas.take(principal, now) : []
  const all: QuotaState[] = [{ ...MINUTE, ...minute }, ...quotas]
  sendHeaders({
    'ratelimit-policy': all
      .map((one) => `"${one.name}";q=${one.limit};w=${one.windowS}`)
      .join(', '),
    ratelimit: all.map((one) => `"${one.name}";r=${one.remaining};t=${one.resetS}`).join(', '),
  })
  if (!minute.allowed)
    throw refusal(
      `The limit of ${minute.limit} requests a minute is used up: wait ${minute.resetS} s.`,
      minute.resetS,
    )
  const spent = quotas.filter((one) => !one.allowed)
  if (spent.length > 0) {
    const last = spent.reduce((a, b) => (b.resetS > a.resetS ? b : a))
    throw refusal(
      `The quota “${last.name}” of ${last.limit} requests is used up: it starts afresh in ${last.resetS} s, or ask an admin for more.`,
      last.resetS,
    )
  }
  return minute
}

function refusal(detail: string, resetS: number): Problem {
  return new Problem('quota.exceeded', detail, { headers: { 'retry-after': String(resetS) } })
}

/** Requests a minute as things stand: less while a clamp is in force. */
export function limitOf({ rateLimitPerMinute, clampPerMinute }: Principal): number {
  return Math.min(rateLimitPerMinute, clampPerMinute ?? rateLimitPerMinute)
}
