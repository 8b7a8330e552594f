import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { startPipedrive } from './index.ts'
import type { PipedriveSandbox } from './index.ts'
import { openClient } from './test-client.ts'

let nowMs = Date.parse('2026-11-23T10:00:00Z')
let sandbox: PipedriveSandbox
let client: ReturnType<typeof openClient>

beforeAll(async () => {
  const limits = { tokenBurst: null, searchBurst: null }
  sandbox = await startPipedrive({ now: () => nowMs, limits })
  client = openClient(sandbox)
})
beforeEach(() => sandbox.reset())
afterAll(() => sandbox.stop())

/** The ids that the search for an e-mail address gives. */
async function byEmail(email: string): Promise<number[]> {
  const query = new URLSearchParams({ term: email, fields: 'email', exact_match: 'true' })
  const { body } = await client.get(`/api/v2/persons/search?${query}`)
  const { items } = body['data'] as { items: { item: { id: number } }[] }
  return items.map(({ item }) => item.id)
}

test('what was written shows up in search after the lag, and until then as it was', async () => {
  sandbox.settings.searchLagMs = 5000
  await client.post('/api/v2/persons', { name: 'A', emails: [{ value: 'a@x.com' }] })
  expect(await byEmail('a@x.com')).toEqual([])
  nowMs += 5000
  expect(await byEmail('A@X.com')).toEqual([1])
  await client.patch('/api/v2/persons/1', { emails: [{ value: 'b@x.com' }] })
  expect(await byEmail('a@x.com')).toEqual([1])
  expect(await byEmail('b@x.com')).toEqual([])
  nowMs += 5000
  expect(await byEmail('b@x.com')).toEqual([1])
  await client.delete('/api/v2/persons/1')
  expect(await byEmail('b@x.com')).toEqual([1])
  nowMs += 5000
  expect(await byEmail('b@x.com')).toEqual([])
  sandbox.settings.searchLagMs = 0
})

test('the search by a field heeds the case, the others do not', async () => {
  const { codes } = sandbox.seed({
    fields: { person: [{ field_name: 'Hub', field_type: 'varchar' }] },
  })
  const [code = ''] = codes.person
  await client.post('/api/v2/persons', { name: 'Ada', custom_fields: { [code]: 'Lead_1' } })
  const byField = async (term: string, match: string) => {
    const query = new URLSearchParams({ term, match, field: code, entity_type: 'person' })
    return (await client.get(`/api/v2/itemSearch/field?${query}`)).body['data']
  }
  expect(await byField('Lead_1', 'exact')).toMatchObject([{ id: 1 }])
  expect(await byField('lead_1', 'exact')).toEqual([])
  expect(await byField('Lea', 'beginning')).toMatchObject([{ id: 1 }])
  const { body } = await client.get('/api/v2/itemSearch?term=lead_1&item_types=person')
  expect(body['data']).toMatchObject({ items: [{ item: { id: 1, type: 'person' } }] })
  expect((await client.get('/api/v2/itemSearch?term=l')).status).toBe(400)
})

test('several hits are all given: the vendor allows duplicates', async () => {
  for (let i = 0; i < 3; i += 1) {
    await client.post('/api/v2/persons', { name: 'A', emails: [{ value: 'a@x.com' }] })
  }
  expect(await byEmail('a@x.com')).toEqual([1, 2, 3])
})
