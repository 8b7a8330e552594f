import { Client } from '@hubspot/api-client'
import { AssociationSpecAssociationCategoryEnum } from '@hubspot/api-client/lib/codegen/crm/associations/v4/index.js'
import { FilterOperatorEnum } from '@hubspot/api-client/lib/codegen/crm/contacts/index.js'
import { PropertyCreateFieldTypeEnum } from '@hubspot/api-client/lib/codegen/crm/properties/index.js'
import { PropertyCreateTypeEnum } from '@hubspot/api-client/lib/codegen/crm/properties/index.js'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { startHubspot } from './index.ts'
import type { HubspotSandbox } from './index.ts'

let sandbox: HubspotSandbox
let hubspot: Client

beforeAll(async () => {
  sandbox = await startHubspot({ limits: { tenSecondly: null, searchSecondly: null } })
  hubspot = new Client({ accessToken: sandbox.token, basePath: sandbox.url })
})
beforeEach(() => sandbox.reset())
afterAll(() => sandbox.stop())

test('the official client creates, reads, changes, lists and archives a contact', async () => {
  const { basicApi } = hubspot.crm.contacts
  const made = await basicApi.create({
    properties: { email: 'Ada@Example.com', firstname: 'Ada' },
  })
  expect(made.properties['email']).toBe('ada@example.com')
  expect(made.createdAt).toBeInstanceOf(Date)
  await basicApi.update('ada@example.com', { properties: { firstname: 'Countess' } }, 'email')
  const read = await basicApi.getById(made.id, ['firstname', 'phone'], ['firstname'])
  expect(read.properties).toMatchObject({ firstname: 'Countess', phone: null })
  expect(read.propertiesWithHistory?.['firstname']?.map(({ value }) => value)).toEqual([
    'Countess',
    'Ada',
  ])
  await basicApi.archive(made.id)
  expect((await basicApi.getPage(10)).results).toEqual([])
  const archived = await basicApi.getPage(10, undefined, undefined, undefined, undefined, true)
  expect(archived.results.map(({ id }) => id)).toEqual([made.id])
})

test('the official client upserts a batch and gets the rows in another order', async () => {
  const emails = ['a@x.com', 'b@x.com', 'c@x.com']
  const inputs = emails.map((email) => ({ id: email, idProperty: 'email', properties: { email } }))
  const first = await hubspot.crm.contacts.batchApi.upsert({ inputs })
  const found = first.results.map(({ properties }) => properties['email'])
  expect(found).not.toEqual(emails)
  expect(new Set(found)).toEqual(new Set(emails))
  expect(first.results.every((result) => '_new' in result && result._new)).toBe(true)
  const again = await hubspot.crm.contacts.batchApi.upsert({ inputs })
  expect(again.results.some((result) => '_new' in result && result._new)).toBe(false)
  expect(sandbox.count('contacts')).toBe(3)
})

test('the official client pages a list to its end', async () => {
  sandbox.seedContacts(Array.from({ length: 25 }, (_, i) => ({ email: `p${i}@x.com` })))
  const all = await hubspot.crm.contacts.getAll(10)
  expect(all.map(({ properties }) => properties['email'])).toEqual(
    Array.from({ length: 25 }, (_, i) => `p${i}@x.com`),
  )
})

test('the official client searches contacts and deals', async () => {
  sandbox.seedContacts([{ email: 'one@x.com' }, { email: 'two@x.com', firstname: 'Zoe' }])
  const found = await hubspot.crm.contacts.searchApi.doSearch({
    filterGroups: [
      {
        filters: [{ propertyName: 'firstname', operator: FilterOperatorEnum.Eq, value: 'ZOE' }],
      },
    ],
    sorts: ['hs_object_id'],
    properties: ['email'],
    limit: 10,
  })
  expect(found.total).toBe(1)
  expect(found.results[0]?.properties['email']).toBe('two@x.com')
})

test('the official client closes a deal and reads what follows from its stage', async () => {
  const { basicApi } = hubspot.crm.deals
  const deal = await basicApi.create({
    properties: {
      dealname: 'Big',
      dealstage: 'qualifiedtobuy',
      pipeline: 'default',
      amount: '1200',
      closedate: '1795448005067',
    },
  })
  await basicApi.update(deal.id, { properties: { dealstage: 'closedwon' } })
  const names = ['hs_is_closed', 'hs_is_closed_won', 'hs_deal_stage_probability', 'closedate']
  const read = await basicApi.getById(deal.id, names, ['dealstage'])
  expect(read.properties).toMatchObject({
    hs_is_closed: 'true',
    hs_is_closed_won: 'true',
    hs_deal_stage_probability: '1.0',
    closedate: new Date(1795448005067).toISOString(),
  })
  expect(read.propertiesWithHistory?.['dealstage']?.[0]).toMatchObject({
    value: 'closedwon',
    sourceType: 'INTEGRATION',
  })
})

