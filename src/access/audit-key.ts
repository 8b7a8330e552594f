import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The key that signs heads of the audit log. It lies outside the database, so that whoever owns that cannot sign. */
export interface AuditKey {
  id: string
  privateKey: KeyObject
  publicKey: KeyObject
}

/**
 * Reads the signing key (PKCS #8, PEM), or makes one where there is none.
 * @throws Error when the file is there and holds no Ed25519 key. The message holds no key material.
 */
export async function openAuditKey(path: string): Promise<AuditKey> {
  const known = await findPem(path)
  if (known !== null) return parseKey(path, known)
  const { privateKey } = generateKeyPairSync('ed25519')
  await createFile(path, String(privateKey.export({ type: 'pkcs8', format: 'pem' })))
  const kept = await findPem(path) // another process may have been first
  if (kept === null) throw new Error(`The key file ${path} disappeared while it was created.`)
  return parseKey(path, kept)
}

/** How a public key is named in checkpoints: the first 16 hex digits of the SHA-256 of its SPKI form. */
export function keyIdOf(publicKey: KeyObject): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('hex').slice(0, 16)
}

function parseKey(path: string, pem: string): AuditKey {
  let privateKey: KeyObject
  try {
    privateKey = createPrivateKey(pem)
  } catch {
    throw new Error(`${path} holds no private key. Restore it from its backup.`) // no cause: it may quote the text
  }
  if (privateKey.asymmetricKeyType !== 'ed25519')
    throw new Error(`${path} holds a key of another kind: the audit log is signed with Ed25519.`)
  const publicKey = createPublicKey(privateKey)
  return { id: keyIdOf(publicKey), privateKey, publicKey }
}

async function findPem(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** Never replaces what is there, and is there whole or not at all. */
async function createFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    await link(draft, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    await rm(draft, { force: true })
  }
}
