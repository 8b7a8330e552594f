import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#core/id.ts'
import { refreshStatistics } from '#store/statistics.ts'
import type { Store } from '#store/store.ts'
import { copyDatabase, openTestStore, runOnServer, type TestDatabase } from '#tests/store.ts'

let database: TestDatabase
let store: Store
beforeAll(async () => {
  database = await copyDatabase()
  // Else the server may be the first to see it.
  await runOnServer(
    'alter table workspaces set (autovacuum_enabled = false)',
    database.connectionString,
  )
  store = await openTestStore({ connectionString: database.connectionString })
})
afterAll(async () => {
  await store.close()
  await database.drop()
})

test('a table that has grown is analyzed at once, and one that has not is left alone', async () => {
  const ids = Array.from({ length: 800 }, () => newId('wsp'))
  await store.system((tx) =>
    tx.execute(sql`
      insert into workspaces (id, name, created_at) select id, id, now() from unnest(${ids}::text[]) as id`),
  )
  const rowsSeen = async () => {
    const [row] = await store.system((tx) =>
      tx.query(sql<{ rows: number }>`
        select reltuples::int as rows from pg_class where relname = 'workspaces' and relkind = 'r'`),
    )
    return row!.rows
  }
  expect(await rowsSeen()).toBeLessThan(800)
  // What a transaction changed is told to the server's statistics within a second of its end.
  await expect.poll(() => refreshStatistics(store), { interval: 200 }).toContain('workspaces')
  expect(await rowsSeen()).toBe(800)
  await expect.poll(() => refreshStatistics(store)).toEqual([])
})
