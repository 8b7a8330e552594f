import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { linkAudit } from '#access/audit-chain.ts'
import { verifyAudit } from '#access/audit-verify.ts'
import { auditFiles, startApp } from '#app.ts'
import { restoreBackup } from '#cli/backup.ts'
import { loadConfig } from '#config.ts'
import { silentLog } from '#core/log.ts'
import { findMasterKeys } from '#store/key-file.ts'
import type { BackupSecret } from '#store/backup/frames.ts'
import { type BackupCount, writeBackup } from '#store/backup/write.ts'
import { useHub, type TestWorkspace } from '#tests/hub.ts'
import { createDatabase, runOnServer, type TestDatabase } from '#tests/store.ts'

const hub = useHub()
const passphrase: BackupSecret = { passphrase: 'a passphrase of some length' }
let folder: string
const lead = { email: 'ada@canary.example', firstName: 'Ada "\\,) (', lastName: 'Łovelace' }
let file: string
let workspace: TestWorkspace
let count: BackupCount
const targets: TestDatabase[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-backup-'))
  file = join(folder, 'hub.backup')
  workspace = await hub.freshWorkspace()
  const answer = await workspace.post('/api/v1/integrations/sales/leads', lead)
  expect(answer.status).toBe(201)
  // What the hub counted is told later by itself: rows would come between one backup and the next.
  await hub.app.levels.flush(true)
  // As on the day after: the queue keeps its statistics in a table for each day.
  await runOnServer(
    `create table pgboss.queue_stats_20200101 partition of pgboss.queue_stats
       for values from ('2020-01-01') to ('2020-01-02')`,
    hub.app.store.connectionString,
  )
  count = await writeBackup(hub.app.store.connectionString, file, passphrase)
})
afterAll(async () => {
  await Promise.all(targets.map((target) => target.drop()))
  await rm(folder, { recursive: true, force: true })
})

async function freshTarget(): Promise<string> {
  const target = await createDatabase()
  targets.push(target)
  return target.connectionString
}

const restore = (target: string, path = file, secret: BackupSecret = passphrase) =>
  restoreBackup(target, path, secret, silentLog)

test('a restored hub has every row, opens what was sealed, and its audit chain goes on', async () => {
  const target = await freshTarget()
  expect(await restore(target)).toEqual(count)
  expect(count.rows).toBeGreaterThan(0)
  expect(await writeBackup(target, join(folder, 'again.backup'), passphrase)).toEqual(count)
  const config = { databaseUrl: target, keyFile: inject('keyFile'), runJobs: false }
  const restored = await startApp(loadConfig({}, config), { listen: false, log: silentLog })
  try {
    const headers = { authorization: `Bearer ${workspace.key}` }
    const url = '/api/v1/integrations/sales/leads'
    const list = await restored.server.inject({ method: 'GET', url: '/api/v1/leads', headers })
    expect(list.json()).toMatchObject({ data: [lead] })
    const next = { ...lead, email: 'grace@canary.example' }
    const answer = await restored.server.inject({ method: 'POST', url, headers, payload: next })
    expect(answer.statusCode).toBe(201)
    const files = auditFiles(restored.config)
    const verify = async () => {
      await linkAudit(restored.store, files, restored.clock.now())
      return restored.store.read(workspace.id, (tx) => verifyAudit(tx, workspace.id, files))
    }
    // Entries wait for every transaction that is older, those of other databases of the server too.
    await expect.poll(async () => (await verify()).unlinked, { timeout: 20_000 }).toBe(0)
    const verdict = await verify()
    expect(verdict.fault).toBeNull()
    expect(verdict.links).toBeGreaterThan(1)
  } finally {
    await restored.stop()
  }
})

test('a restore never overwrites', async () => {
  await expect(restore(hub.app.store.connectionString)).rejects.toThrow('tables already')
})

test('nothing is readable in the file, and a wrong passphrase opens nothing', async () => {
  const text = (await readFile(file)).toString('latin1')
  for (const word of ['ada@canary', 'workspaces', workspace.id]) expect(text).not.toContain(word)
  const other = { passphrase: 'another passphrase of some length' }
  await expect(restore(await freshTarget(), file, other)).rejects.toThrow('Nothing was restored')
})

test('a file that was cut, grown or changed in one bit is refused', async () => {
  const whole = await readFile(file)
  const flipped = Buffer.from(whole)
  flipped[whole.length >> 1]! ^= 1
  const damaged = {
    cut: whole.subarray(0, -1),
    grown: Buffer.concat([whole, whole.subarray(0, 9)]),
    flipped,
  }
  for (const [name, bytes] of Object.entries(damaged)) {
    const path = join(folder, name)
    await writeFile(path, bytes)
    await expect(restore(await freshTarget(), path)).rejects.toThrow('was changed or cut')
  }
})

test('a backup by the key file needs the same key file', async () => {
  const master = await findMasterKeys(inject('keyFile'))
  if (!master) throw new Error('The run has no key file.')
  const path = join(folder, 'by-key.backup')
  await writeBackup(hub.app.store.connectionString, path, { master })
  expect(await restore(await freshTarget(), path, { master })).toEqual(count)
  const other = { current: 'other', keys: new Map([['other', randomBytes(32)]]) }
  await expect(restore(await freshTarget(), path, { master: other })).rejects.toThrow(
    'does not hold the key',
  )
})
