import { createHash, sign, verify, type KeyObject } from 'node:crypto'

/** An audit entry as it is proved: everything of it that a reader sees. */
export interface ProvedEntry {
  workspaceId: string
  id: string
  occurredAt: Date
  principalId: string
  principalKind: string
  action: string
  subjectId: string | null
  detail: unknown
  requestId: string | null
}

/** The head of a chain, as it is signed. */
export interface Head {
  workspaceId: string
  seq: number
  chainHash: Buffer
  signedAt: Date
}

export interface Checkpoint extends Head {
  keyId: string
  signature: Buffer
}

/** What comes before the first link. */
export const GENESIS = Buffer.alloc(32)

/**
 * SHA-256 of an entry: of the JSON text of its fields in a fixed order, with sorted keys inside `detail`, so that the same
 * entry gives the same bytes on every machine (after RFC 8785, whose number and string forms are those of JSON.stringify).
 */
export function entryHash(entry: ProvedEntry): Buffer {
  const text = canonical([
    entry.workspaceId,
    entry.id,
    entry.occurredAt.toISOString(),
    entry.principalId,
    entry.principalKind,
    entry.action,
    entry.subjectId,
    entry.detail,
    entry.requestId,
  ])
  return createHash('sha256').update(`throughline audit entry 1\n${text}`).digest()
}

/** SHA-256 of the link before, the position and the entry: none of them can change without all later links. */
export function chainHash(before: Buffer, seq: number, entry: Buffer): Buffer {
  return createHash('sha256')
    .update(`throughline audit link 1\n${before.toString('hex')}\n${seq}\n${entry.toString('hex')}`)
    .digest()
}

/** Signs a head with Ed25519 (RFC 8032). */
export function signHead(head: Head, privateKey: KeyObject): Buffer {
  return sign(null, headText(head), privateKey)
}

/** Whether the signature is of this head under this key. */
export function isSignatureOf(head: Head, signature: Buffer, publicKey: KeyObject): boolean {
  return signature.length === 64 && verify(null, headText(head), publicKey, signature)
}

function headText({ workspaceId, seq, chainHash: hash, signedAt }: Head): Buffer {
  return Buffer.from(
    `throughline audit head 1\n${workspaceId}\n${seq}\n${hash.toString('hex')}\n${signedAt.toISOString()}`,
  )
}

/** JSON with sorted keys; the values are what PostgreSQL's jsonb holds. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`
}
