import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { textOf } from '#sandbox/json.ts'
import { startHubspot } from './index.ts'
import type { HubspotSandbox } from './index.ts'
import { openClient } from './test-client.ts'

const CONTACTS = '/crm/objects/2026-09/contacts'
let sandbox: HubspotSandbox
let client: ReturnType<typeof openClient>

beforeAll(async () => {
  sandbox = await startHubspot({ limits: { tenSecondly: null, searchSecondly: null } })
  client = openClient(sandbox)
})
beforeEach(() => {
  sandbox.reset()
  sandbox.settings.mergeKeepsPrimaryId = false
})
afterAll(() => sandbox.stop())

const byEmail = (email: string, properties: Record<string, string> = {}, trace?: string) => ({
  id: email,
  idProperty: 'email',
  properties: { email, ...properties },
  ...(trace === undefined ? {} : { objectWriteTraceId: trace }),
})

test('object types answer by name and by type id, unknown ones are refused', async () => {
  sandbox.seedContacts([{ email: 'a@x.com' }])
  for (const path of ['/crm/objects/2026-09/0-1', '/crm/v3/objects/0-1', CONTACTS]) {
    expect((await client.get(path)).body).toMatchObject({
      results: [{ properties: { email: 'a@x.com' } }],
    })
  }
  const unknown = await client.get('/crm/v3/objects/butterflies')
  expect(unknown.status).toBe(400)
  expect(unknown.body).toMatchObject({ message: 'Unable to infer object type from: butterflies' })
})

test('one bad row without trace ids leaves nothing of the batch', async () => {
  const inputs = [byEmail('a@x.com'), byEmail('b@x.com', { nope: '1' }), byEmail('c@')]
  const answer = await client.post(`${CONTACTS}/batch/upsert`, { inputs })
  expect(answer.status).toBe(400)
  expect(answer.body).toMatchObject({
    category: 'VALIDATION_ERROR',
    errors: [
      { code: 'PROPERTY_DOESNT_EXIST', context: { propertyName: ['nope'] } },
      { code: 'INVALID_EMAIL', context: { propertyName: ['email'] } },
    ],
  })
  expect(sandbox.count('contacts')).toBe(0)
})

test('with trace ids the good rows are written and the bad ones named', async () => {
  const inputs = [
    byEmail('a@x.com', {}, 'row-0'),
    byEmail('b@x.com', { nope: '1' }, 'row-1'),
    byEmail('c@x.com', {}, 'row-2'),
  ]
  const answer = await client.post(`${CONTACTS}/batch/upsert`, { inputs })
  expect(answer.status).toBe(207)
  expect(answer.body).toMatchObject({
    numErrors: 1,
    errors: [{ category: 'VALIDATION_ERROR', context: { objectWriteTraceId: ['row-1'] } }],
  })
  expect([...sandbox.records('contacts')].map(({ properties }) => properties['email'])).toEqual([
    'a@x.com',
    'c@x.com',
  ])
})

test('the same e-mail twice in a batch, in whatever case, refuses the whole batch', async () => {
  const inputs = [byEmail('a@x.com'), byEmail('A@X.com'), byEmail('b@x.com')]
  const answer = await client.post(`${CONTACTS}/batch/upsert`, { inputs })
  expect(answer.status).toBe(400)
  expect(answer.body).toMatchObject({ context: { ids: ['a@x.com'] } })
  expect(sandbox.count('contacts')).toBe(0)
})

test('two addresses of one contact in a batch refuse the whole batch', async () => {
  sandbox.seedContacts([{ email: 'a@x.com', hs_additional_emails: 'old@x.com' }])
  const inputs = [byEmail('a@x.com'), { ...byEmail('old@x.com'), properties: { phone: '1' } }]
  expect((await client.post(`${CONTACTS}/batch/upsert`, { inputs })).status).toBe(400)
})

test('a batch of 101 is refused', async () => {
  const inputs = Array.from({ length: 101 }, (_, i) => byEmail(`a${i}@x.com`))
  expect((await client.post(`${CONTACTS}/batch/upsert`, { inputs })).status).toBe(400)
})

