import { createHash, randomBytes } from 'node:crypto'
import { Secret, TOTP } from 'otpauth'

const STEP_S = 30
const CODES = 10

export const totpContext = (userId: string) => `user_totp.secret:${userId}`

/** A new secret of 160 bits, in Base32 (RFC 4226 §4). */
export const newTotpSecret = (): string => new Secret({ size: 20 }).base32

function totpOf(secret: string, label: string): TOTP {
  return new TOTP({
    issuer: 'Throughline',
    label,
    secret: Secret.fromBase32(secret),
    period: STEP_S,
  })
}

/** The address that an authenticator app reads from a QR code. */
export const totpUri = (secret: string, label: string): string => totpOf(secret, label).toString()

/** The step of the clock that a code stands for, at most one away from now (RFC 6238 §5.2); null when the code is wrong. */
export function stepOfCode(secret: string, code: string, now: Date): number | null {
  if (!/^\d{6}$/.test(code)) return null
  const timestamp = now.getTime()
  const delta = totpOf(secret, '').validate({ token: code, timestamp, window: 1 })
  return delta === null ? null : Math.floor(timestamp / 1000 / STEP_S) + delta
}

/** Ten new recovery codes of 80 bits; only hashes are kept, and with that much to guess a quick hash is enough. */
export function newRecoveryCodes(): { codes: string[]; hashes: Buffer[] } {
  const codes = Array.from({ length: CODES }, () => {
    const text = new Secret({ buffer: new Uint8Array(randomBytes(10)).buffer }).base32.toLowerCase()
    return text.match(/.{4}/g)!.join('-')
  })
  return { codes, hashes: codes.map(hashRecoveryCode) }
}

/** Case, spaces and hyphens do not matter. */
export function hashRecoveryCode(code: string): Buffer {
  const plain = code.toLowerCase().replaceAll(/[^a-z2-7]/g, '')
  return createHash('sha256').update(`recovery ${plain}`).digest()
}
