import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Problem } from '#core/problem.ts'
import type { Store } from '#store/store.ts'
import {
  createDatabase,
  freshWorkspaceId,
  openTestStore,
  runOnServer,
  type TestDatabase,
} from '#tests/store.ts'

let store: Store
let database: TestDatabase

beforeAll(async () => {
  store = await openTestStore()
  database = await createDatabase()
})
afterAll(async () => {
  await store.close()
  await database.drop()
})

test('values come back in the types that the contract names', async () => {
  const workspaceId = await freshWorkspaceId(store)
  const row = await store.transaction(workspaceId, (tx) =>
    tx.find(sql<Record<string, unknown>>`
      select 9007199254740991::int8 as big_int, 1.50::numeric as exact_amount, date '2026-01-02' as seen_on,
        timestamptz '2026-01-02 03:04:05.678+01' as seen_at, array[1, null]::int8[] as big_ints,
        array[date '2026-01-02'] as days, array[1.10]::numeric[] as amounts,
        '{"snake_key": {"inner_key": 1}}'::jsonb as json_value, null::text as missing_value, 1 as step_2`),
  )
  expect(row).toEqual({
    bigInt: 9007199254740991,
    exactAmount: '1.50',
    seenOn: '2026-01-02',
    seenAt: new Date('2026-01-02T02:04:05.678Z'),
    bigInts: [1, null],
    days: ['2026-01-02'],
    amounts: ['1.10'],
    jsonValue: { snake_key: { inner_key: 1 } },
    missingValue: null,
    step2: 1,
  })
})

test('a throw undoes everything and leaves the connection usable', async () => {
  const workspaceId = await freshWorkspaceId(store)
  const oneConnection = await openTestStore({ poolSize: 1 })
  const failing = oneConnection.system(async (tx) => {
    await tx.execute(sql`delete from workspace_keys where workspace_id = ${workspaceId}`)
    throw new Error('on purpose')
  })
  await expect(failing).rejects.toThrow('on purpose')
  const left = await oneConnection.system((tx) =>
    tx.find(
      sql<{
        count: number
      }>`select count(*) from workspace_keys where workspace_id = ${workspaceId}`,
    ),
  )
  expect(left).toEqual({ count: 2 })
  await oneConnection.close()
})

test('a dropped error of a statement cannot turn into a commit that did nothing', async () => {
  const work = store.system(async (tx) => {
    await tx.execute(sql`select 1 / 0`).catch(() => undefined)
  })
  await expect(work).rejects.toThrow('Nothing was committed')
})

test('a statement that outlives its transaction is refused, never run without the isolation', async () => {
  const workspaceId = await freshWorkspaceId(store)
  const escaped = await store.transaction(workspaceId, async (tx) => tx)
  await expect(escaped.query(sql`select 1`)).rejects.toThrow('The transaction is over')
  const forgotten = store.transaction(workspaceId, async (tx) => {
    void tx.query(sql`select pg_sleep(0.05)`).catch(() => undefined)
  })
  await expect(forgotten).rejects.toThrow('not awaited')
})

test('a savepoint undoes its own part and nothing else', async () => {
  const kept = await store.system(async (tx) => {
    await tx.execute(sql`create temporary table notes (text text) on commit drop`)
    return tx.query(sql<{ text: string }>`select 'x' as text`)
  })
  expect(kept).toEqual([{ text: 'x' }])
  const workspaceId = await freshWorkspaceId(store)
  const rows = await store.transaction(workspaceId, async (tx) => {
    await tx.execute(sql`create temporary table drafts (text text) on commit drop`)
    await tx.execute(sql`insert into drafts values ('before')`)
    const failing = tx.savepoint(async () => {
      await tx.execute(sql`insert into drafts values ('inside')`)
      await tx.savepoint(() => tx.execute(sql`insert into drafts values ('deeper')`))
      await tx.execute(sql`select 1 / 0`)
    })
    await expect(failing).rejects.toMatchObject({ code: '22012' })
    await tx.savepoint(() => tx.execute(sql`insert into drafts values ('after')`))
    return tx.query(sql<{ text: string }>`select text from drafts order by text`)
  })
  expect(rows.map((row) => row.text)).toEqual(['after', 'before'])
})

