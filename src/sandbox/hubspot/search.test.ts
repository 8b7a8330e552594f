import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { listOf, objectOf, textOf } from '#sandbox/json.ts'
import { startHubspot } from './index.ts'
import type { HubspotSandbox } from './index.ts'
import { openClient } from './test-client.ts'
import type { Reply } from './test-client.ts'

const SEARCH = '/crm/objects/2026-09/contacts/search'
let sandbox: HubspotSandbox
let client: ReturnType<typeof openClient>
let nowMs = Date.parse('2026-11-23T12:00:00Z')

beforeAll(async () => {
  sandbox = await startHubspot({
    now: () => nowMs,
    limits: { tenSecondly: null, searchSecondly: null },
  })
  client = openClient(sandbox)
})
beforeEach(() => {
  sandbox.reset()
  Object.assign(sandbox.settings, { searchLagMs: 0, searchLagJitterMs: 0 })
})
afterAll(() => sandbox.stop())

const filter = (propertyName: string, operator: string, rest: object) => ({
  filterGroups: [{ filters: [{ propertyName, operator, ...rest }] }],
  properties: ['email'],
})
const emailsIn = (reply: Reply) =>
  listOf(reply.body['results']).map((row) => textOf(objectOf(objectOf(row)['properties'])['email']))

test('each operator finds what it says', async () => {
  sandbox.seedContacts([
    { email: 'ann@x.com', firstname: 'Ann', city: 'New York' },
    { email: 'bob@y.com', firstname: 'Bob' },
  ])
  const cases: [string, string, object, string[]][] = [
    ['firstname', 'EQ', { value: 'ann' }, ['ann@x.com']],
    ['firstname', 'NEQ', { value: 'ann' }, ['bob@y.com']],
    ['firstname', 'IN', { values: ['ann', 'bob'] }, ['ann@x.com', 'bob@y.com']],
    ['firstname', 'IN', { values: ['ANN'] }, []],
    ['firstname', 'NOT_IN', { values: ['ann'] }, ['bob@y.com']],
    ['city', 'HAS_PROPERTY', {}, ['ann@x.com']],
    ['city', 'NOT_HAS_PROPERTY', {}, ['bob@y.com']],
    ['city', 'CONTAINS_TOKEN', { value: 'york' }, ['ann@x.com']],
    ['email', 'CONTAINS_TOKEN', { value: '*@y.com' }, ['bob@y.com']],
    ['city', 'NOT_CONTAINS_TOKEN', { value: 'york' }, ['bob@y.com']],
    ['lastmodifieddate', 'GTE', { value: String(nowMs) }, ['ann@x.com', 'bob@y.com']],
    ['lastmodifieddate', 'GT', { value: new Date(nowMs).toISOString() }, []],
    ['lastmodifieddate', 'LT', { value: String(nowMs) }, []],
    ['lastmodifieddate', 'LTE', { value: String(nowMs) }, ['ann@x.com', 'bob@y.com']],
    ['createdate', 'BETWEEN', { value: '0', highValue: '1' }, []],
  ]
  for (const [name, operator, rest, expected] of cases) {
    const reply = await client.post(SEARCH, filter(name, operator, rest))
    expect(emailsIn(reply), `${name} ${operator}`).toEqual(expected)
  }
  expect(emailsIn(await client.post(SEARCH, { query: 'bo' }))).toEqual(['bob@y.com'])
})

test('unknown properties, too many filters, sorts and rows are refused', async () => {
  const refused = [
    filter('nope', 'EQ', { value: '1' }),
    filter('email', 'LIKE', { value: '1' }),
    { filterGroups: Array.from({ length: 6 }, () => ({ filters: [] })) },
    { limit: 201 },
    { sorts: ['email', 'createdate'] },
  ]
  for (const body of refused) expect((await client.post(SEARCH, body)).status).toBe(400)
})

test('no search reaches beyond 10,000 results, and a keyset does', async () => {
  const contacts = Array.from({ length: 10_250 }, (_, i) => ({ email: `p${i}@x.com` }))
  const ids = sandbox.seedContacts(contacts)
  const page = { ...filter('createdate', 'GTE', { value: '0' }), limit: 200 }
  const last = await client.post(SEARCH, { ...page, after: '9800' })
  expect(last.body).toMatchObject({ total: 10_250, paging: { next: { after: '10000' } } })
  expect((await client.post(SEARCH, { ...page, after: '10000' })).status).toBe(400)
  const keyset = filter('hs_object_id', 'GT', { value: ids[9_999] })
  expect((await client.post(SEARCH, keyset)).body['total']).toBe(250)
})

test('a write shows up in search after the lag, and the list has it at once', async () => {
  sandbox.settings.searchLagMs = 30_000
  const [id = ''] = sandbox.seedContacts([{ email: 'a@x.com', firstname: 'Old' }])
  const old = filter('firstname', 'EQ', { value: 'old' })
  expect((await client.post(SEARCH, old)).body['total']).toBe(0)
  expect((await client.get('/crm/v3/objects/contacts')).body['results']).toHaveLength(1)
  nowMs += 30_000
  expect((await client.post(SEARCH, old)).body['total']).toBe(1)
  sandbox.edit('contacts', id, { firstname: 'New' })
  nowMs += 29_999
  expect((await client.post(SEARCH, old)).body['total']).toBe(1)
  nowMs += 1
  expect((await client.post(SEARCH, old)).body['total']).toBe(0)
})

test('with a jitter writes come into search in another order than they were made', async () => {
  Object.assign(sandbox.settings, { searchLagJitterMs: 60_000 })
  for (let i = 0; i < 20; i += 1) {
    sandbox.seedContacts([{ email: `p${i}@x.com` }])
    nowMs += 1000
  }
  const seen = emailsIn(await client.post(SEARCH, { limit: 100, properties: ['email'] }))
  expect(seen.length).toBeLessThan(20)
  expect(seen).not.toEqual(Array.from({ length: seen.length }, (_, i) => `p${i}@x.com`))
  nowMs += 60_000
  expect((await client.post(SEARCH, {})).body['total']).toBe(20)
})
