import { Problem } from '#core/problem.ts'
import { bearerOf, cookieOf, deviceOf, senderOf } from '#gateway/credentials.ts'
import type { Exchange } from '#gateway/exchange.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import { refuseForeignOrigin } from '#gateway/origin.ts'

/** API key or session cookie → Principal. A cookie may write only from the hub's own pages. */
export async function authenticate(exchange: Exchange, gateway: GatewayParts): Promise<void> {
  if (exchange.operation.scope === null) return
  const { headers, method } = exchange.request
  const bearer = bearerOf(headers)
  const cookie = bearer === null ? cookieOf(headers) : null
  const isSecure = gateway.publicUrl().startsWith('https:')
  const device = cookie === null ? null : deviceOf(headers, isSecure)
  const sender = senderOf(exchange.request.raw, gateway.clientOf)
  const principal =
    bearer === null && cookie === null
      ? null
      : await gateway.authenticate({ bearer, cookie, device, sender })
  if (principal === null) {
    throw new Problem(
      'auth.required',
      'Send a valid API key as "Authorization: Bearer <key>", or sign in.',
      {
        headers: {
          'www-authenticate':
            bearer === null
              ? 'Bearer realm="throughline"'
              : 'Bearer realm="throughline", error="invalid_token"',
          connection: 'close',
        },
      },
    )
  }
  if (cookie !== null && method !== 'GET' && method !== 'HEAD')
    refuseForeignOrigin(headers, gateway.publicUrl())
  exchange.principal = principal
}
