import { createServer, request as forward, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { Analytics } from '@segment/analytics-node'
import RudderAnalytics from '@rudderstack/rudder-sdk-node'
import { sql } from 'kysely'
import { afterEach, expect, test } from 'vitest'
import { useHub, type TestWorkspace } from '#tests/hub.ts'

const hub = useHub()
const scopes = [
  'touchpoints:write',
  'touchpoints:read',
  'people:read',
  'people:reveal',
  'consents:write',
]
const freshWorkspace = () => hub.freshWorkspace({ scopes })

const basic = (key: string) => `Basic ${Buffer.from(`${key}:`).toString('base64')}`

async function send(path: string, body: unknown, headers: Record<string, string> = {}) {
  const raw = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const answer = await fetch(hub.url + path, { method: 'POST', body: raw, headers })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

interface Kept {
  kind: string
  channel: string
  personId: string
}

async function touchesOf(workspace: TestWorkspace): Promise<Kept[]> {
  const { body } = await workspace.get('/api/v1/touchpoints?limit=500')
  return body.data
}

async function quarantineOf(
  workspace: TestWorkspace,
): Promise<{ reason: string; payload: unknown }[]> {
  const { body } = await workspace.get('/api/v1/quarantined-events?limit=500')
  return body.data
}

const track = (n: number) => ({ type: 'track', event: 'Click', userId: 'u1', messageId: `m${n}` })

// A gateway in front of the hub that misbehaves as told: what it does with the n-th delivery.
type Fault = 'answer lost' | 'refuse 503' | 'refuse 429' | 'pass'
let gateway: Server | null = null
let deliveries = 0

async function startFaultyGateway(faults: Fault[]): Promise<string> {
  deliveries = 0
  gateway = createServer((incoming, outgoing) => {
    const fault = faults[deliveries] ?? 'pass'
    deliveries += 1
    if (fault === 'refuse 503') outgoing.writeHead(503).end()
    else if (fault === 'refuse 429') outgoing.writeHead(429, { 'retry-after': '1' }).end()
    else {
      const { method, url, headers } = incoming
      const onward = forward(hub.url + url!, { method: method!, headers }, (answer) => {
        if (fault === 'answer lost') {
          answer.resume().on('end', () => incoming.socket.destroy())
          return
        }
        outgoing.writeHead(answer.statusCode!, answer.headers)
        answer.pipe(outgoing)
      })
      incoming.pipe(onward)
    }
  })
  await new Promise<void>((resolve) => void gateway!.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`
}

afterEach(() => {
  gateway?.closeAllConnections()
  gateway?.close()
  gateway = null
})

test('the official Segment library sends all six kinds of events, and each does what it is for', async () => {
  const workspace = await freshWorkspace()
  const errors: unknown[] = []
  const analytics = new Analytics({ writeKey: workspace.key, host: hub.url, flushAt: 100 })
  analytics.on('error', (error) => errors.push(error))
  const context = { campaign: { source: 'google', medium: 'cpc', name: 'spring' } }
  analytics.page({
    anonymousId: 'a1',
    name: 'Home',
    properties: { url: 'https://x.example/' },
    context,
  })
  analytics.screen({ anonymousId: 'a1', name: 'Start' })
  analytics.identify({ userId: 'u1', traits: { email: 'ada@example.com', firstName: 'Ada' } })
  analytics.alias({ userId: 'u1', previousId: 'a1' })
  analytics.track({ userId: 'u1', event: 'Signed Up', properties: { plan: 'pro' } })
  analytics.group({ userId: 'u1', groupId: 'g1', traits: { name: 'Acme' } })
  await analytics.closeAndFlush()
  expect(errors).toEqual([])
  const touches = await touchesOf(workspace)
  expect(touches.map(({ kind, channel }) => [kind, channel])).toEqual(
    expect.arrayContaining([
      ['page_view', 'paid_search'],
      ['screen_view', 'unknown'],
      ['signed_up', 'unknown'],
    ]),
  )
  expect(new Set(touches.map(({ personId }) => personId)).size).toBe(1)
  const { body: person } = await workspace.get(`/api/v1/people/${touches[0]!.personId}`)
  expect(person).toMatchObject({ email: 'ada@example.com', firstName: 'Ada', company: 'Acme' })
  const { body: people } = await workspace.get('/api/v1/people')
  expect(people.data).toHaveLength(1)
})

test('a delivery whose answer was lost is sent again by the library and counted once', async () => {
  const workspace = await freshWorkspace()
  const host = await startFaultyGateway(['answer lost', 'refuse 503', 'refuse 429', 'pass'])
  const errors: unknown[] = []
  const analytics = new Analytics({ writeKey: workspace.key, host, flushAt: 3, maxRetries: 5 })
  analytics.on('error', (error) => errors.push(error))
  for (let i = 0; i < 3; i += 1) analytics.track({ userId: 'u1', event: `Event ${i}` })
  await analytics.closeAndFlush()
  expect(errors).toEqual([])
  expect(deliveries).toBe(4)
  expect(await touchesOf(workspace)).toHaveLength(3)
})

test('a wrong write key is refused with 401, which the library reports and does not repeat', async () => {
  const errors: { reason?: unknown }[] = []
  const host = await startFaultyGateway([])
  const analytics = new Analytics({ writeKey: 'wrong', host, flushAt: 1, maxRetries: 3 })
  analytics.on('error', (error) => errors.push(error as object))
  analytics.track({ userId: 'u1', event: 'x' })
  await analytics.closeAndFlush()
  expect(errors).toHaveLength(1)
  expect(String(errors[0]!.reason)).toContain('401')
  expect(deliveries).toBe(1)
})

test.each([true, false])(
  'the official RudderStack library sends its events, gzip %s',
  async (gzip) => {
    const workspace = await freshWorkspace()
    const rudder = new RudderAnalytics(workspace.key, {
      dataPlaneUrl: hub.url,
      gzip,
      flushAt: 100,
      flushInterval: 600_000,
      logLevel: 'none',
    })
    // The library sends its first event at once and the rest at the flush; it calls back for each.
    const outcomes: unknown[] = []
    const settled = Promise.withResolvers<void>()
    const done = (...given: unknown[]) => {
      if (outcomes.push(given[0]) === 3) settled.resolve()
    }
    rudder.identify({ userId: 'u1', traits: { email: 'ada@example.com' } }, done)
    rudder.track({ userId: 'u1', event: 'Order Completed', properties: { total: 10 } }, done)
    rudder.page({ anonymousId: 'a2', name: 'Home' }, done)
    await rudder.flush()
    await settled.promise
    expect(outcomes).toEqual([undefined, undefined, undefined])
    const touches = await touchesOf(workspace)
    expect(touches.map(({ kind }) => kind).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'order_completed',
      'page_view',
    ])
    const { body } = await workspace.get('/api/v1/people?email=ada%40example.com')
    expect(body.data).toHaveLength(1)
  },
)

test('each path of the browser library takes one event as text, with the key in the body or the header', async () => {
  const workspace = await freshWorkspace()
  const text = { 'content-type': 'text/plain' }
  const event = { anonymousId: 'a1', writeKey: workspace.key, context: {} }
  const answers = [
    await send('/v1/p', { ...event, messageId: 'p' }, text),
    await send('/v1/t', { ...event, messageId: 't', event: 'Click' }, text),
    await send('/v1/s', { ...event, messageId: 's' }, text),
    await send('/v1/i', { ...event, traits: { plan: 'pro' } }, text),
    await send('/v1/g', { ...event, groupId: 'g1' }, text),
    await send('/v1/a', { ...event, userId: 'u1', previousId: 'a1' }, text),
    await send('/v1/b', {
      writeKey: workspace.key,
      batch: [{ ...event, type: 'page', messageId: 'b' }],
    }),
    await send('/v1/track', track(1), { authorization: basic(workspace.key) }),
    await send('/v1/page', { userId: 'u1' }, { authorization: `Bearer ${workspace.key}` }),
    await send('/v1/m', { series: [] }, text),
  ]
  for (const answer of answers) {
    expect([answer.status, answer.text]).toEqual([200, '{"success":true}'])
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  }
  const kinds = (await touchesOf(workspace)).map(({ kind }) => kind)
  expect(kinds.toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
    'click',
    'click',
    'page_view',
    'page_view',
    'page_view',
    'screen_view',
  ])
})

test('browsers may send from any site: the pre-flight says so, also a refusal can be read', async () => {
  const preflight = await fetch(`${hub.url}/v1/t`, { method: 'OPTIONS' })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-headers')).toContain('x-retry-count')
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
  const refused = await send('/v1/t', { writeKey: 'wrong', event: 'x' })
  expect(refused.status).toBe(401)
  expect(refused.headers.get('access-control-allow-origin')).toBe('*')
  const settings = await fetch(`${hub.url}/v1/projects/KEY/settings`)
  expect(await settings.json()).toEqual({
    integrations: {
      'Segment.io': { apiKey: 'KEY', apiHost: `${new URL(hub.url).host}/v1`, protocol: 'http' },
    },
  })
})

test('events that cannot be used are set aside with the reason, the rest of the batch counts', async () => {
  const workspace = await freshWorkspace()
  const big = { ...track(2), properties: { text: 'x'.repeat(33_000) } }
  const deep = `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
  const events = [track(1), { type: 'page' }, big, 'nonsense', null].map((e) => JSON.stringify(e))
  const body = `{"batch":[${[...events, deep].join(',')}]}`
  const answer = await send('/v1/batch', body, { authorization: basic(workspace.key) })
  expect([answer.status, answer.text]).toEqual([200, '{"success":true}'])
  expect(await touchesOf(workspace)).toHaveLength(1)
  const aside = await quarantineOf(workspace)
  expect(aside).toHaveLength(5)
  expect(aside.map(({ payload }) => payload)).toContainEqual({ type: 'page' })
})

test('what is no delivery is refused: no JSON, no batch, too many, too large, a bomb', async () => {
  const workspace = await freshWorkspace()
  const headers = { authorization: basic(workspace.key) }
  const gzipped = { ...headers, 'content-encoding': 'gzip' }
  const statusOf = async (
    body: unknown,
    more: Record<string, string> = headers,
    path = '/v1/batch',
  ) => (await send(path, body, more)).status
  expect(await statusOf('{"batch":[')).toBe(400)
  expect(await statusOf('')).toBe(400)
  expect(await statusOf('[]')).toBe(400)
  expect(await statusOf({ events: [] })).toBe(400)
  const many = Array.from({ length: 2501 }, (_, i) => ({ type: 'page', userId: `u${i}` }))
  expect(await statusOf({ batch: many })).toBe(413)
  expect(await statusOf({ batch: ['x'.repeat(600_000)] })).toBe(413)
  expect(await statusOf(gzipSync(Buffer.alloc(50_000_000, ' ')), gzipped)).toBe(413)
  expect(await statusOf('no gzip', gzipped)).toBe(400)
  expect(await statusOf({ ...track(1), text: 'x'.repeat(33_000) }, headers, '/v1/track')).toBe(413)
  expect(await statusOf({ batch: many.slice(1) })).toBe(200)
  const reader = await workspace.withKey({ scopes: ['people:read'] })
  expect(await statusOf({ batch: [] }, { authorization: basic(reader.key) })).toBe(403)
  expect(await statusOf({ batch: [] }, {})).toBe(401)
})

test('half of Unicode and NUL in every field are kept or cleaned, never a failure', async () => {
  const workspace = await freshWorkspace()
  const nasty = 'a\u0000b\ud800'
  const context = {
    campaign: { source: nasty, name: nasty },
    page: { url: nasty, referrer: nasty },
  }
  const batch = [
    { type: 'identify', userId: nasty, traits: { email: nasty, [nasty]: nasty } },
    {
      type: 'track',
      userId: nasty,
      event: nasty,
      messageId: nasty,
      context,
      properties: { nasty },
    },
    { type: 'page', anonymousId: nasty, name: nasty, context },
  ]
  const answer = await send('/v1/batch', { batch }, { authorization: basic(workspace.key) })
  expect(answer.status).toBe(200)
  expect(await touchesOf(workspace)).toHaveLength(2)
})

test('consent is taken from a key that may record it, and from no other', async () => {
  const workspace = await freshWorkspace()
  const identify = {
    type: 'identify',
    userId: 'u1',
    traits: { email: 'ada@example.com', unsubscribed: true },
  }
  const browser = await workspace.withKey({ scopes: ['touchpoints:write'] })
  const effective = async () => {
    const { body } = await workspace.get('/api/v1/people?email=ada%40example.com')
    const { body: person } = await workspace.get(`/api/v1/people/${body.data[0].id}`)
    return person.consents.effective.map(({ status }: { status: string }) => status)
  }
  await send('/v1/batch', { batch: [identify] }, { authorization: basic(browser.key) })
  expect(await effective()).toEqual([])
  await send('/v1/batch', { batch: [identify] }, { authorization: basic(workspace.key) })
  expect(await effective()).toEqual(['withdrawn'])
})

test('an alias between two accounts joins nobody and is filed for a decision', async () => {
  const workspace = await freshWorkspace()
  const authorization = basic(workspace.key)
  const batch = ['u1', 'u2'].map((userId) => ({ type: 'page', userId, messageId: userId }))
  await send('/v1/batch', { batch }, { authorization })
  await send('/v1/alias', { userId: 'u2', previousId: 'u1' }, { authorization })
  const { body } = await workspace.get('/api/v1/identity-conflicts')
  expect(body.data).toMatchObject([{ kinds: ['user_id'], state: 'open' }])
  const people = new Set((await touchesOf(workspace)).map(({ personId }) => personId))
  expect(people.size).toBe(2)
})

test('a delivery leaves its events in the outbox and one line in the audit log', async () => {
  const workspace = await freshWorkspace()
  const batch = [track(1), track(2), { type: 'page' }]
  await send('/v1/batch', { batch }, { authorization: basic(workspace.key) })
  await send('/v1/batch', { batch }, { authorization: basic(workspace.key) })
  const told = await hub.app.store.system((tx) =>
    tx.query(sql<{ event: string }>`
      select event from outbox where workspace_id = ${workspace.id} order by seq`),
  )
  expect(told.map(({ event }) => event)).toEqual([
    'person.created',
    'touchpoint.recorded',
    'touchpoint.recorded',
  ])
  expect(await workspace.auditActions()).toEqual(['trackEvents', 'trackEvents'])
})
