import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  randomFillSync,
} from 'node:crypto'
import type { MasterKeys } from '#store/key-file.ts'

/* oxlint-disable typescript/no-unnecessary-type-parameters -- the caller of open() knows what it sealed */

/** Seals personal values of one workspace. Implemented in this file by the envelope below. */
export interface Sealer {
  /**
   * Encrypts a JSON value: AES-256-GCM, a fresh 96-bit nonce, key id in the header.
   * @param context  what the value is and whose, such as `people.personal:per_…`; it is authenticated, so that a
   *   ciphertext moved to another row or column does not open.
   */
  seal(value: unknown, context: string): Buffer
  /** Decrypts. @throws Error (without data in its message) when the bytes were changed or moved. */
  open<T>(sealed: Buffer, context: string): T
  /**
   * Blind index for equality look-ups: HMAC-SHA256 under the workspace's index key, 32 bytes.
   * @param kind  separates the domains, such as `email`; callers normalise the value first.
   */
  index(kind: string, value: string): Buffer
}

export type KeyKind = 'data' | 'index'

/** One row of `workspace_keys`. */
export interface WrappedKey {
  kind: KeyKind
  generation: number
  keyId: string
  wrapped: Buffer
}

/** The layout of a sealed value: version, key generation, nonce, tag, ciphertext of the JSON text. */
const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 2 + NONCE_BYTES + TAG_BYTES
const ALGORITHM = 'aes-256-gcm'

/**
 * Encrypts with AES-256-GCM (NIST SP 800-38D). Random 96-bit nonces are safe for 2^32 values under one key (section 8.3),
 * which is why each workspace has a data key of its own. Keys are KeyObjects: with a Buffer each call costs 4 times as much.
 */
function encrypt(key: KeyObject, generation: number, plain: Buffer, associated: string): Buffer {
  const sealed = Buffer.allocUnsafe(HEADER_BYTES + plain.length)
  sealed[0] = VERSION
  sealed[1] = generation
  const nonce = takeNonce()
  nonce.copy(sealed, 2)
  const cipher = createCipheriv(ALGORITHM, key, nonce)
  cipher.setAAD(Buffer.from(`${VERSION}:${generation}:${associated}`))
  cipher.update(plain).copy(sealed, HEADER_BYTES)
  cipher.final()
  cipher.getAuthTag().copy(sealed, 2 + NONCE_BYTES)
  return sealed
}

/** @throws Error without data when the value is no sealed one, was changed, or belongs elsewhere. */
function decrypt(key: KeyObject, sealed: Buffer, associated: string): Buffer {
  const nonce = sealed.subarray(2, 2 + NONCE_BYTES)
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(`${VERSION}:${sealed[1]}:${associated}`))
  decipher.setAuthTag(sealed.subarray(2 + NONCE_BYTES, HEADER_BYTES))
  const plain = decipher.update(sealed.subarray(HEADER_BYTES))
  decipher.final()
  return plain
}

/** Nonces are drawn from the system in blocks: one call for 341 of them, for speed. */
const noncePool = Buffer.alloc(4092)
let nonceOffset = noncePool.length

function takeNonce(): Buffer {
  if (nonceOffset === noncePool.length) {
    randomFillSync(noncePool)
    nonceOffset = 0
  }
  const nonce = Buffer.from(noncePool.subarray(nonceOffset, nonceOffset + NONCE_BYTES))
  nonceOffset += NONCE_BYTES
  return nonce
}

function isSealed(sealed: Buffer): boolean {
  return sealed.length >= HEADER_BYTES && sealed[0] === VERSION
}

const wrapContext = (workspaceId: string, kind: KeyKind) => `workspace_keys:${kind}:${workspaceId}`

/** Two new keys for a workspace, wrapped by the installation's current key. */
export function makeWorkspaceKeys(
  master: MasterKeys,
  workspaceId: string,
  generation = 1,
): WrappedKey[] {
  const kinds: KeyKind[] = ['data', 'index']
  return kinds.map((kind) => wrapKey(master, workspaceId, kind, generation, randomBytes(32)))
}

