import { afterAll, beforeAll, expect, test } from 'vitest'
import { ManualClock } from '#core/time.ts'
import { startHubspot } from '#sandbox/hubspot/index.ts'
import type { Store } from '#store/store.ts'
import { copyDatabase, openTestStore, runOnServer, type TestDatabase } from '#tests/store.ts'
import { testTables } from '#tests/sync.ts'
import { runTwoWay } from '#tests/two-way.ts'

const start = new Date('2026-11-23T08:00:00Z')
let database: TestDatabase
let store: Store

beforeAll(async () => {
  database = await copyDatabase()
  const { connectionString } = database
  await runOnServer(testTables, connectionString)
  store = await openTestStore({ connectionString })
})
afterAll(async () => {
  await store.close()
  await database.drop()
})

test('1,500 random edits on both sides with faults: none is lost, none comes back, both sides end alike', async () => {
  const clock = new ManualClock(start)
  const sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
    settings: { searchLagMs: 2000, searchLagJitterMs: 2000 },
  })
  try {
    const options = { seed: 7, records: 60, edits: 1500, editsPerRun: 100 }
    const figures = await runTwoWay(store, sandbox, clock, options)
    expect(figures).toMatchObject({ edits: 1500, lost: 0, echoes: 0, repeated: 0, wrong: 0 })
    expect(figures.conflicts).toBeGreaterThan(0)
    expect(figures.faults).toBeGreaterThan(0)
  } finally {
    await sandbox.stop()
  }
})
