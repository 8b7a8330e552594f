import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { startHubspot } from './index.ts'
import type { HubspotSandbox } from './index.ts'
import { openClient } from './test-client.ts'

const CONTACTS = '/crm/objects/2026-09/contacts'
let sandbox: HubspotSandbox
let client: ReturnType<typeof openClient>

beforeAll(async () => {
  sandbox = await startHubspot({ limits: { tenSecondly: null } })
  client = openClient(sandbox)
})
beforeEach(() => sandbox.reset())
afterAll(() => sandbox.stop())

const create = (email: string) => client.post(CONTACTS, { properties: { email } })

test('a status is answered once, with the body the vendor has for it', async () => {
  const cases: [number, string | undefined, object][] = [
    [429, undefined, { policyName: 'TEN_SECONDLY_ROLLING' }],
    [429, 'DAILY', { policyName: 'DAILY' }],
    [429, 'SECONDLY', { message: 'You have reached your secondly limit.' }],
    [423, undefined, { message: 'The resource is locked.' }],
    [477, undefined, { status: 'error' }],
    [502, undefined, { status: 'error' }],
  ]
  for (const [status, policy, body] of cases) {
    sandbox.failNext({ kind: 'status', status, ...(policy === undefined ? {} : { policy }) })
    const answer = await client.get(CONTACTS)
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject(body)
    if (status === 477) expect(answer.headers.get('retry-after')).toBe('3600')
    expect((await client.get(CONTACTS)).status).toBe(200)
  }
})

test('a fault hits the calls it names, as often and as late as it says', async () => {
  sandbox.failNext({ kind: 'html', status: 502, method: 'POST', path: '*/contacts', after: 1 })
  expect((await create('a@x.com')).status).toBe(201)
  expect((await client.get(CONTACTS)).status).toBe(200)
  const html = await create('b@x.com')
  expect(html.status).toBe(502)
  expect(html.headers.get('content-type')).toBe('text/html')
  expect(html.text).toContain('<html>')
  expect((await create('b@x.com')).status).toBe(201)
})

test('a connection cut before the commit leaves nothing, after it the record', async () => {
  sandbox.failNext({ kind: 'drop-before' })
  await expect(create('a@x.com')).rejects.toThrow('fetch failed')
  expect(sandbox.count('contacts')).toBe(0)
  sandbox.failNext({ kind: 'drop-after' })
  await expect(create('a@x.com')).rejects.toThrow('fetch failed')
  expect(sandbox.count('contacts')).toBe(1)
})

test('lost rows are answered as written and are not there', async () => {
  sandbox.failNext({ kind: 'lose-rows', everyNth: 2 })
  const inputs = ['a@x.com', 'b@x.com', 'c@x.com', 'd@x.com'].map((email) => ({
    id: email,
    idProperty: 'email',
    properties: { email },
  }))
  const answer = await client.post(`${CONTACTS}/batch/upsert`, { inputs })
  expect(answer.status).toBe(200)
  expect(answer.body['results']).toHaveLength(4)
  expect([...sandbox.records('contacts')].map(({ properties }) => properties['email'])).toEqual([
    'a@x.com',
    'c@x.com',
  ])
})

test('a host that is down answers nothing until it is lifted', async () => {
  const lift = sandbox.down()
  await expect(client.get(CONTACTS)).rejects.toThrow('fetch failed')
  await expect(client.get(CONTACTS)).rejects.toThrow('fetch failed')
  lift()
  expect((await client.get(CONTACTS)).status).toBe(200)
})

test('a slow answer comes as usual, later', async () => {
  sandbox.failNext({ kind: 'slow', delayMs: 60 })
  const startedAtMs = performance.now()
  expect((await client.get(CONTACTS)).status).toBe(200)
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(50)
})

test('an expired static token is refused for one call', async () => {
  sandbox.failNext({ kind: 'expire-token' })
  const refused = await client.get(CONTACTS)
  expect(refused.status).toBe(401)
  expect(refused.body['category']).toBe('EXPIRED_AUTHENTICATION')
  expect((await client.get(CONTACTS)).status).toBe(200)
})

test('calls are counted by route and outcome, and the last requests are kept', async () => {
  await create('a@x.com')
  await client.get(`${CONTACTS}/404`)
  await client.get('/nowhere')
  const { total, byRoute } = sandbox.calls()
  expect(total).toBe(3)
  expect(byRoute['GET /crm/objects/2026-09/{type}/{id}']).toEqual({
    count: 1,
    byStatus: { 404: 1 },
  })
  expect(byRoute['unmatched']?.count).toBe(1)
  const [first] = sandbox.requests()
  expect(first).toMatchObject({ method: 'POST', url: CONTACTS, status: 201, fault: null })
  expect(JSON.parse(first?.body ?? '')).toEqual({ properties: { email: 'a@x.com' } })
})

test('all of it can be done from outside the process too', async () => {
  const seeded = await client.post('/__sim/seed', {
    owners: [{ id: '7', email: 'o@x.com' }],
    records: { contacts: [{ properties: { email: 'a@x.com', hubspot_owner_id: '7' } }] },
  })
  const { ids } = seeded.body as { ids: { contacts: string[] } }
  const [id] = ids.contacts
  await client.post('/__sim/edit', { type: 'contacts', id, properties: { city: 'Bonn' } })
  const records = await client.get('/__sim/records/contacts')
  expect(records.body['records']).toMatchObject([{ id, properties: { city: 'Bonn' } }])
  await client.post('/__sim/faults', { kind: 'status', status: 503 })
  expect((await client.get(CONTACTS)).status).toBe(503)
  const before = sandbox.now()
  await client.post('/__sim/clock/advance', { ms: 60_000 })
  expect(sandbox.now() - before).toBeGreaterThanOrEqual(60_000)
  expect((await client.put('/__sim/limits', { tenSecondly: 0 })).body['tenSecondly']).toBe(0)
  expect((await client.get(CONTACTS)).status).toBe(429)
  await client.put('/__sim/limits', { tenSecondly: null })
  await client.put('/__sim/settings', { searchLagMs: 5 })
  expect(sandbox.settings.searchLagMs).toBe(5)
  await client.put('/__sim/settings', { searchLagMs: 0 })
  expect((await client.get('/__sim/calls')).body['total']).toBe(2)
  await client.post('/__sim/remove', { type: 'contacts', id, how: 'vanish' })
  expect((await client.get('/__sim/counts/contacts')).body).toEqual({ live: 0 })
  await client.post('/__sim/reset', {})
  expect(sandbox.calls().total).toBe(0)
})
