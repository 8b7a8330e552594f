import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { expectProblem, ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'

interface Received {
  path: string
  body: string
  headers: Record<string, string>
}

/** What stands at the other end; `answer` decides what it says. */
const received: Received[] = []
let answer: (request: Received, response: ServerResponse) => void
const receiver = createServer((request: IncomingMessage, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += String(chunk)))
  request.on('end', () => {
    const got = {
      path: request.url ?? '',
      body,
      headers: request.headers as Record<string, string>,
    }
    received.push(got)
    answer(got, response)
  })
})
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
const { port } = receiver.address() as AddressInfo
const url = (path: string) => `http://127.0.0.1:${port}${path}`

const clock = new ManualClock(new Date())
const hub = useHub({ clock, config: { egressAllow: [`127.0.0.1:${port}`] } })
let workspace: TestWorkspace

afterAll(() => new Promise((resolve) => receiver.close(resolve)))
beforeEach(async () => {
  received.length = 0
  answer = (_request, response) => response.writeHead(204).end()
  workspace = await hub.freshWorkspace()
})

async function endpoint(
  fields: Record<string, unknown> = {},
): Promise<{ id: string; secret: string; version: number }> {
  const made = await workspace.post('/api/v1/webhooks', {
    url: url('/in'),
    events: ['campaign.*'],
    ...fields,
  })
  expect(made.status).toBe(201)
  return made.body
}

let campaigns = 0
const makeCampaign = () =>
  workspace.post('/api/v1/campaigns', {
    key: `campaign-${(campaigns += 1)}`,
    name: 'Autumn',
    channel: 'email',
  })

/** Lets time pass and everything that is due happen. */
async function pass(durationMs: number): Promise<void> {
  clock.advance(durationMs)
  await hub.app.jobs.tick()
  await hub.settle()
}

const deliveries = async (id: string) =>
  (await workspace.get(`/api/v1/webhooks/${id}/deliveries`)).body.data as {
    messageId: string
    state: string
    attempts: number
    lastStatus: number | null
    nextAttemptAt: string | null
  }[]

describe('a message', () => {
  test('is taken by the reference library, and only with its own secret', async () => {
    const { secret, id } = await endpoint()
    const { body: campaign } = await makeCampaign()
    await hub.settle()
    expect(received).toHaveLength(1)
    const [{ body, headers } = received[0]!] = received
    const payload = new Webhook(secret).verify(body, headers)
    expect(payload).toMatchObject({ type: 'campaign.created', data: { id: campaign.id } })
    const other = await endpoint()
    expect(() => new Webhook(other.secret).verify(body, headers)).toThrow()
    expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow()
    expect(await deliveries(id)).toMatchObject([
      { state: 'delivered', attempts: 1, lastStatus: 204 },
    ])
  })

  test('carries signatures by both secrets for a day after the secret was changed', async () => {
    const { secret, id } = await endpoint()
    const rotated = await workspace.post(`/api/v1/webhooks/${id}/rotate-secret`, {})
    await makeCampaign()
    await hub.settle()
    const { body, headers } = received[0]!
    expect(new Webhook(secret).verify(body, headers)).toBeTruthy()
    expect(new Webhook(rotated.body.secret as string).verify(body, headers)).toBeTruthy()
    await pass(DAY_MS + SECOND_MS)
    received.length = 0
    await makeCampaign()
    await hub.settle()
    expect(received[0]!.headers['webhook-signature']!.split(' ')).toHaveLength(1)
  })

  test('keeps its id and its bytes over retries, and comes until it is taken', async () => {
    answer = (_request, response) => response.writeHead(500).end()
    const { id } = await endpoint()
    await makeCampaign()
    await hub.settle()
    await pass(10 * SECOND_MS)
    answer = (_request, response) => response.writeHead(200).end('thanks')
    await pass(6 * MINUTE_MS)
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(received.map(({ body }) => body)).size).toBe(1)
    expect(received).toHaveLength(3)
    expect(await deliveries(id)).toMatchObject([{ state: 'delivered', attempts: 3 }])
    const [{ messageId } = { messageId: '' }] = await deliveries(id)
    const { body } = await workspace.get(`/api/v1/webhooks/${id}/deliveries/${messageId}`)
    expect(body.log.map((line: { status: number }) => line.status)).toEqual([200, 500, 500])
    await pass(DAY_MS)
    expect(received).toHaveLength(3)
  })

  test('is never sent on to where a redirect points', async () => {
    answer = (_request, response) => response.writeHead(302, { location: url('/elsewhere') }).end()
    const { id } = await endpoint()
    await makeCampaign()
    await hub.settle()
    expect(received.map(({ path }) => path)).toEqual(['/in'])
    expect(await deliveries(id)).toMatchObject([{ state: 'pending', lastStatus: 302 }])
  })

  test('is given up after ten attempts, stays to be seen, and is replayed on request', async () => {
    answer = (_request, response) => response.writeHead(400).end()
    const { id } = await endpoint()
    // Another one gets through now and then, so that the endpoint stays on.
    await makeCampaign()
    await hub.settle()
    for (let i = 0; i < 12; i += 1) {
      await pass(26 * HOUR_MS)
      answer = ({ body }, response) =>
        response.writeHead(body.includes('webhook.test') ? 204 : 400).end()
      await workspace.post(`/api/v1/webhooks/${id}/test`, {})
      await pass(6 * SECOND_MS)
    }
    const all = await deliveries(id)
    const failed = all.filter(({ state }) => state === 'failed')
    expect(failed).toMatchObject([{ attempts: 10, nextAttemptAt: null }])
    answer = (_request, response) => response.writeHead(204).end()
    const replay = await workspace.post(`/api/v1/webhooks/${id}/replay`, {
      messageIds: [failed[0]!.messageId],
    })
    expect(replay.body).toEqual({ replayed: 1 })
    await pass(6 * SECOND_MS)
    expect((await deliveries(id)).every(({ state }) => state === 'delivered')).toBe(true)
  })

  test('to a chat system is one line of text, in which nobody can be called by a value', async () => {
    await endpoint({ format: 'slack', events: ['*'] })
    await makeCampaign()
    await hub.settle()
    const { text } = JSON.parse(received[0]!.body) as { text: string }
    expect(text).toMatch(/^\*campaign\.created\*/)
    expect(text).not.toContain('<')
  })
})

