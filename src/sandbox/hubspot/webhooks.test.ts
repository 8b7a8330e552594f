import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { startHubspot } from './index.ts'
import type { HubspotSandbox } from './index.ts'
import { openClient } from './test-client.ts'
import { signWebhook } from './webhooks.ts'

const NOW_MS = 1795448005067
let sandbox: HubspotSandbox
let target: Server
let targetUrl = ''
let status = 204
const received: { signature: string; body: string }[] = []

beforeAll(async () => {
  sandbox = await startHubspot({ now: () => NOW_MS })
  target = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      received.push({ signature: String(request.headers['x-hubspot-signature-v3']), body })
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', () => resolve()))
  targetUrl = `http://127.0.0.1:${(target.address() as AddressInfo).port}/hooks?x=a%3Ab`
})
beforeEach(() => {
  received.length = 0
  status = 204
})
afterAll(async () => {
  target.close()
  await sandbox.stop()
})

test('the signature is that of the published example', () => {
  const event = {
    eventId: 531833541,
    subscriptionId: 3923621,
    portalId: 62515,
    appId: 1160452,
    occurredAt: NOW_MS,
    subscriptionType: 'contact.propertyChange',
    attemptNumber: 0,
    objectId: 1246965,
    propertyName: 'lifecyclestage',
    propertyValue: 'customer',
    changeSource: 'ACADEMY',
    sourceId: 'userId:1',
  }
  const signature = signWebhook('232ded25-31cd-4ea7-8dc7-a1b26f5aee2f', {
    method: 'POST',
    uri: 'https://hub.example.com/webhooks/hubspot?tenant=acme&x=a%3Ab%2Fc',
    body: JSON.stringify([event]),
    timestamp: String(NOW_MS),
  })
  expect(signature).toBe('RFX5PPn8X1ygUE0xt1Aogspfzt7qRcQymyiI5/zB+H0=')
})

test('events come signed, 100 at a time, again and in another order if told so', async () => {
  const events = Array.from({ length: 150 }, (_, i) => ({
    subscriptionType: 'contact.creation',
    objectId: i,
  }))
  const attempts = await sandbox.fireWebhook({ targetUrl, events, copies: 2, isReversed: true })
  expect(attempts.map(({ eventCount }) => eventCount)).toEqual([100, 100, 50, 50])
  const [first, copy] = received
  expect(first?.body).toBe(copy?.body)
  expect(JSON.parse(first?.body ?? '')).toMatchObject({ 0: { objectId: 149, portalId: 62515 } })
  const signature = signWebhook(sandbox.oauthApp.clientSecret, {
    method: 'POST',
    uri: targetUrl,
    body: first?.body ?? '',
    timestamp: String(NOW_MS),
  })
  expect(first?.signature).toBe(signature)
})

test('a refused delivery is tried again with a higher attempt number', async () => {
  status = 500
  const client = openClient(sandbox)
  const events = [{ subscriptionType: 'deal.creation', objectId: 5 }]
  const fired = await client.post('/__sim/webhooks', { targetUrl, events, retries: 1 })
  expect(fired.body['attempts']).toEqual([
    { eventCount: 1, attemptNumber: 0, status: 500 },
    { eventCount: 1, attemptNumber: 1, status: 500 },
  ])
  expect(JSON.parse(received[1]?.body ?? '')).toMatchObject([{ attemptNumber: 1 }])
})

test('a target that is not there is an attempt without status', async () => {
  const events = [{ subscriptionType: 'deal.creation', objectId: 5 }]
  const attempts = await sandbox.fireWebhook({ targetUrl: 'http://127.0.0.1:1/', events })
  expect(attempts).toEqual([{ eventCount: 1, attemptNumber: 0, status: null }])
})
