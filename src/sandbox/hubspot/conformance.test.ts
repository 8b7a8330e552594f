import { afterAll, beforeAll, expect, test } from 'vitest'

import { listOf, objectOf, textOf } from '#sandbox/json.ts'
import type { Json } from '#sandbox/json.ts'
import { VendorSpec, hasSpecs, readSpec, sayAbsent } from '#tests/vendor-specs.ts'
import { startHubspot } from './index.ts'
import type { HubspotSandbox } from './index.ts'

/** What the sandbox answers, held against the vendor's specification where it is at hand. */
const SPEC = 'hubspot-v3.openapi.json'

let sandbox: HubspotSandbox
let ids: Record<'contacts' | 'companies' | 'deals', string[]>

beforeAll(async () => {
  sandbox = await startHubspot({
    limits: { tenSecondly: null, searchSecondly: null },
    tokens: [{ token: 'pat-na1-xxx', appId: 1 }],
    oauthApp: { clientId: 'cid', clientSecret: 'csecret' },
  })
  const deal = { dealname: 'D', dealstage: 'closedwon', pipeline: 'default', amount: '5' }
  ids = sandbox.seed({
    owners: [{ id: '7', email: 'o@x.com', teams: [{ id: '1', name: 'T', primary: true }] }],
    records: {
      contacts: [{ properties: { email: 'ada@x.com' } }, { properties: { email: 'bob@x.com' } }],
      companies: [{ properties: { name: 'X' } }, { properties: { name: 'Y' } }],
      deals: [{ properties: deal }, { properties: deal }],
    },
    campaigns: [{ id: CAMPAIGN, properties: { hs_name: 'C' } }],
    associations: [
      { from: 'contacts', fromIndex: 0, to: 'companies', toIndex: 0 },
      { from: 'deals', fromIndex: 0, to: 'contacts', toIndex: 0 },
    ],
  })
})
afterAll(() => sandbox.stop())

const CAMPAIGN = '430318c4-abb7-4bf7-a75e-9c5fa8f475a6'

interface Sent {
  method: string
  path: string
  body?: unknown
  form?: Record<string, string>
}

