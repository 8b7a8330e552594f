import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, scryptSync } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { z } from 'zod'
import type { MasterKeys } from '#store/key-file.ts'

/** What a backup is encrypted with: a key of the key file, or a passphrase. */
export type BackupSecret = { master: MasterKeys } | { passphrase: string }

const Header = z.object({
  format: z.literal('throughline-backup'),
  version: z.literal(1),
  keyFrom: z.enum(['key-file', 'passphrase']),
  /** Which key of the key file; empty with a passphrase. */
  keyId: z.string(),
  salt: z.base64(),
})
type Header = z.infer<typeof Header>

const FRAME_BYTES = 1 << 20
const TAG_BYTES = 16
const PREFIX_BYTES = 5
const MAX_HEADER_BYTES = 4096
const SCRYPT = { N: 1 << 17, r: 8, p: 1, maxmem: 256 << 20 }

/**
 * Encrypts text as a header line and frames of about 1 MiB, each sealed with AES-256-GCM under a key of this file alone.
 * A frame's number is its nonce and the header with the mark of the last frame is authenticated, so frames cannot be
 * changed, moved, dropped or cut off unseen.
 */
export async function* encryptText(
  text: AsyncIterable<string>,
  secret: BackupSecret,
): AsyncIterable<Buffer> {
  const header: Header = {
    format: 'throughline-backup',
    version: 1,
    keyFrom: 'master' in secret ? 'key-file' : 'passphrase',
    keyId: 'master' in secret ? secret.master.current : '',
    salt: randomBytes(32).toString('base64'),
  }
  const key = deriveKey(header, secret)
  const head = Buffer.from(`${JSON.stringify(header)}\n`)
  yield head
  let frame = 0
  let parts: string[] = []
  let size = 0
  const seal = (isLast: boolean) => {
    const sealed = sealFrame(key, head, frame++, isLast, Buffer.from(parts.join('')))
    parts = []
    size = 0
    return sealed
  }
  for await (const part of text) {
    parts.push(part)
    size += part.length
    if (size >= FRAME_BYTES) yield seal(false)
  }
  yield seal(true)
}

/**
 * The text of a backup, in pieces that are each authenticated before they are given out.
 * @throws Error that says what to do when the file is no backup, the key is another one, or the file was changed or cut.
 */
export async function* decryptText(path: string, secret: BackupSecret): AsyncIterable<string> {
  const file = await open(path, 'r')
  try {
    const { head, header } = await readHeader(file, path)
    const key = deriveKey(header, secret)
    const decoder = new TextDecoder('utf-8', { fatal: true })
    let at = head.length
    for (let frame = 0; ; frame++) {
      const prefix = await readExactly(file, at, PREFIX_BYTES, path)
      const sealed = await readExactly(file, at + PREFIX_BYTES, prefix.readUInt32BE(0), path)
      at += PREFIX_BYTES + sealed.length
      const isLast = prefix.readUInt8(4) === 1
      yield decoder.decode(openFrame(key, head, frame, isLast, sealed, path), { stream: true })
      if (!isLast) continue
      const { size } = await file.stat()
      if (size !== at) throw damaged(path)
      return
    }
  } finally {
    await file.close()
  }
}

function deriveKey(header: Header, secret: BackupSecret): Buffer {
  const salt = Buffer.from(header.salt, 'base64')
  if ('passphrase' in secret) {
    if (header.keyFrom !== 'passphrase')
      throw new Error('This backup was made with the key file: leave the passphrase out.')
    return scryptSync(secret.passphrase.normalize('NFKC'), salt, 32, SCRYPT)
  }
  if (header.keyFrom !== 'key-file')
    throw new Error('This backup was made with a passphrase: give it with --passphrase-file.')
  const master = secret.master.keys.get(header.keyId)
  if (!master)
    throw new Error(
      `The key file does not hold the key ${header.keyId} of this backup: put back the key file that was kept with it.`,
    )
  return Buffer.from(hkdfSync('sha256', master, salt, 'throughline backup', 32))
}

function sealFrame(key: Buffer, head: Buffer, frame: number, isLast: boolean, plain: Buffer) {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(frame))
  cipher.setAAD(Buffer.concat([head, Buffer.from([isLast ? 1 : 0])]))
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32BE(sealed.length, 0)
  prefix.writeUInt8(isLast ? 1 : 0, 4)
  return Buffer.concat([prefix, sealed])
}

function openFrame(
  key: Buffer,
  head: Buffer,
  frame: number,
  isLast: boolean,
  sealed: Buffer,
  path: string,
): Buffer {
  if (sealed.length < TAG_BYTES) throw damaged(path)
  const end = sealed.length - TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(frame), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(Buffer.concat([head, Buffer.from([isLast ? 1 : 0])]))
  decipher.setAuthTag(sealed.subarray(end))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()])
  } catch (cause) {
    throw damaged(path, cause)
  }
}

function nonceOf(frame: number): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(frame, 6, 6)
  return nonce
}

async function readHeader(file: FileHandle, path: string) {
  const { buffer, bytesRead } = await file.read(
    Buffer.alloc(MAX_HEADER_BYTES),
    0,
    MAX_HEADER_BYTES,
    0,
  )
  const end = buffer.subarray(0, bytesRead).indexOf('\n')
  const head = buffer.subarray(0, end + 1)
  try {
    return { head, header: Header.parse(JSON.parse(head.toString())) }
  } catch (cause) {
    throw new Error(`${path} is no backup of this program.`, { cause })
  }
}

async function readExactly(file: FileHandle, at: number, length: number, path: string) {
  const { size } = await file.stat()
  if (at + length > size) throw damaged(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at)
  if (bytesRead !== length) throw damaged(path)
  return buffer
}

function damaged(path: string, cause?: unknown): Error {
  return new Error(
    `${path} was changed or cut, or the passphrase is another one. Nothing was restored: take another copy of it.`,
    { cause },
  )
}
