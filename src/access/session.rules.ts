import { createHash, randomBytes } from 'node:crypto'
import { HOUR_MS, MINUTE_MS } from '#core/time.ts'

/** A session ends after this long without a request, and in any case after the absolute time (OWASP ASVS 5.0, 7.3). */
export const IDLE_MS = 30 * MINUTE_MS
export const ABSOLUTE_MS = 12 * HOUR_MS
export const LINK_MS = 15 * MINUTE_MS

/** 256 random bits; only its hash is kept. */
export function newToken(): { token: string; tokenHash: Buffer } {
  const token = randomBytes(32).toString('base64url')
  return { token, tokenHash: hashToken(token) }
}

export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

export function isLive(session: { lastSeenAt: Date; expiresAt: Date }, now: Date): boolean {
  return now < session.expiresAt && now.getTime() - session.lastSeenAt.getTime() < IDLE_MS
}

/** `__Host-` needs TLS; over plain HTTP, which the hub answers on loopback only, the same cookie goes by a plain name. */
export function sessionCookie(token: string, isSecure: boolean, maxAgeMs: number): string {
  const name = isSecure ? '__Host-throughline' : 'throughline_session'
  return `${name}=${token}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${Math.floor(maxAgeMs / 1000)}${isSecure ? '; Secure' : ''}`
}
