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

/**
 * The session's cookie. The bound name goes before the plain one in whatever order they come: a neighbouring subdomain can set the
 * plain one for the whole domain, the bound one only this origin.
 */
export function cookieOf(headers: IncomingHttpHeaders): string | null {
  const values = cookiesOf(headers)
  const sent = SESSION_COOKIES.find((name) => values.has(name))
  return (sent && values.get(sent)) || null
}

/** Of two of one name the first. */
function cookiesOf(headers: IncomingHttpHeaders): Map<string, string> {
  const values = new Map<string, string>()
  for (const part of (headers.cookie ?? '').split(';')) {
    const cut = part.indexOf('=')
    const name = part.slice(0, Math.max(0, cut)).trim()
    if (cut > 0 && !values.has(name)) values.set(name, part.slice(cut + 1).trim())
  }
  return values
}

/** Over TLS only the name that is bound to the origin counts: nobody else can set it. */
export function deviceCookieName(isSecure: boolean): string {
  return isSecure ? '__Host-throughline-device' : 'throughline_device'
}

/** The cookie of the browser that a person signs in from; it goes with that of the session. */
export function deviceOf(headers: IncomingHttpHeaders, isSecure: boolean): string | null {
  return cookiesOf(headers).get(deviceCookieName(isSecure)) || null
}

export function senderOf(request: IncomingMessage, clientOf: ClientOf): Sender {
  return { address: clientOf(request).address, agent: request.headers['user-agent'] ?? '' }
}
