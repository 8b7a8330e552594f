import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  createMasterKeys,
  dropOldMasterKeys,
  findMasterKeys,
  listUnsealed,
  rotateMasterKeys,
} from '#store/key-file.ts'
import { environmentGuard, guardOf, transitGuard, type KeyGuard } from '#store/key-guard.ts'
import { copyDatabase, freshWorkspaceId, openTestStore, type TestDatabase } from '#tests/store.ts'
import { startTransit, type TransitServer } from '#tests/transit.ts'

let folder: string
let path: string
let transit: TransitServer
let tokenFile: string
const kek = randomBytes(32)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-guard-'))
})
beforeEach(async () => {
  path = join(folder, `${randomBytes(6).toString('hex')}.json`)
  tokenFile = join(folder, 'token')
  transit = await startTransit()
  await writeFile(tokenFile, `${transit.token}\n`)
})
afterEach(() => transit.stop())
afterAll(() => rm(folder, { recursive: true, force: true }))

const byTransit = () => transitGuard({ url: transit.url, key: 'throughline', tokenFile }, [1, 1])
const guards: [string, () => KeyGuard][] = [
  ['a key of the environment', () => environmentGuard(kek)],
  ['a key service', byTransit],
]

describe.each(guards)('under %s', (_name, open) => {
  test('the file opens with it alone, and holds no key as it is', async () => {
    const { current, keys } = await createMasterKeys(path, open())
    const text = await readFile(path, 'utf8')
    expect(text).not.toContain(keys.get(current)!.toString('base64'))
    expect((await findMasterKeys(path, open()))!.keys.get(current)).toEqual(keys.get(current))
    await expect(findMasterKeys(path)).rejects.toThrow(/is sealed: set THROUGHLINE_/)
    const other = open().mark === 'env:' ? byTransit() : environmentGuard(kek)
    await expect(findMasterKeys(path, other)).rejects.toThrow(/is sealed: set THROUGHLINE_/)
  })

  test('an entry that was changed, or stands under another name, does not open', async () => {
    const guard = open()
    const entry = await guard.seal('one', randomBytes(32))
    const changed = `${entry.slice(0, -4)}${entry.at(-4) === 'A' ? 'B' : 'A'}${entry.slice(-3)}`
    await expect(open().open('one', changed)).rejects.toThrow()
    await expect(open().open('other', entry)).rejects.toThrow()
    expect(await open().open('one', entry)).toHaveLength(32)
  })

  test('a file of before opens, says what is not sealed, and is sealed by a rotation', async () => {
    const plain = await createMasterKeys(path)
    expect(await listUnsealed(path)).toEqual([plain.current])
    const known = (await findMasterKeys(path, open()))!
    const rotated = await rotateMasterKeys(path, known, open())
    expect(await listUnsealed(path)).toEqual([])
    const both = (await findMasterKeys(path, open()))!
    expect([...both.keys.keys()]).toEqual([plain.current, rotated.current])
    expect(both.keys.get(plain.current)).toEqual(plain.keys.get(plain.current))
    await dropOldMasterKeys(path, rotated, open())
    expect([...(await findMasterKeys(path, open()))!.keys.keys()]).toEqual([rotated.current])
  })
})

test('another key of the environment opens nothing, and the refusal shows neither', async () => {
  await createMasterKeys(path, environmentGuard(kek))
  const wrong = randomBytes(32)
  const error = await findMasterKeys(path, environmentGuard(wrong)).then(
    () => '',
    (reason: unknown) => String(reason),
  )
  expect(error).toContain('does not open with THROUGHLINE_KEY_ENCRYPTION_KEY')
  expect(error).not.toContain(wrong.toString('base64'))
})

test('a key service that restarts is asked again, one that refuses is not', async () => {
  const { current } = await createMasterKeys(path, byTransit())
  transit.next = [null, 503]
  expect((await findMasterKeys(path, byTransit()))!.current).toBe(current)
  transit.next = [503, 429, null]
  await expect(findMasterKeys(path, byTransit())).rejects.toThrow(
    `The key service at ${transit.url}, key throughline does not decrypt`,
  )
  transit.token = 'hvs.second'
  transit.calls.length = 0
  await expect(findMasterKeys(path, byTransit())).rejects.toThrow(/It answered 403.*decrypt/)
  await writeFile(tokenFile, 'hvs.second')
  const guard = byTransit()
  for (let i = 0; i < 3; i += 1) await findMasterKeys(path, guard)
  expect(transit.calls).toEqual(['decrypt'])
})

test('a new version of the key at the service opens what older ones sealed', async () => {
  const { current, keys } = await createMasterKeys(path, byTransit())
  transit.rotate()
  const known = (await findMasterKeys(path, byTransit()))!
  expect(known.keys.get(current)).toEqual(keys.get(current))
  await rotateMasterKeys(path, known, byTransit())
  expect(await readFile(path, 'utf8')).not.toContain('vault:v1:')
})

test('settings name one guard, with all it takes', () => {
  const [transitKey, url] = ['throughline', 'https://vault.example.com/v1/transit']
  const keyEncryptionKey = kek.toString('base64')
  expect(guardOf({ transitKey })).toBeNull()
  expect(guardOf({ transitKey, keyEncryptionKey })?.mark).toBe('env:')
  expect(guardOf({ transitKey, transitUrl: url, transitTokenFile: tokenFile })?.mark).toBe('vault:')
  expect(() => guardOf({ transitKey, transitUrl: url })).toThrow('THROUGHLINE_TRANSIT_TOKEN_FILE')
  expect(() =>
    guardOf({ transitKey, transitUrl: url, transitTokenFile: tokenFile, keyEncryptionKey }),
  ).toThrow('One of THROUGHLINE_KEY_ENCRYPTION_KEY and THROUGHLINE_TRANSIT_URL')
})

describe('a hub', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await copyDatabase()
  })
  afterAll(() => database.drop())
  const open = (keyGuard: KeyGuard | null) =>
    openTestStore({ connectionString: database.connectionString, keyFile: path, keyGuard })

  test('a copy of the database with a sealed key file opens nothing without what sealed it', async () => {
    const store = await open(byTransit())
    const workspaceId = await freshWorkspaceId(store)
    const sealed = (await store.sealerOf(workspaceId)).seal('personal', 'x')
    await store.close()
    await expect(open(null)).rejects.toThrow(/is sealed: set THROUGHLINE_TRANSIT_URL/)
    transit.token = 'hvs.other'
    await expect(open(byTransit())).rejects.toThrow('does not decrypt')
    transit.token = 'hvs.first'
    const again = await open(byTransit())
    expect((await again.sealerOf(workspaceId)).open(sealed, 'x')).toBe('personal')
    await again.close()
  })
})
