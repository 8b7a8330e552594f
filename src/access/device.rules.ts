import { timingSafeEqual } from 'node:crypto'
import { hashToken } from '#access/session.rules.ts'
import { DAY_MS } from '#core/time.ts'

/** A device that nobody signed in from for so long is forgotten. */
export const DEVICE_MS = 365 * DAY_MS

/**
 * A device counts as known so long after the first sign-in there: who came by a stolen password has a new one, and its owner sees it
 * among their devices meanwhile. Without a second factor waiting is the only proof there is.
 */
export const KNOWN_AFTER_DAYS = 7

/** What is known of a person's browser. */
export interface Device {
  firstSeenAt: Date
  /** When its person last proved themselves there by a second factor. */
  confirmedAt: Date | null
}

export function expiryOf(lastSeenAt: Date): Date {
  return new Date(lastSeenAt.getTime() + DEVICE_MS)
}

export type Standing = 'new' | 'known' | 'confirmed'

export function standingOf({ firstSeenAt, confirmedAt }: Device, now: Date): Standing {
  if (confirmedAt !== null) return 'confirmed'
  const ageMs = now.getTime() - firstSeenAt.getTime()
  return ageMs >= KNOWN_AFTER_DAYS * DAY_MS ? 'known' : 'new'
}

/** Methods that prove more than a password, a link or an outside provider's word does. A passkey holds both factors. */
const SECOND_FACTORS = ['totp', 'recovery', 'passkey']

export function hasSecondFactor(methods: readonly string[]): boolean {
  return methods.some((method) => SECOND_FACTORS.includes(method))
}

/** What a session knows of its device. */
export interface Binding {
  /** Of the secret in the device's cookie; null where the session has no device. */
  deviceHash: Buffer | null
  /** Since when the session is worth nothing without that cookie. */
  deviceBoundAt: Date | null
}

/**
 * How the cookie of a device fits the session that it came with. A session is bound once its browser has sent the cookie back: a
 * client that keeps no device cookie has a session as ever, but no device.
 */
export function fitOf(
  { deviceHash, deviceBoundAt }: Binding,
  sent: string | null,
): 'none' | 'binds' | 'bound' | 'foreign' {
  if (deviceHash === null) return 'none'
  if (sent === null) return deviceBoundAt === null ? 'none' : 'foreign'
  if (!timingSafeEqual(hashToken(sent), deviceHash)) return 'foreign'
  return deviceBoundAt === null ? 'binds' : 'bound'
}
