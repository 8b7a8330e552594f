import { expect, test } from 'vitest'
import { hubspotHooks } from './hooks.ts'

const nowMs = 1_795_448_005_067
const settings = { token: 'pat', clientSecret: '232ded25-31cd-4ea7-8dc7-a1b26f5aee2f' }
const event = {
  eventId: 531833541,
  subscriptionId: 3923621,
  portalId: 62515,
  appId: 1160452,
  occurredAt: nowMs,
  subscriptionType: 'contact.propertyChange',
  attemptNumber: 0,
  objectId: 1246965,
  propertyName: 'lifecyclestage',
  propertyValue: 'customer',
  changeSource: 'ACADEMY',
  sourceId: 'userId:1',
}
const request = {
  method: 'POST',
  url: 'https://hub.example.com/webhooks/hubspot?tenant=acme&x=a%3Ab%2Fc',
  headers: {
    'x-hubspot-signature-v3': 'RFX5PPn8X1ygUE0xt1Aogspfzt7qRcQymyiI5/zB+H0=',
    'x-hubspot-request-timestamp': String(nowMs),
  },
  body: Buffer.from(JSON.stringify([event])),
  now: new Date(nowMs),
}

test('a known signature holds, and no other request with it', () => {
  expect(hubspotHooks.verify(request, settings)).toBe(true)
  const wrong = [
    { ...request, url: 'https://hub.example.com/webhooks/hubspot' },
    { ...request, body: Buffer.from('[]') },
    { ...request, now: new Date(nowMs + 300_001) },
    { ...request, headers: {} },
    { ...request, headers: { ...request.headers, 'x-hubspot-signature-v3': 'AAAA' } },
    { ...request, headers: { ...request.headers, 'x-hubspot-request-timestamp': 'NaN' } },
  ]
  expect(wrong.map((one) => hubspotHooks.verify(one, settings))).toEqual(wrong.map(() => false))
  expect(hubspotHooks.verify(request, { token: 'pat' })).toBe(false)
})

test('events name the records of our streams, whatever happened to them', () => {
  const read = (more: object) =>
    hubspotHooks
      .read(Buffer.from(JSON.stringify([{ ...event, ...more }])))
      .map(({ stream, externalId }) => `${stream} ${externalId}`)
  expect(read({})).toEqual(['contacts 1246965'])
  expect(read({ subscriptionType: 'deal.deletion' })).toEqual(['deals 1246965'])
  expect(read({ subscriptionType: 'object.creation', objectTypeId: '0-27' })).toEqual([
    'tasks 1246965',
  ])
  const merge = { primaryObjectId: 1, mergedObjectIds: [2], newObjectId: 3, objectId: 3 }
  expect(read({ subscriptionType: 'contact.merge', ...merge }).toSorted()).toEqual([
    'contacts 1',
    'contacts 2',
    'contacts 3',
  ])
  const association = { associationType: 'CONTACT_TO_DEAL', fromObjectId: 1, toObjectId: 2 }
  expect(read({ subscriptionType: 'contact.associationChange', ...association })).toEqual([
    'contacts 1',
    'deals 2',
  ])
  expect(read({ subscriptionType: 'ticket.creation' })).toEqual([])
})

test('attempts of one event have one key, and other bodies are no events', () => {
  const keyOf = (more: object) =>
    hubspotHooks.read(Buffer.from(JSON.stringify([{ ...event, ...more }])))[0]?.key
  expect(keyOf({ attemptNumber: 3 })).toBe(keyOf({}))
  expect(keyOf({ occurredAt: nowMs + 1 })).not.toBe(keyOf({}))
  for (const body of ['', '{}', '[1]'])
    expect(() => hubspotHooks.read(Buffer.from(body))).toThrow(SyntaxError)
})