async function send({ method, path, body, form }: Sent): Promise<{ status: number; json: Json }> {
  const response = await fetch(sandbox.url + path, {
    method,
    headers: {
      authorization: 'Bearer pat-na1-xxx',
      ...(form ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(form ? { body: new URLSearchParams(form) } : {}),
  })
  const text = await response.text()
  return { status: response.status, json: text === '' ? null : (JSON.parse(text) as Json) }
}

const upsert = (email: string, trace?: string) => ({
  id: email,
  idProperty: 'email',
  properties: { email },
  ...(trace === undefined ? {} : { objectWriteTraceId: trace }),
})

/** One call of each kind, in an order in which each can succeed. */
function callsOf(): Sent[] {
  const [contact, other] = ids.contacts
  const [company] = ids.companies
  const [deal, otherDeal] = ids.deals
  const link = { from: { id: contact }, to: { id: company } }
  const types = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 279 }]
  const objects = ['contacts', 'companies', 'deals'].flatMap((type): Sent[] => {
    const base = `/crm/v3/objects/${type}`
    const id = type === 'contacts' ? contact : type === 'companies' ? company : deal
    const write = type === 'contacts' ? { city: 'Bonn' } : { description: 'text' }
    const missing = [
      { id, properties: write },
      { id: '404', properties: write },
    ]
    return [
      { method: 'GET', path: `${base}?limit=1&associations=companies` },
      { method: 'GET', path: `${base}/${id}?propertiesWithHistory=createdate,amount,city` },
      { method: 'PATCH', path: `${base}/${id}`, body: { properties: write } },
      { method: 'POST', path: `${base}/batch/update`, body: { inputs: [missing[0]] } },
      { method: 'POST', path: `${base}/batch/update`, body: { inputs: missing } },
      { method: 'POST', path: `${base}/batch/read`, body: { inputs: [{ id }] } },
      { method: 'POST', path: `${base}/batch/read`, body: { inputs: [{ id }, { id: '404' }] } },
      { method: 'POST', path: `${base}/search`, body: { limit: 1 } },
      { method: 'POST', path: `${base}/batch/archive`, body: { inputs: [{ id: '404' }] } },
    ]
  })
  const contacts = '/crm/v3/objects/contacts'
  const labels = '/crm/v4/associations/contacts/companies/labels'
  return [
    ...objects,
    { method: 'POST', path: contacts, body: { properties: { email: 'new@x.com' } } },
    { method: 'POST', path: `${contacts}/batch/upsert`, body: { inputs: [upsert('u@x.com')] } },
    {
      method: 'POST',
      path: `${contacts}/batch/upsert`,
      body: { inputs: [upsert('v@x.com', '1'), upsert('bad', '2')] },
    },
    {
      method: 'POST',
      path: `${contacts}/batch/create`,
      body: { inputs: [{ properties: { email: 'w@x.com' } }] },
    },
    {
      method: 'POST',
      path: `${contacts}/batch/create`,
      body: { inputs: [{ properties: { email: 'w@x.com' }, objectWriteTraceId: '1' }] },
    },
    { method: 'GET', path: '/crm/v3/owners?limit=1' },
    { method: 'GET', path: '/crm/v3/owners/7' },
    { method: 'GET', path: '/crm/v3/pipelines/deals' },
    { method: 'GET', path: '/crm/v3/pipelines/deals/default' },
    { method: 'GET', path: '/crm/v3/pipelines/deals/default/stages' },
    {
      method: 'POST',
      path: '/crm/v3/pipelines/deals',
      body: {
        label: 'P',
        displayOrder: 1,
        stages: [{ label: 'S', displayOrder: 0, metadata: { probability: '0.5' } }],
      },
    },
    { method: 'GET', path: '/crm/v3/properties/deals' },
    { method: 'GET', path: '/crm/v3/properties/contacts/email' },
    { method: 'GET', path: '/crm/v3/properties/contacts/groups' },
    {
      method: 'POST',
      path: '/crm/v3/properties/contacts',
      body: {
        name: 'hub_lead_id',
        label: 'Hub lead',
        type: 'string',
        fieldType: 'text',
        groupName: 'contactinformation',
        hasUniqueValue: true,
      },
    },
    { method: 'PATCH', path: '/crm/v3/properties/contacts/hub_lead_id', body: { label: 'L' } },
    { method: 'DELETE', path: '/crm/v3/properties/contacts/hub_lead_id' },
    {
      method: 'POST',
      path: '/crm/v3/properties/contacts/batch/read',
      body: { archived: false, inputs: [{ name: 'email' }, { name: 'nope' }] },
    },
    {
      method: 'POST',
      path: '/crm/v4/associations/contacts/companies/batch/read',
      body: { inputs: [{ id: contact }] },
    },
    {
      method: 'POST',
      path: '/crm/v4/associations/contacts/companies/batch/read',
      body: { inputs: [{ id: contact }, { id: other }] },
    },
    {
      method: 'POST',
      path: '/crm/v4/associations/contacts/companies/batch/create',
      body: { inputs: [{ ...link, types }] },
    },
    {
      method: 'POST',
      path: '/crm/v4/associations/contacts/companies/batch/create',
      body: { inputs: [{ from: { id: '404' }, to: { id: '404' }, types }] },
    },
    {
      method: 'POST',
      path: '/crm/v4/associations/contacts/companies/batch/associate/default',
      body: { inputs: [link] },
    },
    { method: 'GET', path: `/crm/v4/objects/contacts/${contact}/associations/companies` },
    {
      method: 'PUT',
      path: `/crm/v4/objects/contacts/${contact}/associations/default/companies/${company}`,
    },
    {
      method: 'PUT',
      path: `/crm/v4/objects/contacts/${contact}/associations/companies/${company}`,
      body: types,
    },
    { method: 'GET', path: labels },
    { method: 'POST', path: labels, body: { name: 'n', label: 'L' } },
    {
      method: 'POST',
      path: '/crm/v4/associations/contacts/companies/batch/archive',
      body: { inputs: [{ from: { id: contact }, to: [{ id: company }] }] },
    },
    {
      method: 'DELETE',
      path: `/crm/v4/objects/contacts/${contact}/associations/companies/${company}`,
    },
    {
      method: 'POST',
      path: `${contacts}/merge`,
      body: { primaryObjectId: contact, objectIdToMerge: other },
    },
    { method: 'POST', path: `${contacts}/gdpr-delete`, body: { objectId: contact } },
    { method: 'DELETE', path: `/crm/v3/objects/deals/${otherDeal}` },
    {
      method: 'POST',
      path: '/oauth/v1/token',
      form: {
        grant_type: 'authorization_code',
        code: sandbox.authorize(),
        redirect_uri: sandbox.oauthApp.redirectUris[0] ?? '',
        client_id: 'cid',
        client_secret: 'csecret',
      },
    },
  ]
}

test('every answer has the status and the shape of the v3 and v4 specification', async ({
  annotate,
}) => {
  if (!hasSpecs(SPEC)) return await sayAbsent(annotate)
  const spec = new VendorSpec(SPEC)
  const wrong: string[] = []
  const calls = callsOf()
  for (const call of calls) {
    const errors = spec.answerErrors(call.method, call.path, await send(call))
    if (errors !== null) wrong.push(`${call.method} ${call.path}: ${errors}`)
  }
  expect(wrong).toEqual([])
  expect(calls.length).toBeGreaterThan(50)
})

