import { once } from 'node:events'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { ManualClock, MINUTE_MS } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import type { Store } from '#store/store.ts'
import { afterTheLease, RunProcesses } from '#tests/run-process.ts'
import { copyDatabase, openTestStore, runOnServer, type TestDatabase } from '#tests/store.ts'
import { TestHub, testEngine, testTables, type TestEngine } from '#tests/sync.ts'

const start = new Date('2026-11-23T08:00:00Z')
const LEASE_MS = 30_000
/** For a process that is stopped: so that the take-over comes soon, yet a cold start on a busy machine gets through. */
const SHORT_LEASE_MS = 6000
let database: TestDatabase
let processes: RunProcesses
let store: Store
let sandbox: HubspotSandbox
let clock: ManualClock
let engine: TestEngine
let hub: TestHub

beforeAll(async () => {
  // Of its own: the schedule takes up whatever connection is due, also another file's, by its own clock.
  database = await copyDatabase()
  await runOnServer(testTables, database.connectionString)
  store = await openTestStore({ connectionString: database.connectionString })
  processes = new RunProcesses(database.connectionString)
})
afterAll(async () => {
  await store.close()
  await database.drop()
})
beforeEach(async () => {
  clock = new ManualClock(start)
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    keepRequests: 10_000,
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
  engine = testEngine(store, clock, { leaseMs: LEASE_MS })
  hub = await TestHub.open(engine, sandbox)
  return async () => {
    processes.stop()
    await sandbox.stop()
  }
})

test('a run whose process dies again and again loses nothing, doubles nothing, and goes on to the same end', async () => {
  const leads = await hub.addLeads(3000)
  const dealIds = sandbox.seed({
    records: {
      deals: Array.from({ length: 500 }, (_, i) => ({
        properties: { dealname: `Deal ${i}`, dealstage: 'closedwon', pipeline: 'default' },
      })),
    },
  }).deals
  const runId = await hub.queue()
  const points = [
    { path: '*/properties/*/contacts', count: 1 },
    { path: '*/contacts/batch/upsert', count: 7 },
    // What the first one sent is found there and not sent again: 22 calls are left.
    { path: '*/contacts/batch/upsert', count: 15 },
    { path: '*/associations/*', count: 2 },
  ]
  for (const { path, count } of points) await killAfterCalls(runId, path, count)
  await afterTheLease(hub, () => hub.perform(runId))
  const run = await hub.read(runId)
  expect(run.state).toBe('succeeded')
  const told = await hub.query(sql<{ count: number }>`
    select count(distinct local_id)::integer as count from sync_outcomes
    where run_id = ${runId} and stream = 'contacts'`)
  expect(told).toEqual([{ count: leads.length }])
  expect(sandbox.count('contacts')).toBe(leads.length)
  const held = [...sandbox.records('contacts')].map((one) => one.properties['hub_lead_id'])
  expect(new Set(held)).toEqual(new Set(leads))
  const records = await hub.query(sql<{ externalId: string; writes: number }>`
    select external_id, writes from test_records where entity = 'opportunity'`)
  expect(records.map((record) => record.externalId).sort()).toEqual([...dealIds].sort())
  expect(records.every((record) => record.writes === 1)).toBe(true)
  clock.advance(MINUTE_MS)
  const again = await hub.run(['contacts'])
  expect(Object.keys(again.counts['contacts'] ?? {})).toEqual(['unchanged'])
})

test('a process that was stopped for longer than its lease leaves no trace when it goes on', async () => {
  await hub.addLeads(4000)
  const runId = await hub.queue(['contacts'])
  const lift = sandbox.down({ path: '*/batch/upsert', after: 5 }, { kind: 'slow', delayMs: 400 })
  const child = processes.start(hub, runId, SHORT_LEASE_MS)
  await expect
    .poll(() => sandbox.requests().filter((one) => one.url.endsWith('/upsert')).length, {
      interval: 5,
      timeout: 20_000,
    })
    .toBeGreaterThanOrEqual(6)
  child.kill('SIGSTOP')
  lift()
  expect(await afterTheLease(hub, () => hub.perform(runId))).toBe('done')
  const ended = await hub.read(runId)
  expect(ended).toMatchObject({ state: 'succeeded', counts: { contacts: {} } })
  sandbox.clearCalls()
  child.kill('SIGCONT')
  await once(child, 'exit')
  expect(sandbox.requests()).toEqual([])
  // The calls that it had made before it was stopped still go into the ledger.
  expect(await hub.read(runId)).toEqual({ ...ended, calls: expect.any(Number) })
  expect(sandbox.count('contacts')).toBe(4000)
})

/** Performs the run in another process and kills that once the vendor was called so often. */
async function killAfterCalls(runId: string, path: string, count: number): Promise<void> {
  const lift = sandbox.down({ path, after: count }, { kind: 'slow', delayMs: 600 })
  const pattern = new RegExp(path.replaceAll('*', '.*'))
  sandbox.clearCalls()
  const isKilled = await processes.killWhen(
    hub,
    runId,
    LEASE_MS,
    () => sandbox.requests().filter((one) => pattern.test(one.url)).length >= count,
  )
  expect(isKilled).toBe(true)
  lift()
}