test('properties that are not unique cannot address a row', async () => {
  const upsert = { inputs: [{ id: 'Ada', idProperty: 'firstname', properties: {} }] }
  const refused = await client.post(`${CONTACTS}/batch/upsert`, upsert)
  expect(refused.body).toMatchObject({
    message: 'Unable to perform update/upsert by non-unique 0-1 property firstname',
  })
  sandbox.seedContacts([{ email: 'a@x.com' }])
  const update = await client.post(`${CONTACTS}/batch/update`, { inputs: [byEmail('a@x.com')] })
  expect(update.status).toBe(400)
})

const row = (email: string, objectWriteTraceId: string) => ({
  objectWriteTraceId,
  properties: { email },
})

test('batch create names the contact that exists, with a trace id', async () => {
  const [existing = ''] = sandbox.seedContacts([{ email: 'a@x.com' }])
  const inputs = [row('a@x.com', '0'), row('b@x.com', '1')]
  const answer = await client.post(`${CONTACTS}/batch/create`, { inputs })
  expect(answer.status).toBe(207)
  expect(answer.body['errors']).toEqual([
    {
      status: 'error',
      category: 'CONFLICT',
      message: `Contact already exists. Existing ID: ${existing}`,
      context: { objectWriteTraceId: ['0'], existingId: [existing] },
    },
  ])
  const single = await client.post(CONTACTS, { properties: { email: 'A@x.com' } })
  expect(single.status).toBe(409)
  expect(single.body['message']).toBe(`Contact already exists. Existing ID: ${existing}`)
})

test('unknown ids in batch update and read are a 207 that lists them', async () => {
  const [id = ''] = sandbox.seedContacts([{ email: 'a@x.com' }])
  const update = await client.post(`${CONTACTS}/batch/update`, {
    inputs: [
      { id, properties: { firstname: 'A' } },
      { id: '999', properties: { firstname: 'B' } },
    ],
  })
  expect(update.status).toBe(207)
  expect(update.body['errors']).toMatchObject([
    { category: 'OBJECT_NOT_FOUND', context: { ids: ['999'] } },
  ])
  const read = await client.post(`${CONTACTS}/batch/read`, {
    idProperty: 'email',
    properties: ['firstname'],
    inputs: [{ id: 'a@x.com' }, { id: 'b@x.com' }],
  })
  expect(read.status).toBe(207)
  expect(read.body['results']).toMatchObject([{ id, properties: { firstname: 'A' } }])
})

test('wrong values are refused with the code of their kind', async () => {
  const refused = await client.post('/crm/v3/objects/deals', {
    properties: {
      dealname: 'D',
      dealstage: 'nowhere',
      pipeline: 'default',
      amount: 'much',
      hs_object_id: '1',
      hubspot_owner_id: '404',
    },
  })
  expect(refused.status).toBe(400)
  expect(refused.body['errors']).toMatchObject([
    { code: 'INVALID_OPTION', context: { propertyName: ['dealstage'] } },
    { code: 'INVALID_INTEGER' },
    { code: 'READ_ONLY_VALUE' },
    { code: 'INVALID_OPTION', context: { propertyName: ['hubspot_owner_id'] } },
  ])
  const incomplete = await client.post('/crm/v3/objects/deals', { properties: { dealname: 'D' } })
  expect(incomplete.body).toMatchObject({ context: { properties: ['dealstage', 'pipeline'] } })
})

test('a lifecycle stage goes back only after it was cleared', async () => {
  const [id = ''] = sandbox.seedContacts([{ email: 'a@x.com', lifecyclestage: 'customer' }])
  const set = (lifecyclestage: string) =>
    client.patch(`${CONTACTS}/${id}`, { properties: { lifecyclestage } })
  await set('lead')
  expect(sandbox.read('contacts', id, 'lifecyclestage')).toBe('customer')
  await set('')
  await set('lead')
  expect(sandbox.read('contacts', id, 'lifecyclestage')).toBe('lead')
})

test('the history tells our writes from those of people', async () => {
  const [id = ''] = sandbox.seedContacts([{ email: 'a@x.com', phone: '1' }])
  await client.patch(`${CONTACTS}/${id}`, { properties: { phone: '2' } })
  const read = await client.get(`${CONTACTS}/${id}?propertiesWithHistory=phone`)
  expect(read.body['propertiesWithHistory']).toMatchObject({
    phone: [
      { value: '2', sourceType: 'INTEGRATION', sourceId: '19083857' },
      { value: '1', sourceType: 'CRM_UI', sourceId: 'userId:12345' },
    ],
  })
})

