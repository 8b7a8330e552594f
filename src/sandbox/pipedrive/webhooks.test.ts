import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { startPipedrive } from './index.ts'
import type { PipedriveSandbox } from './index.ts'
import { openClient } from './test-client.ts'

interface Received {
  authorization: string | undefined
  body: { meta: Record<string, unknown>; data: unknown; previous: unknown }
}

let nowMs = Date.parse('2026-11-23T10:00:00Z')
let sandbox: PipedriveSandbox
let client: ReturnType<typeof openClient>
let server: Server
let target: string
let received: Received[] = []
let answers: number[] = []

beforeAll(async () => {
  const settings = { sendsWebhooks: false }
  sandbox = await startPipedrive({ now: () => nowMs, settings, limits: { tokenBurst: null } })
  client = openClient(sandbox)
  server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (text += chunk))
    request.on('end', () => {
      const body = JSON.parse(text) as Received['body']
      received.push({ authorization: request.headers.authorization, body })
      response.writeHead(answers.shift() ?? 200).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  target = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
})
beforeEach(async () => {
  sandbox.reset()
  received = []
  answers = []
  const answer = await client.post('/v1/webhooks', {
    subscription_url: target,
    event_action: '*',
    event_object: 'person',
    name: 'Hub',
    version: '2.0',
    http_auth_user: 'hook-user',
    http_auth_password: 'hook-pass',
  })
  expect(answer.status).toBe(201)
})
afterAll(async () => {
  server.close()
  await sandbox.stop()
})

const addPerson = () => client.post('/api/v2/persons', { name: 'Ada' })

test('each change is told with who made it and what was before, under Basic credentials', async () => {
  await addPerson()
  sandbox.edit('person', '1', { name: 'Bea' })
  await client.delete('/api/v2/persons/1')
  await client.post('/api/v2/organizations', { name: 'not subscribed' })
  await sandbox.deliverWebhooks()
  expect(received[0]?.authorization).toBe('Basic aG9vay11c2VyOmhvb2stcGFzcw==')
  expect(received.map(({ body }) => [body.meta['action'], body.meta['change_source']])).toEqual([
    ['create', 'api'],
    ['change', 'app'],
    ['delete', 'api'],
  ])
  expect(received[0]?.body.meta).toMatchObject({ entity: 'person', entity_id: '1', version: '2.0' })
  expect(received[1]?.body.previous).toMatchObject({ name: 'Ada' })
  expect(received[1]?.body.data).toMatchObject({ name: 'Bea' })
  expect(received[2]?.body.data).toBe(null)
})

test('a merge is told as a deletion and a change that name each other', async () => {
  sandbox.seed({ records: { person: [{ name: 'A' }, { name: 'B' }] } })
  await sandbox.deliverWebhooks()
  received = []
  sandbox.merge('person', '1', '2')
  await sandbox.deliverWebhooks()
  expect(received.map(({ body }) => body.meta)).toMatchObject([
    { action: 'delete', entity_id: '1', merged_to_id: '2', merged_from_id: '1' },
    { action: 'change', entity_id: '2', merged_to_id: '2', merged_from_id: '1' },
  ])
})

test('a delivery that fails comes again after 3, 30 and 150 seconds under the same id', async () => {
  answers = [500, 500, 500, 500]
  await addPerson()
  await sandbox.deliverWebhooks()
  for (const waitMs of [3000, 30_000, 150_000]) {
    nowMs += waitMs - 1
    expect(await sandbox.deliverWebhooks()).toEqual([])
    nowMs += 1
    await sandbox.deliverWebhooks()
  }
  expect(received.map(({ body }) => body.meta['attempt'])).toEqual([1, 2, 3, 4])
  expect(new Set(received.map(({ body }) => body.meta['id'])).size).toBe(1)
  expect(sandbox.pendingWebhooks()).toBe(0)
})

test('ten failures pause a subscription for half an hour, three days of them end it', async () => {
  answers = Array.from({ length: 100 }, () => 500)
  for (let i = 0; i < 11; i += 1) await addPerson()
  await sandbox.deliverWebhooks()
  expect(received).toHaveLength(10)
  nowMs += 29 * 60_000
  expect(await sandbox.deliverWebhooks()).toHaveLength(0)
  nowMs += 60_000
  expect((await sandbox.deliverWebhooks()).length).toBeGreaterThan(0)
  nowMs += 3 * 86_400_000
  await addPerson()
  await sandbox.deliverWebhooks()
  expect((await client.get('/v1/webhooks')).body['data']).toEqual([])
})

test('messages may come twice and in reverse', async () => {
  await addPerson()
  await addPerson()
  await sandbox.deliverWebhooks({ copies: 2, isReversed: true })
  expect(received.map(({ body }) => body.meta['entity_id'])).toEqual(['2', '2', '1', '1'])
})

test('left to itself the sandbox sends at once', async () => {
  sandbox.settings.sendsWebhooks = true
  await addPerson()
  await expect.poll(() => received.length).toBe(1)
  sandbox.settings.sendsWebhooks = false
})

test('a subscriber must be a URL with https, and one user has at most 40', async () => {
  const body = { event_action: '*', event_object: 'deal', name: 'N' }
  const subscribe = (url: string) => client.post('/v1/webhooks', { ...body, subscription_url: url })
  expect((await subscribe('nonsense')).status).toBe(400)
  expect((await subscribe('http://hub.example/hook')).status).toBe(403)
  for (let i = 1; i < 40; i += 1) {
    expect((await subscribe('https://hub.example/hook')).status).toBe(201)
  }
  expect((await subscribe('https://hub.example/hook')).status).toBe(422)
})
