import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { startHubspot } from './index.ts'
import type { HubspotSandbox } from './index.ts'
import { openClient } from './test-client.ts'

const DEALS_CONTACTS = '/crm/associations/2026-09/deals/contacts'
let sandbox: HubspotSandbox
let client: ReturnType<typeof openClient>
let deal = ''
let contact = ''
let company = ''

beforeAll(async () => {
  sandbox = await startHubspot({ limits: { tenSecondly: null } })
  client = openClient(sandbox)
})
beforeEach(() => {
  sandbox.reset()
  const properties = { dealname: 'D', dealstage: 'closedwon', pipeline: 'default' }
  const ids = sandbox.seed({
    records: {
      contacts: [{ properties: { email: 'a@x.com' } }],
      companies: [{ properties: { name: 'X' } }],
      deals: [{ properties }],
    },
  })
  deal = ids.deals[0] ?? ''
  contact = ids.contacts[0] ?? ''
  company = ids.companies[0] ?? ''
})
afterAll(() => sandbox.stop())

test('records without associations are errors of a 207, those with are results', async () => {
  await client.put(`/crm/objects/2026-09/deals/${deal}/associations/default/contacts/${contact}`)
  const inputs = [{ id: deal }, { id: '404' }]
  const read = await client.post(`${DEALS_CONTACTS}/batch/read`, { inputs })
  expect(read.status).toBe(207)
  expect(read.body).toMatchObject({
    results: [
      {
        from: { id: deal },
        to: [
          {
            toObjectId: contact,
            associationTypes: [{ category: 'HUBSPOT_DEFINED', typeId: 3, label: null }],
          },
        ],
      },
    ],
    errors: [
      {
        category: 'OBJECT_NOT_FOUND',
        subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
        message: 'No contact is associated with deal 404.',
      },
    ],
  })
})

test('the id at the other end is a number in v4 and a string in dated paths', async () => {
  const inputs = [{ from: { id: deal }, to: { id: contact } }]
  await client.post(`${DEALS_CONTACTS}/batch/associate/default`, { inputs })
  const read = { inputs: [{ id: deal }] }
  const dated = await client.post(`${DEALS_CONTACTS}/batch/read`, read)
  expect(dated.body['results']).toMatchObject([{ to: [{ toObjectId: contact }] }])
  const v4 = await client.post('/crm/v4/associations/deals/contacts/batch/read', read)
  expect(v4.body['results']).toMatchObject([{ to: [{ toObjectId: Number(contact) }] }])
})

test('the first company of a deal is its primary one, and doing it twice changes nothing', async () => {
  const path = `/crm/v4/objects/deals/${deal}/associations/default/companies/${company}`
  expect((await client.put(path)).status).toBe(200)
  expect((await client.put(path)).status).toBe(200)
  expect(sandbox.read('deals', deal, 'hs_primary_associated_company')).toBe(company)
  const read = await client.get(`/crm/v3/objects/deals/${deal}?associations=companies`)
  expect(read.body['associations']).toEqual({
    companies: {
      results: [
        { id: company, type: 'deal_to_company' },
        { id: company, type: 'deal_to_company_unlabeled' },
      ],
    },
  })
})

test('a label of the account shows on both sides and goes alone', async () => {
  const made = await client.post(`${DEALS_CONTACTS}/labels`, {
    name: 'decision_maker',
    label: 'Decision maker',
  })
  expect(made.body['results']).toMatchObject([
    { category: 'USER_DEFINED', label: 'Decision maker' },
    { category: 'USER_DEFINED', label: 'Decision maker' },
  ])
  const { results } = made.body as { results: { typeId: number }[] }
  const spec = { associationCategory: 'USER_DEFINED', associationTypeId: results[0]?.typeId }
  const one = `/crm/objects/2026-09/deals/${deal}/associations/contacts/${contact}`
  const labelled = await client.put(one, [spec])
  expect(labelled.status).toBe(201)
  expect(labelled.body['labels']).toEqual(['Decision maker'])
  const inputs = [{ from: { id: deal }, to: { id: contact }, types: [spec] }]
  await client.post(`${DEALS_CONTACTS}/batch/labels/archive`, { inputs })
  const read = await client.post(`${DEALS_CONTACTS}/batch/read`, { inputs: [{ id: deal }] })
  expect(read.body['results']).toMatchObject([{ to: [{ associationTypes: [{ typeId: 3 }] }] }])
})

const make = (id: string) => ({
  properties: { email: `n${id}@x.com` },
  associations: [
    {
      to: { id },
      types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 279 }],
    },
  ],
})

test('an inline association on create counts, a wrong one refuses the create', async () => {
  const made = await client.post('/crm/objects/2026-09/contacts', make(company))
  expect(made.status).toBe(201)
  expect(sandbox.read('companies', company, 'num_associated_contacts')).toBe('1')
  expect((await client.post('/crm/objects/2026-09/contacts', make('404'))).status).toBe(400)
})

test('a merge takes the associations along', async () => {
  const [other = ''] = sandbox.seedContacts([{ email: 'b@x.com' }])
  await client.put(`/crm/v4/objects/deals/${deal}/associations/default/contacts/${other}`)
  const merged = await client.post('/crm/v3/objects/contacts/merge', {
    primaryObjectId: contact,
    objectIdToMerge: other,
  })
  const read = await client.post(`${DEALS_CONTACTS}/batch/read`, { inputs: [{ id: deal }] })
  expect(read.body['results']).toMatchObject([{ to: [{ toObjectId: merged.body['id'] }] }])
})

test('the list of one record exists in v4 only', async () => {
  await client.put(`/crm/v4/objects/deals/${deal}/associations/default/contacts/${contact}`)
  const listed = await client.get(`/crm/v4/objects/deals/${deal}/associations/contacts`)
  expect(listed.body['results']).toHaveLength(1)
  const dated = await client.get(`/crm/objects/2026-09/deals/${deal}/associations/contacts`)
  expect(dated.status).toBe(404)
})

test('archived records are not associated with anything', async () => {
  await client.put(`/crm/v4/objects/deals/${deal}/associations/default/contacts/${contact}`)
  sandbox.remove('contacts', contact)
  const read = await client.post(`${DEALS_CONTACTS}/batch/read`, { inputs: [{ id: deal }] })
  expect(read.status).toBe(207)
})
