import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * Argon2id with 19 MiB, two passes, one lane: the first setting of the OWASP Password Storage Cheat Sheet (RFC 9106 §4). Four
 * at a time (the size of Node's thread pool) hold 76 MiB. Kept as a PHC string, so that costs can grow and old hashes still verify.
 */
const COSTS = { m: 19_456, t: 2, p: 1 }
const BYTES = 32
const FORM =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/** Hashes a password, about 0.05 s of one core. Unicode is normalised first (NIST SP 800-63B-4 §3.1.1.2). */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, salt, COSTS)
  const { m, t, p } = COSTS
  return `$argon2id$v=19$m=${m},t=${t},p=${p}$${unpadded(salt)}$${unpadded(hash)}`
}

/** Whether this is the password. With null (no such account) it does the same work and says no. */
export async function isPassword(password: string, kept: string | null): Promise<boolean> {
  const parts = FORM.exec(kept ?? '')
  if (!parts) {
    await derive(password, randomBytes(16), COSTS)
    return false
  }
  const [m, t, p] = [Number(parts[1]), Number(parts[2]), Number(parts[3])]
  const hash = Buffer.from(parts[5]!, 'base64')
  const derived = await derive(password, Buffer.from(parts[4]!, 'base64'), { m, t, p })
  return hash.length === derived.length && timingSafeEqual(hash, derived)
}

function derive(
  password: string,
  nonce: Buffer,
  { m, t, p }: { m: number; t: number; p: number },
): Promise<Buffer> {
  const message = password.normalize('NFKC')
  const parameters = { message, nonce, parallelism: p, tagLength: BYTES, memory: m, passes: t }
  return new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (error, key) => (error ? reject(error) : resolve(key)))
  })
}

const unpadded = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