describe('an endpoint', () => {
  test('that answers 410 is switched off at once; switched on again it gets what it missed', async () => {
    answer = (_request, response) => response.writeHead(410).end()
    const { id } = await endpoint()
    await makeCampaign()
    await hub.settle()
    const { body } = await workspace.get(`/api/v1/webhooks/${id}`)
    expect(body).toMatchObject({ state: 'disabled', pending: 1 })
    await makeCampaign()
    await pass(DAY_MS)
    expect(received).toHaveLength(1)
    answer = (_request, response) => response.writeHead(204).end()
    await workspace.patch(`/api/v1/webhooks/${id}`, { state: 'enabled' })
    await pass(6 * SECOND_MS)
    expect(await deliveries(id)).toMatchObject([{ state: 'delivered' }, { state: 'delivered' }])
    expect(await workspace.auditActions()).toContain('webhook.disabled')
  })

  test('that nothing reached for five days is switched off with the reason', async () => {
    answer = (_request, response) => response.writeHead(503).end()
    const { id } = await endpoint()
    for (let day = 0; day < 7; day += 1) {
      await makeCampaign()
      await pass(DAY_MS)
    }
    const { body } = await workspace.get(`/api/v1/webhooks/${id}`)
    expect(body).toMatchObject({ state: 'disabled', disabledReason: /five days/ })
  })

  test('that asks for fewer requests gets none until the time it named', async () => {
    answer = (_request, response) => response.writeHead(429, { 'retry-after': '3600' }).end()
    await endpoint()
    await makeCampaign()
    await hub.settle()
    await makeCampaign()
    await pass(30 * MINUTE_MS)
    const before = received.length
    await pass(20 * MINUTE_MS)
    expect(received.length).toBeLessThanOrEqual(before + 1)
    answer = (_request, response) => response.writeHead(204).end()
    await pass(2 * HOUR_MS)
    expect(received.at(-1)!.body).toContain('campaign.created')
  })

  test('that hangs keeps nobody else waiting', async () => {
    const held: ServerResponse[] = []
    answer = ({ path }, response) => {
      if (path === '/hangs') held.push(response)
      else response.writeHead(204).end()
    }
    await endpoint({ url: url('/hangs') })
    const quick = await endpoint({ url: url('/quick') })
    await makeCampaign()
    const settled = hub.settle()
    await expect
      .poll(async () => (await deliveries(quick.id))[0]?.state, { timeout: 10_000 })
      .toBe('delivered')
    expect(held).toHaveLength(1)
    for (const response of held) response.writeHead(204).end()
    await settled
  })

  test('is told only of what it wants, and of nothing of another workspace', async () => {
    await endpoint({ events: ['lead.created'] })
    const other = await hub.freshWorkspace()
    await other.post('/api/v1/webhooks', { url: url('/other'), events: ['*'] })
    await makeCampaign()
    await hub.settle()
    expect(received).toEqual([])
  })

  test.each([
    ['http://example.com/in', /https/],
    ['https://127.0.0.1/in', /not public/],
    ['https://[::1]/in', /not public/],
    ['https://[::ffff:10.0.0.1]/in', /not public/],
    ['https://169.254.169.254/latest', /not public/],
    ['https://0x7f000001/in', /not public/],
    ['https://2130706433/in', /not public/],
    ['https://user:secret@example.com/', /user name/],
    ['gopher://example.com/', /https/],
    ['nonsense', /not a URL/],
  ])('at %s is refused when it is made', async (address, reason) => {
    const refused = await workspace.post('/api/v1/webhooks', { url: address, events: ['*'] })
    expectProblem(refused, 422, 'webhook.address_refused')
    expect(refused.body.detail).toMatch(reason)
  })

  test('that wants an event which does not exist is refused with its place in the list', async () => {
    const refused = await workspace.post('/api/v1/webhooks', {
      url: url('/in'),
      events: ['lead.created', 'lead.exploded', 'cat.*'],
    })
    expectProblem(refused, 422, 'request.invalid')
    expect(refused.body.errors.map((fault: { pointer: string }) => fault.pointer)).toEqual([
      '/events/1',
      '/events/2',
    ])
  })
})

test('every event that an operation tells of can be subscribed to, or is a matter of the hub itself', async () => {
  const { webhookEvents } = await import('./webhook-events.ts')
  const own =
    /^(api_key|channel|connection\.(created|updated|deleted)|stream|sync\.(errors_\w+|run_requested)|import\.(queued|cancelled)|owner|routing|scoring|attribution)(\.|$)/
  const untold = hub.app.operations.flatMap(({ event }) =>
    event === undefined || event in webhookEvents || own.test(event) ? [] : [event],
  )
  expect(untold).toEqual([])
})
