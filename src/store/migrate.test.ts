import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { silentLog } from '#core/log.ts'
import { listMigrations, migrate } from '#store/migrate.ts'
import { migrationsFolder } from '#tests/database.ts'
import { createDatabase, runOnServer, type TestDatabase } from '#tests/store.ts'

let folder: string
let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-migrations-'))
  await runOnServer('drop schema public cascade; create schema public', database.connectionString)
  await write('0000_first.sql', 'create table first (id int)')
})
afterEach(() => rm(folder, { recursive: true, force: true }))
afterAll(() => database.drop())

const write = (name: string, text: string) => writeFile(join(folder, name), text)
const run = (connectionString = database.connectionString) =>
  migrate({ connectionString, folder, log: silentLog })

async function rows(statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: database.connectionString })
  await client.connect()
  try {
    return (await client.query({ text: statement, rowMode: 'array' })).rows
  } finally {
    await client.end()
  }
}

test('files run once, in the order of their numbers', async () => {
  await write('0002_third.sql', 'insert into second select 3')
  await write('0001_second.sql', 'create table second (id int); insert into second values (2)')
  expect(await run()).toEqual([0, 1, 2])
  expect(await run()).toEqual([])
  await write('0003_fourth.sql', 'insert into second values (4)')
  expect(await run()).toEqual([3])
  expect(await rows('select id from second order by id')).toEqual([[2], [3], [4]])
})

test('of servers that start at once one migrates and the others wait for it', async () => {
  await write('0001_slow.sql', 'select pg_sleep(0.3); create table slow (id int)')
  const applied = await Promise.all([run(), run(), run(), run()])
  expect(applied.flat()).toEqual([0, 1])
})

test('two databases of one server can be migrated for the first time at once', async () => {
  const others = await Promise.all(Array.from({ length: 4 }, () => createDatabase()))
  const applied = await Promise.all(others.map((other) => run(other.connectionString)))
  expect(applied).toEqual([[0], [0], [0], [0]])
  await Promise.all(others.map((other) => other.drop()))
})

test('a file that fails changes nothing, names itself, and is tried again after the repair', async () => {
  await write('0001_broken.sql', 'create table half (id int); insert into nowhere values (1)')
  await expect(run()).rejects.toThrow('Migration 1 (broken) failed and changed nothing')
  expect(await rows(`select to_regclass('half')::text`)).toEqual([[null]])
  expect(await rows('select version from schema_migrations')).toEqual([[0]])
  await write('0001_broken.sql', 'create table half (id int)')
  expect(await run()).toEqual([1])
})

test('an edited file that was applied before is refused', async () => {
  await run()
  await write('0000_first.sql', 'create table first (id bigint)')
  await expect(run()).rejects.toThrow('Migration 0 (first) was edited after it had been applied')
})

test('a database that a newer release migrated is refused', async () => {
  await write('0001_second.sql', 'select 1')
  await run()
  await rm(join(folder, '0001_second.sql'))
  await expect(run()).rejects.toThrow('migrated by a newer release')
})

test('a file that comes before an applied one is refused', async () => {
  await write('0002_third.sql', 'select 1')
  await run()
  await write('0001_second.sql', 'select 1')
  await expect(run()).rejects.toThrow('Migration 1 (second) comes before 2')
})

test('names that do not fit and numbers that occur twice are refused', async () => {
  await write('1_second.sql', '')
  await expect(run()).rejects.toThrow('migrations/1_second.sql is not named like')
  await rm(join(folder, '1_second.sql'))
  await write('0000_again.sql', '')
  await expect(run()).rejects.toThrow('Two migrations have the version 0')
})

test('a server that is killed in the middle of a file leaves whole versions behind', async () => {
  await write('0001_slow.sql', 'create table slow (id int); select pg_sleep(20)')
  const running = run()
  const failure = expect(running).rejects.toThrow('Migration 1')
  const find = `select pid from pg_stat_activity where datname = current_database() and query like '%pg_sleep(20)' and pid <> pg_backend_pid()`
  await expect.poll(() => rows(find)).toHaveLength(1)
  await rows(`select pg_terminate_backend(pid) from (${find}) as slow`)
  await failure
  await write('0001_slow.sql', 'create table slow (id int)')
  expect(await run()).toEqual([1])
})

test('a database user without the right to make roles is told what an administrator has to run', async () => {
  const user = `throughline_weak_${process.pid}`
  await runOnServer(`create role ${user} login password 'weak'`)
  const asWeak = database.connectionString.replace(/\/\/[^@/]*@/, `//${user}:weak@`)
  try {
    await runOnServer('grant create on schema public to public', database.connectionString)
    // The role exists already on this server, so what is missing is the right to act as it.
    await run()
    await expect(run(asWeak)).rejects.toThrow(new RegExp(`grant throughline_app to ${user}`))
  } finally {
    await runOnServer(`revoke create on schema public from public`, database.connectionString)
    await runOnServer(`drop role ${user}`)
  }
})

test('the released migrations are named and numbered without a fault', async () => {
  const files = await listMigrations(migrationsFolder)
  expect(files[0]?.name).toBe('foundation')
})
