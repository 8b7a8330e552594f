import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { ManualClock } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import type { Store } from '#store/store.ts'
import { openTestStore, runOnServer } from '#tests/store.ts'
import { TestHub, testEngine, testTables, type TestEngine } from '#tests/sync.ts'

const start = new Date('2026-11-23T08:00:00Z')
let store: Store
let sandbox: HubspotSandbox
let clock: ManualClock
let engine: TestEngine

beforeAll(async () => {
  await runOnServer(testTables, inject('databaseUrl'))
  store = await openTestStore()
})
afterAll(() => store.close())
beforeEach(async () => {
  clock = new ManualClock(start)
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
  engine = testEngine(store, clock)
  return () => sandbox.stop()
})

test('a run sends every lead and brings every deal in with its contact', async () => {
  const hub = await TestHub.open(engine, sandbox)
  const leads = await hub.addLeads(250)
  const first = await hub.run()
  expect(first).toMatchObject({ state: 'succeeded', counts: { contacts: { created: 250 } } })
  expect(sandbox.count('contacts')).toBe(250)
  const contact = [...sandbox.records('contacts')].find(
    (record) => record.properties['hub_lead_id'] === leads[7],
  )
  expect(contact?.properties).toMatchObject({ email: 'person7@example.com', hub_score: '7' })
  sandbox.seed({
    records: {
      contacts: [],
      deals: [
        {
          properties: {
            dealname: 'Big',
            amount: '1234.5',
            dealstage: 'closedwon',
            pipeline: 'default',
          },
        },
      ],
    },
  })
  clock.advance(60_000)
  const second = await hub.run()
  expect(second).toMatchObject({ counts: { deals: { created: 1 } } })
  const [deal] = await hub.query(sql<{ values: Record<string, unknown> }>`
    select values from test_records where entity = 'opportunity'`)
  expect(deal?.values).toMatchObject({ amountMinor: 123450, currency: 'USD', status: 'won' })
})
