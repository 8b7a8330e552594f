import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { salesforce } from '#connectors/salesforce/index.ts'
import { DAY_MS, HOUR_MS, ManualClock } from '#core/time.ts'
import { startSalesforce, type SalesforceSandbox } from '#sandbox/salesforce/index.ts'
import type { Store } from '#store/store.ts'
import type { Entity } from '#sync/entity.ts'
import { copyDatabase, openTestStore, runOnServer, type TestDatabase } from '#tests/store.ts'
import { TestHub, testEngine, testLead, testTables, type TestEngine } from '#tests/sync.ts'

/** The engine on Salesforce, from the hub's records to the org's and back. */
let database: TestDatabase
let store: Store
let sandbox: SalesforceSandbox
let clock: ManualClock
let engine: TestEngine
let hub: TestHub

const STREAMS = ['owners', 'pipelines', 'stages', 'accounts', 'leads', 'contacts', 'opportunities']

/** The same people once they are converted. */
function contactEntity(): Entity {
  const entity: Entity = { ...testLead, name: 'contact', sharesIdsWith: 'lead' }
  delete entity.listIds
  return entity
}

beforeAll(async () => {
  database = await copyDatabase()
  await runOnServer(testTables, database.connectionString)
  store = await openTestStore({ connectionString: database.connectionString })
})
afterAll(async () => {
  await store.close()
  await database.drop()
})
beforeEach(async () => {
  clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
  sandbox = await startSalesforce({ now: () => clock.now().getTime(), keepRequests: 1000 })
  engine = testEngine(store, clock)
  engine.connectors = new Map([['salesforce', salesforce]])
  engine.entities = new Map([...engine.entities, ['contact', contactEntity()]])
  hub = await TestHub.open(engine, sandbox, {
    vendor: 'salesforce',
    settings: { baseUrl: sandbox.url, accessToken: sandbox.token },
  })
  return () => sandbox.stop()
})

async function runAll() {
  const run = await hub.run(STREAMS)
  expect(run).toMatchObject({ state: 'succeeded' })
  return run
}

/** Calls that change records. */
const writes = () =>
  sandbox
    .requests()
    .filter(
      ({ method, url }) =>
        (method === 'PATCH' && url.includes('/composite/sobjects')) ||
        (method === 'PUT' && url.includes('/jobs/ingest/')),
    )

const leadOf = (localId: string) =>
  [...sandbox.records('Lead')].find(({ values }) => values['Hub_Id__c'] === localId)

async function valuesHere(localId: string): Promise<Record<string, unknown>> {
  const [row] = await hub.query(sql<{ values: Record<string, unknown> }>`
    select values from test_leads where id = ${localId}`)
  return row?.values ?? {}
}

test('thousands of leads go out in one file, and a second run sends nothing', async () => {
  await hub.addLeads(2500)
  const first = await runAll()
  expect(sandbox.count('Lead')).toBe(2500)
  expect(writes()).toHaveLength(1)
  // One description, users, queues, stages, a look at each of accounts, leads, contacts and opportunities; once for the
  // org: fields, permission set (looked for and made), rights, login, assignment, description; five for the file.
  const fewest = 8 + 6 + 5
  expect(first.calls / fewest).toBeLessThanOrEqual(1.06)
  sandbox.clearCalls()
  clock.advance(DAY_MS)
  await runAll()
  expect(writes()).toEqual([])
  clock.advance(DAY_MS)
  const third = await runAll()
  expect(third.calls).toBeLessThanOrEqual(9)
})

test('an edit on either side crosses once, and none comes back', async () => {
  const [one = '', two = ''] = await hub.addLeads(2)
  await runAll()
  clock.advance(HOUR_MS)
  sandbox.edit('Lead', leadOf(one)?.id ?? '', { Title: 'Countess' })
  await hub.changeLead(two, { phone: '+49 30 1' })
  await hub.note([two], 1000)
  const before = writes().length
  await runAll()
  expect(await valuesHere(one)).toMatchObject({ jobTitle: 'Countess' })
  expect(leadOf(two)?.values['Phone']).toBe('+49 30 1')
  const sent = JSON.parse(writes().at(-1)?.body ?? '') as { records: object[] }
  expect(writes()).toHaveLength(before + 1)
  expect(sent.records).toEqual([
    { attributes: { type: 'Lead' }, id: leadOf(two)?.id, Phone: '+49 30 1' },
  ])
  for (let i = 0; i < 3; i += 1) {
    clock.advance(HOUR_MS)
    await runAll()
  }
  expect(writes()).toHaveLength(before + 1)
})

test('a lead that was converted goes on as the contact, and later edits go there', async () => {
  const [id = ''] = await hub.addLeads(1)
  await runAll()
  clock.advance(HOUR_MS)
  const { contactId } = sandbox.convert(leadOf(id)?.id ?? '', { opportunityName: 'Deal' })
  await runAll()
  clock.advance(HOUR_MS)
  await hub.changeLead(id, { phone: '+49 30 2' })
  await hub.note([id], 1000)
  await runAll()
  expect(sandbox.read('Contact', contactId, 'Phone')).toBe('+49 30 2')
  expect(sandbox.count('Lead')).toBe(1)
  const rows = await hub.query(sql<{ count: string }>`select count(*) from test_leads`)
  expect(Number(rows[0]?.count)).toBe(1)
  const errors = await hub.query(sql<{ code: string }>`
    select code from sync_errors where connection_id = ${hub.connectionId} and state = 'open'`)
  expect(errors).toEqual([])
})

test('the org’s calls of the day are never used up: the run stops, and the next day goes on', async () => {
  await hub.addLeads(1000)
  sandbox.setLimits({ dailyApiRequests: 20 })
  const first = await hub.run(STREAMS)
  expect(first.state).not.toBe('succeeded')
  expect(sandbox.usedCalls()).toBeLessThanOrEqual(16)
  for (let days = 0; sandbox.count('Lead') < 1000 && days < 5; days += 1) {
    clock.advance(DAY_MS + HOUR_MS)
    await hub.run(STREAMS)
    expect(sandbox.usedCalls()).toBeLessThanOrEqual(16)
  }
  expect(sandbox.count('Lead')).toBe(1000)
  const refused = sandbox.requests().filter(({ status }) => status === 403)
  expect(refused).toEqual([])
})
