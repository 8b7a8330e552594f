import { sql, type RawBuilder } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Store } from '#store/store.ts'
import {
  copyDatabase,
  type TestDatabase,
  freshWorkspaceId,
  openTestStore,
  runOnServer,
} from '#tests/store.ts'

let store: Store
let database: TestDatabase
let mine: string
let theirs: string

beforeAll(async () => {
  database = await copyDatabase()
  await runOnServer(
    `create table notes (id serial primary key, workspace_id identifier not null, text text not null, unique (text));
     select throughline_isolate('notes');
     create table events (n integer, workspace_id identifier not null);
     select throughline_isolate('events');
     create table plain_secrets (text text); insert into plain_secrets values ('secret')`,
    database.connectionString,
  )
  store = await openTestStore({ connectionString: database.connectionString })
  mine = await freshWorkspaceId(store)
  theirs = await freshWorkspaceId(store)
  await store.transaction(theirs, (tx) =>
    tx.execute(sql`insert into notes (text) values ('theirs')`),
  )
})
afterAll(async () => {
  await store.close()
  await database.drop()
})

const theirNotes = () =>
  store.transaction(theirs, (tx) => tx.query(sql<{ text: string }>`select text from notes`))

test('a new row belongs to the workspace of its transaction without naming it', async () => {
  await store.transaction(mine, (tx) => tx.execute(sql`insert into notes (text) values ('mine')`))
  const rows = await store.transaction(mine, (tx) =>
    tx.query(sql`select workspace_id, text from notes`),
  )
  expect(rows).toEqual([{ workspaceId: mine, text: 'mine' }])
})

test('the engines see all workspaces', async () => {
  const row = await store.system((tx) =>
    tx.find(sql`select count(*) from notes where text = 'theirs'`),
  )
  expect(row).toEqual({ count: 1 })
})

test('a workspace that is not in the statistics yet is not planned as if it were empty', async () => {
  await store.transaction(theirs, (tx) =>
    tx.execute(sql`insert into events (n) select generate_series(1, 2000)`),
  )
  await store.system((tx) => tx.execute(sql`analyze events`))
  const [plan] = await store.read(mine, (tx) =>
    tx.query(sql<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>`
      explain (format json) select n from events`),
  )
  const [{ Plan: top }] = Object.values(plan!)[0]! as [{ Plan: { 'Plan Rows': number } }]
  expect(top['Plan Rows']).toBe(2000)
})

describe('no statement of one workspace shows rows of another', () => {
  const reads: Record<string, () => RawBuilder<unknown>> = {
    'asking for it by name': () => sql`select * from notes where workspace_id = ${theirs}`,
    'a condition that is always true': () => sql`select * from notes where text = 'theirs' or true`,
    'a join': () => sql`select b.* from notes a right join notes b on true where b.text = 'theirs'`,
    'a union': () =>
      sql`select text from notes where false union all select text from notes where text <> 'mine'`,
    'an aggregate': () =>
      sql`select text from notes group by text having count(*) > 0 and text = 'theirs'`,
    'a cast that would fail on the value': () =>
      sql`select * from notes where text = 'theirs' and text::int > 0`,
    'taking locks': () => sql`select * from notes where text = 'theirs' for update`,
  }
  for (const [name, statement] of Object.entries(reads)) {
    test(name, async () => {
      const rows = await store.transaction(mine, (tx) => tx.query(statement()))
      expect(JSON.stringify(rows)).not.toContain('theirs')
    })
  }
})

describe('no statement of one workspace changes rows of another', () => {
  test('updates and deletes reach its own rows only', async () => {
    await store.transaction(mine, async (tx) => {
      expect(
        await tx.execute(sql`update notes set text = 'taken' where workspace_id = ${theirs}`),
      ).toBe(0)
      expect(
        await tx.execute(sql`delete from notes where workspace_id = ${theirs} or text = 'theirs'`),
      ).toBe(0)
    })
    expect(await theirNotes()).toEqual([{ text: 'theirs' }])
  })

  const refused: Record<string, () => RawBuilder<unknown>> = {
    'inserting for the other': () =>
      sql`insert into notes (workspace_id, text) values (${theirs}, 'planted')`,
    'giving a row away': () => sql`update notes set workspace_id = ${theirs}`,
    'taking over by upsert': () =>
      sql`insert into notes (text) values ('theirs') on conflict (text) do update set text = 'taken'`,
    'emptying the table': () => sql`truncate notes`,
    'switching the isolation off': () => sql`alter table notes disable row level security`,
    'dropping the policy': () => sql`drop policy workspace_isolation on notes`,
    'making a role powerful': () => sql`alter role throughline_app bypassrls`,
    'reading the keys': () => sql`select * from workspace_keys`,
    'reading a table that was not given': () => sql`select * from plain_secrets`,
    'making a table': () => sql`create table planted (text text)`,
    'making a function': () =>
      sql`create function planted() returns int language sql as 'select 1'`,
    'reading a file': () => sql`select pg_read_file('/etc/passwd')`,
    'running a program': () => sql`copy notes to program 'true'`,
    'calling the isolation function': () => sql`select throughline_isolate('notes')`,
    'two statements in one': () => sql`select ${1}::int; select 2`,
  }
  for (const [name, statement] of Object.entries(refused)) {
    test(`${name} is refused`, async () => {
      await expect(store.transaction(mine, (tx) => tx.execute(statement()))).rejects.toThrow()
      expect(await theirNotes()).toEqual([{ text: 'theirs' }])
    })
  }
})

test('nothing of a workspace is left on the connection for the next one', async () => {
  const one = await openTestStore({ connectionString: database.connectionString, poolSize: 1 })
  await one.transaction(theirs, (tx) => tx.query(sql`select * from notes`))
  await one
    .transaction(theirs, async () => Promise.reject(new Error('on purpose')))
    .catch(() => null)
  const left = await one.system((tx) =>
    tx.find(
      sql`select current_user = session_user as is_owner, current_setting('throughline.workspace_id', true) as id`,
    ),
  )
  expect(left).toEqual({ isOwner: true, id: '' })
  await one.close()
})

test('every table with a workspace_id is isolated, or closed to workspaces altogether', async () => {
  const open = await store.system((tx) =>
    tx.query(sql`
      select c.relname as name from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped
      where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not c.relrowsecurity
        and has_table_privilege('throughline_app', c.oid, 'select, insert, update, delete')`),
  )
  expect(open).toEqual([])
})

test('every view that workspaces may read asks as whoever reads it', async () => {
  const views = await store.system((tx) =>
    tx.query(sql<{ name: string; options: string[] | null }>`
      select relname as name, reloptions as options from pg_class
      where relkind = 'v' and relnamespace = 'public'::regnamespace`),
  )
  expect(views.map(({ name }) => name)).toContain('credits')
  for (const { options } of views) expect(options).toContain('security_invoker=true')
})
