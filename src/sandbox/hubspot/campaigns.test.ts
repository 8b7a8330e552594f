import { afterAll, beforeAll, expect, test } from 'vitest'

import { startHubspot } from './index.ts'
import type { HubspotSandbox } from './index.ts'
import { openClient } from './test-client.ts'

const CAMPAIGNS = '/marketing/campaigns/2026-09'
let sandbox: HubspotSandbox
let client: ReturnType<typeof openClient>

beforeAll(async () => {
  sandbox = await startHubspot({ limits: { tenSecondly: null } })
  client = openClient(sandbox)
  const campaigns = ['Autumn', 'Spring', 'Winter'].map((name, i) => ({
    id: `430318c4-abb7-4bf7-a75e-9c5fa8f475a${i}`,
    properties: { hs_name: name, hs_utm: name.toLowerCase(), hs_notes: 'text' },
    contacts: { influencedContacts: ['1', '2', '3'] },
  }))
  sandbox.seed({ campaigns })
})
afterAll(() => sandbox.stop())

test('campaigns come by name with the properties asked for, page by page', async () => {
  const first = await client.get(`${CAMPAIGNS}?limit=2&sort=-hs_name&properties=hs_name,hs_utm`)
  expect(first.body).toMatchObject({
    total: 3,
    results: [{ properties: { hs_name: 'Winter', hs_utm: 'winter' } }, {}],
    paging: { next: { after: 'Mg%3D%3D' } },
  })
  const last = await client.get(`${CAMPAIGNS}?limit=2&sort=-hs_name&after=Mg%3D%3D`)
  expect(last.body['results']).toMatchObject([{ properties: {} }])
  expect(last.body['paging']).toBeUndefined()
  expect((await client.get(`${CAMPAIGNS}?after=Mg%253D%253D`)).status).toBe(400)
})

test('a campaign has its reports', async () => {
  const one = `${CAMPAIGNS}/430318c4-abb7-4bf7-a75e-9c5fa8f475a0`
  expect((await client.get(`${one}/reports/metrics`)).body).toMatchObject({ sessions: 0 })
  expect((await client.get(`${one}/reports/revenue`)).body).toMatchObject({ currencyCode: 'USD' })
  const contacts = await client.get(`${one}/reports/contacts/influencedContacts?limit=2`)
  expect(contacts.body).toMatchObject({ results: [{ id: '1' }, { id: '2' }], paging: {} })
  expect((await client.get(`${one}/reports/contacts/nobody`)).status).toBe(400)
})