test('a merge gives a new id to which both old ones resolve', async () => {
  const [primary = '', other = ''] = sandbox.seedContacts([
    { email: 'a@x.com', firstname: 'A' },
    { email: 'b@x.com', phone: '5' },
  ])
  const merged = await client.post(`${CONTACTS}/merge`, {
    primaryObjectId: primary,
    objectIdToMerge: other,
  })
  const id = textOf(merged.body['id']) ?? ''
  expect([primary, other]).not.toContain(id)
  for (const old of [primary, other]) {
    expect((await client.get(`${CONTACTS}/${old}`)).body['id']).toBe(id)
  }
  const read = await client.get(
    `${CONTACTS}/b%40x.com?idProperty=email&properties=phone,firstname,hs_merged_object_ids`,
  )
  expect(read.body).toMatchObject({
    id,
    properties: { phone: '5', firstname: 'A', hs_merged_object_ids: `${primary};${other}` },
  })
  expect(sandbox.count('contacts')).toBe(1)
})

test('a merge keeps the primary id in accounts that preserve it', async () => {
  sandbox.settings.mergeKeepsPrimaryId = true
  const [primary = '', other = ''] = sandbox.seedContacts([{ email: 'a@x.com' }, { phone: '5' }])
  const body = { primaryObjectId: primary, objectIdToMerge: other }
  expect((await client.post(`${CONTACTS}/merge`, body)).body['id']).toBe(primary)
  expect((await client.get(`${CONTACTS}/${other}`)).body['id']).toBe(primary)
})

test('an e-mail that was deleted for GDPR cannot be added again', async () => {
  const [id = ''] = sandbox.seedContacts([{ email: 'a@x.com' }])
  expect((await client.post(`${CONTACTS}/gdpr-delete`, { objectId: id })).status).toBe(204)
  expect((await client.get(`${CONTACTS}/${id}`)).status).toBe(404)
  const again = await client.post(CONTACTS, { properties: { email: 'a@x.com' } })
  expect(again.status).toBe(400)
})

test('an archived contact is listed apart and frees its e-mail', async () => {
  const [id = ''] = sandbox.seedContacts([{ email: 'a@x.com' }])
  expect((await client.delete(`${CONTACTS}/${id}`)).status).toBe(204)
  expect((await client.get(`${CONTACTS}/${id}`)).status).toBe(404)
  const archived = await client.get(`${CONTACTS}?archived=true`)
  expect(archived.body['results']).toMatchObject([{ id, archived: true }])
  const again = await client.post(CONTACTS, { properties: { email: 'a@x.com' } })
  expect(again.body['id']).not.toBe(id)
})

test('lists take 100 rows at most, 50 with history, and a URL of 15,000 characters', async () => {
  expect((await client.get(`${CONTACTS}?limit=101`)).status).toBe(400)
  expect((await client.get(`${CONTACTS}?limit=51&propertiesWithHistory=email`)).status).toBe(400)
  expect((await client.get(`${CONTACTS}?properties=${'a'.repeat(15_000)}`)).status).toBe(414)
})

const make = (i: number) =>
  client.post('/crm/properties/2026-09/deals', {
    name: `key_${i}`,
    label: 'Key',
    type: 'string',
    fieldType: 'text',
    groupName: 'dealinformation',
    hasUniqueValue: true,
  })

test('an object type takes ten unique properties and no more', async () => {
  for (let i = 0; i < 10; i += 1) expect((await make(i)).status).toBe(201)
  expect((await make(10)).status).toBe(400)
})

test('account details and usage come from the account', async () => {
  const details = await client.get('/account-info/2026-09/details')
  expect(details.body).toMatchObject({ portalId: 62515, timeZone: 'US/Eastern' })
  const usage = await client.get('/account-info/v3/api-usage/daily/private-apps')
  expect(usage.body['results']).toMatchObject([{ name: 'private-apps-api-calls-daily' }])
})
