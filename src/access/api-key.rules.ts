import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

const FORM = /^tl_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/

export interface NewSecret {
  /** The whole key; shown once, never kept. */
  token: string
  /** The public part by which the key is found. */
  prefix: string
  secretHash: Buffer
}

/** A new API key: `tl_`, a 12-character public prefix, `_`, and 256 random bits in base64url. */
export function newSecret(): NewSecret {
  const prefix = randomBytes(6).toString('hex')
  const secret = randomBytes(32).toString('base64url')
  return { token: `tl_${prefix}_${secret}`, prefix, secretHash: hashSecret(secret) }
}

/** The parts of a key as it was sent, or null when it has not the form of one. */
export function splitToken(token: string): { prefix: string; secret: string } | null {
  const match = FORM.exec(token)
  return match ? { prefix: match[1]!, secret: match[2]! } : null
}

/** SHA-256 is enough here: the secret has 256 bits of its own, so there is nothing to guess slowly. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** Compares in constant time. */
export function isSecret(secret: string, hash: Buffer): boolean {
  return timingSafeEqual(hashSecret(secret), hash)
}
