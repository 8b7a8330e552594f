import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'

const KeyFile = z.object({
  current: z.string(),
  keys: z.record(z.string().max(100), z.base64()),
})

/** The keys of the installation: they wrap each workspace's keys and never touch data themselves. */
export interface MasterKeys {
  /** The name of the key that wraps from now on. */
  current: string
  /** Name → 32 bytes. Older keys stay until nothing is wrapped by them. */
  keys: ReadonlyMap<string, Buffer>
}

/**
 * Reads the key file; null when there is none.
 * @throws Error when it cannot be read or holds no usable keys. The message holds no key material.
 */
export async function findMasterKeys(path: string): Promise<MasterKeys | null> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return null
    throw new Error(`The key file ${path} cannot be read.`, { cause })
  }
  return parseKeyFile(path, text)
}

function parseKeyFile(path: string, text: string): MasterKeys {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new Error(`The key file ${path} is not JSON. Restore it from its backup.`) // no cause: it would quote the text
  }
  const parsed = KeyFile.safeParse(json)
  if (!parsed.success) throw new Error(`The key file ${path} does not have the expected form.`)
  const keys = new Map<string, Buffer>()
  for (const [name, encoded] of Object.entries(parsed.data.keys)) {
    const key = Buffer.from(encoded, 'base64')
    if (key.length !== 32) throw new Error(`The key ${name} in ${path} is not 256 bits long.`)
    keys.set(name, key)
  }
  if (!keys.has(parsed.data.current)) {
    throw new Error(
      `The key file ${path} names ${parsed.data.current} as current and does not hold it.`,
    )
  }
  return { current: parsed.data.current, keys }
}

/** Creates the key file with one new key. When another process was first, its keys are the answer. */
export async function createMasterKeys(path: string): Promise<MasterKeys> {
  const fresh = withNewKey(null)
  await mkdir(dirname(path), { recursive: true })
  const draft = await writeDraft(path, fresh)
  try {
    await link(draft, path) // unlike a rename, it never replaces what is there
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  } finally {
    await rm(draft, { force: true })
  }
  await syncFolder(path)
  const kept = await findMasterKeys(path)
  if (!kept) throw new Error(`The key file ${path} disappeared while it was created.`)
  return kept
}

/** Adds a new key and makes it current; the older ones stay until everything is wrapped anew. */
export async function rotateMasterKeys(path: string, known: MasterKeys): Promise<MasterKeys> {
  const next = withNewKey(known)
  await replaceKeyFile(path, next)
  return next
}

/** Takes all keys but the current one out of the file. Only after nothing is wrapped by them any more. */
export async function dropOldMasterKeys(path: string, known: MasterKeys): Promise<MasterKeys> {
  const current = known.keys.get(known.current)
  const next = { current: known.current, keys: new Map(current ? [[known.current, current]] : []) }
  await replaceKeyFile(path, next)
  return next
}

async function replaceKeyFile(path: string, keys: MasterKeys): Promise<void> {
  await rename(await writeDraft(path, keys), path)
  await syncFolder(path)
}

function withNewKey(known: MasterKeys | null): MasterKeys {
  const name = `k${new Date().toISOString().slice(0, 10)}-${randomBytes(4).toString('hex')}`
  return { current: name, keys: new Map([...(known?.keys ?? []), [name, randomBytes(32)]]) }
}

async function writeDraft(path: string, { current, keys }: MasterKeys): Promise<string> {
  const encoded = Object.fromEntries([...keys].map(([name, key]) => [name, key.toString('base64')]))
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(`${JSON.stringify({ current, keys: encoded }, null, 2)}\n`)
    await file.sync() // whoever loses this file loses every personal value: it must outlive a power cut
  } finally {
    await file.close()
  }
  return draft
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return // a folder cannot be opened there
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Whether the error is a system error with this code, such as ENOENT. */
export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
