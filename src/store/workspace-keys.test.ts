import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  createMasterKeys,
  dropOldMasterKeys,
  findMasterKeys,
  rotateMasterKeys,
} from '#store/key-file.ts'
import { rewrapWorkspaceKeys } from '#store/workspace-keys.ts'
import { copyDatabase, type TestDatabase, freshWorkspaceId, openTestStore } from '#tests/store.ts'

let database: TestDatabase
let folder: string
let keyFile: string
const open = (path = keyFile) =>
  openTestStore({ connectionString: database.connectionString, keyFile: path })

beforeAll(async () => {
  database = await copyDatabase()
  folder = await mkdtemp(join(tmpdir(), 'throughline-keys-'))
})
beforeEach(() => {
  keyFile = join(folder, 'installation', 'keys.json')
})
afterAll(async () => {
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

test('the first start makes a key file that only its owner can read, and keeps it from then on', async () => {
  const store = await open()
  await store.close()
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
  const first = await readFile(keyFile, 'utf8')
  const again = await open()
  await again.close()
  expect(await readFile(keyFile, 'utf8')).toBe(first)
})

test('of servers that start at once on nothing, all take the same keys', async () => {
  const path = join(folder, 'race.json')
  const taken = await Promise.all(Array.from({ length: 8 }, () => createMasterKeys(path)))
  expect(new Set(taken.map((keys) => keys.current)).size).toBe(1)
})

test('a missing key file is a refusal once workspaces exist, and no new one is made', async () => {
  const store = await open()
  await freshWorkspaceId(store)
  await store.close()
  const elsewhere = join(folder, 'elsewhere.json')
  await expect(open(elsewhere)).rejects.toThrow('is missing, but the database holds workspaces')
  expect(await findMasterKeys(elsewhere)).toBeNull()
})

test('the key file of another installation is refused', async () => {
  const store = await open()
  await freshWorkspaceId(store)
  await store.close()
  const foreign = join(folder, 'foreign.json')
  await createMasterKeys(foreign)
  await expect(open(foreign)).rejects.toThrow('belongs to another installation')
})

test('a damaged key file is refused without quoting it', async () => {
  const damaged = join(folder, 'damaged.json')
  await writeFile(damaged, '{"current":"k","keys":{"k":"c2VjcmV0')
  await expect(open(damaged)).rejects.toThrow(/^The key file .* is not JSON/)
  await writeFile(damaged, '{"current":"k","keys":{"k":"c2VjcmV0"}}')
  await expect(open(damaged)).rejects.toThrow('not 256 bits')
  await writeFile(damaged, '{"current":"other","keys":{}}')
  await expect(open(damaged)).rejects.toThrow('does not hold it')
})

test('after a rotation everything opens, also for a server that still holds the old file in memory', async () => {
  const before = await open()
  const workspaceIds = await Promise.all(Array.from({ length: 5 }, () => freshWorkspaceId(before)))
  const sealed = await Promise.all(
    workspaceIds.map(async (id) => (await before.sealerOf(id)).seal('personal', 'x')),
  )
  const bystander = await open() // has read the file, but no workspace yet
  const known = await findMasterKeys(keyFile)
  const rotated = await rotateMasterKeys(keyFile, known!)
  // In steps of 3 keys, as if a crash came between any two of them.
  for (;;) {
    const changed = await before.system((tx) => rewrapWorkspaceKeys(tx, rotated, 3))
    const opened = await open()
    for (const [i, id] of workspaceIds.entries()) {
      expect((await opened.sealerOf(id)).open(sealed[i]!, 'x')).toBe('personal')
    }
    await opened.close()
    if (changed === 0) break
  }
  await dropOldMasterKeys(keyFile, rotated)
  for (const [i, id] of workspaceIds.entries()) {
    expect((await bystander.sealerOf(id)).open(sealed[i]!, 'x')).toBe('personal')
  }
  const onlyNew = await open()
  expect((await onlyNew.sealerOf(workspaceIds[0]!)).open(sealed[0]!, 'x')).toBe('personal')
  await Promise.all([before.close(), bystander.close(), onlyNew.close()])
})

test('a workspace that does not exist can hold a transaction but seal nothing', async () => {
  const store = await open()
  await store.transaction('wsp_none', async (tx) => {
    expect(() => tx.sealer.seal('x', 'y')).toThrow('has no keys')
  })
  await expect(
    store.transaction(`x'; drop table users; --`, async () => undefined),
  ).rejects.toThrow('impossible form')
  await store.close()
})
