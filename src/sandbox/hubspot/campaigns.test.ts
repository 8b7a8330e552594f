import { afterAll, beforeAll, expect, test } from 'vitest'

import { textOf } from '#sandbox/json.ts'
import { startHubspot } from './index.ts'
import type { HubspotSandbox } from './index.ts'
import { openClient } from './test-client.ts'

const CAMPAIGNS = '/marketing/campaigns/2026-09'
const READER = 'pat-na1-reader'
let sandbox: HubspotSandbox
let client: ReturnType<typeof openClient>

beforeAll(async () => {
  sandbox = await startHubspot({
    limits: { tenSecondly: null },
    tokens: [
      { token: 'pat-na1-all', appId: 1 },
      { token: READER, appId: 1, scopes: ['marketing.campaigns.read'] },
      { token: 'pat-na1-none', appId: 1, scopes: ['crm.objects.contacts.read'] },
    ],
  })
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

const inputs = (...all: object[]) => ({ inputs: all })
const named = (hs_name: string, more: object = {}) => ({ properties: { hs_name, ...more } })

test('a campaign is made, changed, emptied and deleted one by one', async () => {
  const made = await client.post(CAMPAIGNS, named('Fair', { hs_utm: 'fair' }))
  expect([made.status, made.body['properties']]).toEqual([201, { hs_name: 'Fair', hs_utm: 'fair' }])
  const path = `${CAMPAIGNS}/${textOf(made.body['id'])}`
  const changed = await client.patch(path, { properties: { hs_notes: 'x', hs_utm: '' } })
  expect([changed.status, changed.body['properties']]).toEqual([200, { hs_notes: 'x' }])
  const read = await client.get(`${path}?properties=hs_name,hs_notes,hs_utm`)
  expect(read.body['properties']).toEqual({ hs_name: 'Fair', hs_notes: 'x' })
  expect((await client.delete(path)).status).toBe(204)
  expect((await client.delete(path)).status).toBe(204)
  expect((await client.get(path)).status).toBe(404)
})

test('what the API does not take is refused: no name, its own sums, times for dates, unknown states', async () => {
  const refusals = [
    [{ hs_notes: 'x' }, 'hs_name'],
    [{ hs_name: 'A', hs_owner: '1' }, 'hs_owner'],
    [{ hs_name: 'A', hs_budget_items_sum_amount: '1' }, 'hs_budget_items_sum_amount'],
    [{ hs_name: 'A', hs_start_date: '2027-01-01T00:00:00Z' }, 'hs_start_date'],
    [{ hs_name: 'A', hs_campaign_status: 'done' }, 'hs_campaign_status'],
  ] as const
  for (const [properties, name] of refusals) {
    const { status, body } = await client.post(CAMPAIGNS, { properties })
    expect([status, body]).toMatchObject([400, { errors: [{ context: { propertyName: [name] } }] }])
  }
  expect((await client.get(`${CAMPAIGNS}?properties=hs_revenue`)).status).toBe(400)
  expect((await client.get(`${CAMPAIGNS}/29000000001`)).status).toBe(400)
})

test('fifty go in a batch; a bad row is not named, and the others are written', async () => {
  const many = Array.from({ length: 51 }, (_, i) => named(`C${i}`))
  expect((await client.post(`${CAMPAIGNS}/batch/create`, inputs(...many))).status).toBe(400)
  const made = await client.post(
    `${CAMPAIGNS}/batch/create`,
    inputs(named('One'), named(''), named('Two')),
  )
  expect([made.status, made.body]).toMatchObject([207, { status: 'COMPLETE', numErrors: 1 }])
  const results = made.body['results'] as { id: string; properties: { hs_name: string } }[]
  expect(results.map(({ properties }) => properties.hs_name).sort()).toEqual(['One', 'Two'])
  const ids = results.map(({ id }) => id)
  const changes = [...ids, 'gone'].map((id) => ({ id, properties: { hs_notes: 'y' } }))
  const changed = await client.post(`${CAMPAIGNS}/batch/update`, inputs(...changes))
  expect([changed.status, changed.body]).toMatchObject([
    207,
    { errors: [{ context: { ids: ['gone'] } }] },
  ])
  const asked = inputs(...[...ids, ids[0]!, 'gone'].map((id) => ({ id })))
  const read = await client.post(`${CAMPAIGNS}/batch/read?properties=hs_notes`, asked)
  expect([read.status, read.body]).toMatchObject([
    207,
    { results: [{ properties: { hs_notes: 'y' } }, {}] },
  ])
  expect((await client.post(`${CAMPAIGNS}/batch/archive`, asked)).status).toBe(204)
  const gone = await client.post(`${CAMPAIGNS}/batch/read`, inputs(...ids.map((id) => ({ id }))))
  expect(gone.body['results']).toEqual([])
})

test('rows are lost in silence when a fault says so', async () => {
  sandbox.failNext({ kind: 'lose-rows', everyNth: 1, path: '*/campaigns/*/batch/create' })
  const lost = await client.post(`${CAMPAIGNS}/batch/create`, inputs(named('Lost')))
  expect(lost.status).toBe(201)
  expect(sandbox.campaigns().map(({ properties }) => properties['hs_name'])).not.toContain('Lost')
})

test('reading and writing each want their scope', async () => {
  const reader = openClient(sandbox, READER)
  expect((await reader.get(CAMPAIGNS)).status).toBe(200)
  const refused = await reader.post(CAMPAIGNS, named('Fair'))
  expect([refused.status, refused.body]).toMatchObject([
    403,
    {
      category: 'MISSING_SCOPES',
      errors: [{ context: { requiredGranularScopes: ['marketing.campaigns.write'] } }],
    },
  ])
  expect((await openClient(sandbox, 'pat-na1-none').get(CAMPAIGNS)).status).toBe(403)
})