function wrapKey(
  master: MasterKeys,
  workspaceId: string,
  kind: KeyKind,
  generation: number,
  key: Buffer,
): WrappedKey {
  const masterKey = master.keys.get(master.current)
  if (!masterKey) throw new Error(`The key file does not hold its current key ${master.current}.`)
  const wrapped = encrypt(
    createSecretKey(masterKey),
    generation,
    key,
    wrapContext(workspaceId, kind),
  )
  return { kind, generation, keyId: master.current, wrapped }
}

/** @throws Error without key material when the wrapping key is missing or the row was changed or moved. */
function unwrapKey(master: MasterKeys, workspaceId: string, row: WrappedKey): Buffer {
  const masterKey = master.keys.get(row.keyId)
  if (!masterKey)
    throw new Error(`The key file does not hold ${row.keyId}, which wraps a key of ${workspaceId}.`)
  try {
    if (!isSealed(row.wrapped) || row.wrapped[1] !== row.generation)
      throw new Error('not a wrapped key')
    return decrypt(createSecretKey(masterKey), row.wrapped, wrapContext(workspaceId, row.kind))
  } catch (cause) {
    throw new Error(
      `The ${row.kind} key of ${workspaceId} does not open: the row or the key file was changed.`,
      { cause },
    )
  }
}

/** The same key under the installation's current key; data sealed with it is not touched. */
export function rewrapKey(master: MasterKeys, workspaceId: string, row: WrappedKey): WrappedKey {
  return wrapKey(master, workspaceId, row.kind, row.generation, unwrapKey(master, workspaceId, row))
}

/**
 * The sealer of a workspace from its rows of `workspace_keys`.
 *
 * New values are sealed with the highest generation of data key, older generations only open. The index key has one
 * generation: another one would make every look-up miss.
 */
export function createSealer(
  master: MasterKeys,
  workspaceId: string,
  rows: readonly WrappedKey[],
): Sealer {
  const dataKeys = new Map<number, KeyObject>()
  let indexKey: KeyObject | undefined
  for (const row of rows) {
    const key = createSecretKey(unwrapKey(master, workspaceId, row))
    if (row.kind === 'data') dataKeys.set(row.generation, key)
    else indexKey = key
  }
  const generation = Math.max(...dataKeys.keys())
  const dataKey = dataKeys.get(generation)
  if (!dataKey || !indexKey)
    throw new Error(`The workspace ${workspaceId} lacks a data key or an index key.`)
  const index = indexKey
  return {
    seal(value, context) {
      const text = JSON.stringify(value)
      if (text === undefined) throw new TypeError('Only JSON values can be sealed.')
      return encrypt(dataKey, generation, Buffer.from(text), `${workspaceId}:${context}`)
    },
    open<T>(sealed: Buffer, context: string): T {
      const key = isSealed(sealed) ? dataKeys.get(sealed[1] ?? 0) : undefined
      if (!key) throw new Error(`A sealed value of ${workspaceId} has no known form or key.`)
      let plain: Buffer
      try {
        plain = decrypt(key, sealed, `${workspaceId}:${context}`)
      } catch (cause) {
        throw new Error(
          `A sealed value of ${workspaceId} does not open: it was changed or moved.`,
          { cause },
        )
      }
      return JSON.parse(plain.toString()) as T
    },
    index(kind, value) {
      return createHmac('sha256', index).update(`${kind}\0${value}`).digest()
    },
  }
}

/** Stands in for a workspace that has no keys, so that only sealing fails and not every transaction. */
export function missingSealer(workspaceId: string): Sealer {
  const refuse = (): never => {
    throw new Error(`The workspace ${workspaceId} has no keys: it does not exist or was erased.`)
  }
  return { seal: refuse, open: refuse, index: refuse }
}