test('a stream gives all rows in bounded batches and can be left early', async () => {
  const workspaceId = await freshWorkspaceId(store)
  await store.read(workspaceId, async (tx) => {
    const sizes: number[] = []
    const statement = sql<{ n: number }>`select n from generate_series(1, ${2500}::int) n`
    for await (const rows of tx.stream(statement, 1000)) sizes.push(rows.length)
    expect(sizes).toEqual([1000, 1000, 500])
    for await (const rows of tx.stream(statement, 10)) {
      expect(rows[0]).toEqual({ n: 1 })
      break
    }
  })
})

test('a read sees one snapshot and may not write', async () => {
  const workspaceId = await freshWorkspaceId(store)
  await store.read(workspaceId, async (tx) => {
    const count = () => tx.find(sql`select count(*) from users`)
    const before = await count()
    await store.system((other) => other.execute(sql`analyze users`))
    expect(await count()).toEqual(before)
  })
  const writing = store.read(workspaceId, (tx) => tx.execute(sql`delete from users`))
  await expect(writing).rejects.toMatchObject({ code: '25006' })
})

describe('when the database fails', () => {
  test('a statement that takes too long ends as a 503 with Retry-After', async () => {
    const impatient = await openTestStore({ statementTimeoutMs: 50 })
    const slow = impatient.system((tx) => tx.execute(sql`select pg_sleep(5)`))
    await expect(slow).rejects.toMatchObject({
      code: 'service.unavailable',
      headers: { 'retry-after': '5' },
    })
    await impatient.close()
  })

  test('a killed connection fails its own transaction only, and the pool recovers', async () => {
    const small = await openTestStore({ poolSize: 1 })
    const killed = small.system(async (tx) => {
      const self = await tx.find(sql<{ pid: number }>`select pg_backend_pid() as pid`)
      await runOnServer(`select pg_terminate_backend(${self?.pid})`)
      await tx.query(sql`select 1`)
    })
    await expect(killed).rejects.toMatchObject({ code: 'service.unavailable' })
    for (let i = 0; i < 3; i++) {
      expect(await small.system((tx) => tx.find(sql`select 1 as one`))).toEqual({ one: 1 })
    }
    await small.close()
  })

  test('an idle connection that is killed does not end the process', async () => {
    const small = await openTestStore({ poolSize: 1 })
    const self = await small.system((tx) =>
      tx.find(sql<{ pid: number }>`select pg_backend_pid() as pid`),
    )
    await runOnServer(`select pg_terminate_backend(${self?.pid})`)
    await expect
      .poll(() =>
        small.system((tx) => tx.find(sql`select 1 as one`)).catch((error: unknown) => error),
      )
      .toEqual({ one: 1 })
    await small.close()
  })

  test('a server that is not there is a 503', async () => {
    const nowhere = openTestStore({
      connectionString: 'postgresql://postgres@127.0.0.1:1/postgres',
    })
    await expect(nowhere).rejects.toBeInstanceOf(Problem)
    await expect(nowhere).rejects.toMatchObject({ code: 'service.unavailable' })
  })

  test('listening goes on after the connection was lost', async () => {
    const listening = await openTestStore({ connectionString: database.connectionString })
    const heard: string[] = []
    const stop = await listening.listen('news', (payload) => heard.push(payload))
    await runOnServer(`notify news, 'first'`, database.connectionString)
    await expect.poll(() => heard).toEqual(['first'])
    await runOnServer(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen%'`,
      database.connectionString,
    )
    await expect.poll(() => heard).toEqual(['first', '']) // the call after a reconnect: something may have been missed
    await runOnServer(`notify news, 'second'`, database.connectionString)
    await expect.poll(() => heard).toEqual(['first', '', 'second'])
    await listening.ping(1000)
    await stop()
    await listening.close()
  })
})
