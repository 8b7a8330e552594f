import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { GUARD_SETTINGS, type KeyGuard } from '#store/key-guard.ts'

/** An entry is a key in Base64, or begins with the mark of the guard that sealed it. */
const KeyFile = z.object({
  current: z.string(),
  keys: z.record(z.string().max(100), z.string().max(10_000)),
})
type KeyFile = z.infer<typeof KeyFile>

/** The keys of the installation: they wrap each workspace's keys and never touch data themselves. */
export interface MasterKeys {
  /** The name of the key that wraps from now on. */
  current: string
  /** Name → 32 bytes. Older keys stay until nothing is wrapped by them. */
  keys: ReadonlyMap<string, Buffer>
}

/**
 * Reads the key file; null when there is none.
 * @param guard  opens what it sealed; entries that nobody sealed are taken as they are.
 * @throws Error when it cannot be read or holds no usable keys. The message holds no key material.
 */
export async function findMasterKeys(
  path: string,
  guard: KeyGuard | null = null,
): Promise<MasterKeys | null> {
  const file = await readKeyFile(path)
  if (file === null) return null
  const keys = new Map<string, Buffer>()
  for (const [name, entry] of Object.entries(file.keys)) {
    const key = await openEntry(path, name, entry, guard)
    if (key.length !== 32) throw new Error(`The key ${name} in ${path} is not 256 bits long.`)
    keys.set(name, key)
  }
  if (!keys.has(file.current)) {
    throw new Error(`The key file ${path} names ${file.current} as current and does not hold it.`)
  }
  return { current: file.current, keys }
}

/** Names of the keys that stand in the file without a seal. */
export async function listUnsealed(path: string): Promise<string[]> {
  const file = await readKeyFile(path)
  return Object.entries(file?.keys ?? {}).flatMap(([name, entry]) =>
    markOf(entry) === undefined ? [name] : [],
  )
}

async function readKeyFile(path: string): Promise<KeyFile | null> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return null
    throw new Error(`The key file ${path} cannot be read.`, { cause })
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new Error(`The key file ${path} is not JSON. Restore it from its backup.`) // no cause: it would quote the text
  }
  const parsed = KeyFile.safeParse(json)
  if (!parsed.success) throw new Error(`The key file ${path} does not have the expected form.`)
  return parsed.data
}

const markOf = (entry: string) => Object.keys(GUARD_SETTINGS).find((mark) => entry.startsWith(mark))

async function openEntry(
  path: string,
  name: string,
  entry: string,
  guard: KeyGuard | null,
): Promise<Buffer> {
  const mark = markOf(entry)
  if (mark === undefined) {
    if (z.base64().safeParse(entry).success) return Buffer.from(entry, 'base64')
    throw new Error(`The key file ${path} does not have the expected form.`)
  }
  if (guard?.mark === mark) return guard.open(name, entry)
  throw new Error(
    `The key ${name} in ${path} is sealed: set ${GUARD_SETTINGS[mark]} as it was when that was done.`,
  )
}

/** Creates the key file with one new key. When another process was first, its keys are the answer. */
export async function createMasterKeys(
  path: string,
  guard: KeyGuard | null = null,
): Promise<MasterKeys> {
  const fresh = withNewKey(null)
  await mkdir(dirname(path), { recursive: true })
  const draft = await writeDraft(path, fresh, guard)
  try {
    await link(draft, path) // unlike a rename, it never replaces what is there
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  } finally {
    await rm(draft, { force: true })
  }
  await syncFolder(path)
  const kept = await findMasterKeys(path, guard)
  if (!kept) throw new Error(`The key file ${path} disappeared while it was created.`)
  return kept
}

/** Adds a new key and makes it current; the older ones stay until everything is wrapped anew. The guard seals all of them. */
export async function rotateMasterKeys(
  path: string,
  known: MasterKeys,
  guard: KeyGuard | null = null,
): Promise<MasterKeys> {
  const next = withNewKey(known)
  await replaceKeyFile(path, next, guard)
  return next
}

/** Takes all keys but the current one out of the file. Only after nothing is wrapped by them any more. */
export async function dropOldMasterKeys(
  path: string,
  known: MasterKeys,
  guard: KeyGuard | null = null,
): Promise<MasterKeys> {
  const current = known.keys.get(known.current)
  const next = { current: known.current, keys: new Map(current ? [[known.current, current]] : []) }
  await replaceKeyFile(path, next, guard)
  return next
}

async function replaceKeyFile(
  path: string,
  keys: MasterKeys,
  guard: KeyGuard | null,
): Promise<void> {
  await rename(await writeDraft(path, keys, guard), path)
  await syncFolder(path)
}

function withNewKey(known: MasterKeys | null): MasterKeys {
  const name = `k${new Date().toISOString().slice(0, 10)}-${randomBytes(4).toString('hex')}`
  return { current: name, keys: new Map([...(known?.keys ?? []), [name, randomBytes(32)]]) }
}

async function writeDraft(
  path: string,
  { current, keys }: MasterKeys,
  guard: KeyGuard | null,
): Promise<string> {
  const entries: [string, string][] = []
  for (const [name, key] of keys)
    entries.push([name, guard ? await guard.seal(name, key) : key.toString('base64')])
  const encoded = Object.fromEntries(entries)
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
