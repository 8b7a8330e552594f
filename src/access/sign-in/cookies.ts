import type { IncomingHttpHeaders } from 'node:http'
import { DEVICE_MS } from '#access/device.rules.ts'
import { deviceCookieName } from '#gateway/credentials.ts'

/** Tells a browser that somebody signed in from here; it lets nobody in by itself. */
export function deviceCookie(token: string, isSecure: boolean): string {
  return `${deviceCookieName(isSecure)}=${token}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${DEVICE_MS / 1000}${isSecure ? '; Secure' : ''}`
}

/** The value of one cookie, or null. */
export function readCookie(headers: IncomingHttpHeaders, name: string): string | null {
  for (const part of (headers.cookie ?? '').split(';')) {
    const cut = part.indexOf('=')
    if (cut > 0 && part.slice(0, cut).trim() === name) return part.slice(cut + 1).trim() || null
  }
  return null
}
