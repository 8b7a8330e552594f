import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { ClientOf } from '#gateway/client-address.ts'
import type { Sender } from '#gateway/gateway.ts'

/** The session cookie; `__Host-` binds it to the origin wherever the hub is reached through TLS. */
export const SESSION_COOKIES = ['__Host-throughline', 'throughline_session'] as const

/** The token of `Authorization: Bearer <token>` (RFC 6750 §2.1), or null. */
export function bearerOf(headers: IncomingHttpHeaders): string | null {
  const value = headers.authorization
  if (value === undefined || value.length > 8192) return null
  const space = value.indexOf(' ')
  return space > 0 && value.slice(0, space).toLowerCase() === 'bearer'
    ? value.slice(space + 1).trim() || null
    : null
}

export function cookieOf(headers: IncomingHttpHeaders): string | null {
  for (const part of (headers.cookie ?? '').split(';')) {
    const cut = part.indexOf('=')
    if (cut < 0) continue
    const name = part.slice(0, cut).trim()
    if (SESSION_COOKIES.some((cookie) => cookie === name)) return part.slice(cut + 1).trim() || null
  }
  return null
}

export function senderOf(request: IncomingMessage, clientOf: ClientOf): Sender {
  return { address: clientOf(request).address, agent: request.headers['user-agent'] ?? '' }
}