test('what the official client sent is understood, request by request', async ({ annotate }) => {
  if (!hasSpecs(SPEC)) return await sayAbsent(annotate)
  const requests = listOf(readSpec('captures/hubspot.json')['requests']).map(objectOf)
  const refused: string[] = []
  for (const request of requests) {
    const path = textOf(request['url']) ?? ''
    const body = request['body']
    const form = typeof body === 'string' ? Object.fromEntries(new URLSearchParams(body)) : null
    const { status, json } = await send({
      method: textOf(request['method']) ?? '',
      path,
      ...(form ? { form } : body === undefined ? {} : { body }),
    })
    const outcome = `${status} ${textOf(objectOf(json)['status']) ?? ''}`.trim()
    refused.push(`${textOf(request['case'])}: ${outcome}`)
  }
  expect(refused).toEqual([
    'contacts.basicApi.getPage: 200',
    'contacts.batchApi.upsert: 200 COMPLETE',
    // The captured row has an address that the upsert before it made.
    'contacts.batchApi.create: 409 error',
    'contacts.batchApi.update: 207 COMPLETE',
    'contacts.searchApi.doSearch: 200',
    'deals.searchApi.doSearch: 200',
    'assoc v4 batch read: 207 COMPLETE',
    'assoc v4 batch create: 207 COMPLETE',
    'owners: 200',
    'pipelines: 200',
    'properties: 200',
    // The captured refresh token "rt" was never given.
    'oauth refresh: 400 BAD_REFRESH_TOKEN',
    'apiRequest raw: 200',
  ])
})

test('every dated path the sandbox claims answers one of the statuses of its list', async ({
  annotate,
}) => {
  if (!hasSpecs(SPEC)) return await sayAbsent(annotate)
  const groups = objectOf(readSpec('hubspot-dated-paths.json')['groups'])
  const listed = Object.values(groups).flatMap(listOf).map(objectOf)
  const dated = listed.filter((operation) => {
    const path = textOf(operation['path']) ?? ''
    return path.includes('/2026-09') && operation['method'] === 'GET'
  })
  const params: Record<string, string> = {
    objectType: 'deals',
    objectId: ids.deals[0] ?? '',
    fromObjectType: 'contacts',
    toObjectType: 'companies',
    ownerId: '7',
    pipelineId: 'default',
    stageId: 'closedwon',
    propertyName: 'amount',
    campaignGuid: CAMPAIGN,
    contactType: 'influencedContacts',
  }
  const answered: string[] = []
  for (const operation of dated) {
    const template = textOf(operation['path']) ?? ''
    const path = Object.entries(params).reduce(
      (text, [name, value]) => text.replaceAll(`{${name}}`, value),
      template,
    )
    const { status } = await send({ method: 'GET', path })
    if (listOf(operation['ok']).includes(String(status))) answered.push(template)
  }
  expect([...new Set(answered)].sort()).toEqual([
    '/account-info/2026-09/api-usage/daily/private-apps',
    '/account-info/2026-09/details',
    '/crm/associations/2026-09/{fromObjectType}/{toObjectType}/labels',
    '/crm/objects/2026-09/{objectType}',
    '/crm/objects/2026-09/{objectType}/{objectId}',
    '/crm/owners/2026-09',
    '/crm/owners/2026-09/{ownerId}',
    '/crm/pipelines/2026-09/{objectType}',
    '/crm/pipelines/2026-09/{objectType}/{pipelineId}',
    '/crm/pipelines/2026-09/{objectType}/{pipelineId}/stages',
    '/crm/pipelines/2026-09/{objectType}/{pipelineId}/stages/{stageId}',
    '/crm/properties/2026-09/{objectType}',
    '/crm/properties/2026-09/{objectType}/groups',
    '/crm/properties/2026-09/{objectType}/{propertyName}',
    '/marketing/campaigns/2026-09',
    '/marketing/campaigns/2026-09/{campaignGuid}',
    '/marketing/campaigns/2026-09/{campaignGuid}/reports/contacts/{contactType}',
    '/marketing/campaigns/2026-09/{campaignGuid}/reports/metrics',
    '/marketing/campaigns/2026-09/{campaignGuid}/reports/revenue',
  ])
})

test('campaigns are written by the paths and with the statuses of the list', async ({
  annotate,
}) => {
  if (!hasSpecs(SPEC)) return await sayAbsent(annotate)
  const groups = objectOf(readSpec('hubspot-dated-paths.json')['groups'])
  const listed = listOf(groups['campaigns']).map(objectOf)
  const base = '/marketing/campaigns/2026-09'
  const properties = { hs_name: 'D' }
  const input = { id: CAMPAIGN, properties }
  const writes: [method: string, path: string, body?: unknown][] = [
    ['POST', '', { properties }],
    ['POST', '/batch/create', { inputs: [{ properties }] }],
    ['POST', '/batch/read', { inputs: [{ id: CAMPAIGN }] }],
    ['POST', '/batch/update', { inputs: [input] }],
    ['PATCH', '/{campaignGuid}', { properties }],
    ['POST', '/batch/archive', { inputs: [{ id: 'none' }] }],
    ['DELETE', '/{campaignGuid}'],
  ]
  for (const [method, path, body] of writes) {
    const template = `${base}${path}`
    const known = listed.find((one) => one['method'] === method && one['path'] === template)
    const { status } = await send({
      method,
      path: template.replace('{campaignGuid}', CAMPAIGN),
      ...(body === undefined ? {} : { body }),
    })
    expect([template, listOf(known?.['ok'])]).toEqual([template, [String(status)]])
  }
})