test('the official client associates records and reads the associations back', async () => {
  const contact = await hubspot.crm.contacts.basicApi.create({ properties: { email: 'a@x.com' } })
  const company = await hubspot.crm.companies.basicApi.create({ properties: { name: 'X' } })
  const { basicApi, batchApi } = hubspot.crm.associations.v4
  await basicApi.createDefault('contacts', contact.id, 'companies', company.id)
  await batchApi.create('contacts', 'companies', {
    inputs: [
      {
        _from: { id: contact.id },
        to: { id: company.id },
        types: [
          {
            associationCategory: AssociationSpecAssociationCategoryEnum.HubspotDefined,
            associationTypeId: 279,
          },
        ],
      },
    ],
  })
  const page = await batchApi.getPage('contacts', 'companies', { inputs: [{ id: contact.id }] })
  // The client declares text; the wire has numbers, as recorded answers do.
  expect(page.results[0]?.to).toMatchObject([{ toObjectId: Number(company.id) }])
  expect(page.results[0]?.to[0]?.associationTypes.map(({ typeId }) => typeId).sort()).toEqual([
    1, 279,
  ])
  const listed = await basicApi.getPage('companies', company.id, 'contacts')
  expect(listed.results).toMatchObject([{ toObjectId: Number(contact.id) }])
  await basicApi.archive('contacts', contact.id, 'companies', company.id)
  const after = await basicApi.getPage('companies', company.id, 'contacts')
  expect(after.results).toEqual([])
})

test('the official client reads owners and pipelines', async () => {
  sandbox.putOwner({ id: '7', email: 'o@x.com', firstName: 'Olive' })
  sandbox.putOwner({ id: '8', email: 'gone@x.com', archived: true })
  const { ownersApi } = hubspot.crm.owners
  expect((await ownersApi.getPage()).results.map(({ email }) => email)).toEqual(['o@x.com'])
  const archived = await ownersApi.getPage(undefined, undefined, 100, true)
  expect(archived.results.map(({ email }) => email)).toEqual(['gone@x.com'])
  const pipelines = await hubspot.crm.pipelines.pipelinesApi.getAll('deals')
  expect(pipelines.results[0]?.stages.map(({ metadata }) => metadata?.['probability'])).toEqual([
    '0.2',
    '0.4',
    '0.6',
    '0.8',
    '0.9',
    '1.0',
    '0.0',
  ])
})

test('the official client creates a unique property and upserts on it', async () => {
  await hubspot.crm.properties.coreApi.create('contacts', {
    name: 'hub_lead_id',
    label: 'Hub lead',
    type: PropertyCreateTypeEnum.String,
    fieldType: PropertyCreateFieldTypeEnum.Text,
    groupName: 'contactinformation',
    hasUniqueValue: true,
  })
  const all = await hubspot.crm.properties.coreApi.getAll('contacts')
  expect(all.results.find(({ name }) => name === 'hub_lead_id')?.hasUniqueValue).toBe(true)
  const input = { id: 'lead_1', idProperty: 'hub_lead_id', properties: { email: 'l@x.com' } }
  await hubspot.crm.contacts.batchApi.upsert({ inputs: [input] })
  const read = await hubspot.crm.contacts.basicApi.getById(
    'lead_1',
    ['email'],
    undefined,
    undefined,
    false,
    'hub_lead_id',
  )
  expect(read.properties['email']).toBe('l@x.com')
})

test('the official client trades a code and a refresh token for access', async () => {
  const { clientId, clientSecret, redirectUris } = sandbox.oauthApp
  const { tokensApi } = new Client({ basePath: sandbox.url }).oauth
  const code = sandbox.authorize()
  const redirectUri = redirectUris[0] ?? ''
  const first = await tokensApi.create(
    'authorization_code',
    code,
    redirectUri,
    clientId,
    clientSecret,
  )
  expect(first.accessToken.length).toBeGreaterThanOrEqual(300)
  const second = await tokensApi.create(
    'refresh_token',
    undefined,
    undefined,
    clientId,
    clientSecret,
    first.refreshToken,
  )
  expect(second.refreshToken).toBe(first.refreshToken)
  const app = new Client({ accessToken: second.accessToken, basePath: sandbox.url })
  expect((await app.crm.contacts.basicApi.getPage()).results).toEqual([])
})
