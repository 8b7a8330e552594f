import type { IncomingHttpHeaders } from 'node:http'
import { DAY_MS } from '#core/time.ts'

export const DEVICE_MS = 90 * DAY_MS

const nameOf = (isSecure: boolean) =>
  isSecure ? '__Host-throughline-device' : 'throughline_device'

/** Remembers that somebody signed in from this browser; it proves nothing by itself and lets nobody in. */
export function deviceCookie(token: string, isSecure: boolean): string {
  return `${nameOf(isSecure)}=${token}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${DEVICE_MS / 1000}${isSecure ? '; Secure' : ''}`
}

/** The value of one cookie, or null. */
export function readCookie(headers: IncomingHttpHeaders, name: string): string | null {
  for (const part of (headers.cookie ?? '').split(';')) {
    const cut = part.indexOf('=')
    if (cut > 0 && part.slice(0, cut).trim() === name) return part.slice(cut + 1).trim() || null
  }
  return null
}

export function deviceOf(headers: IncomingHttpHeaders, isSecure: boolean): string | null {
  return readCookie(headers, nameOf(isSecure))
}
