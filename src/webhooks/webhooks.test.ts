import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sql } from 'kysely'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { expectProblem, ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'

interface Received {
  path: string
  body: string
  headers: Record<string, string>
}

/** What stands at the other end; `answer` decides what it says. Each test has a path of its own: what others left due stays out. */
let tests = 0
let received: Received[] = []
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
    if (!got.path.startsWith(path())) {
      response.writeHead(204).end()
      return
    }
    received.push(got)
    answer(got, response)
  })
})
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
const { port } = receiver.address() as AddressInfo
const path = (tail = '') => `/${tests}/${tail}`
const url = (tail: string) => `http://127.0.0.1:${port}${path(tail)}`

const clock = new ManualClock(new Date())
const hub = useHub({ clock, config: { egressAllow: [`127.0.0.1:${port}`] } })
let workspace: TestWorkspace

afterAll(() => new Promise((resolve) => receiver.close(resolve)))
beforeEach(async () => {
  tests += 1
  received = []
  answer = (_request, response) => response.writeHead(204).end()
  workspace = await hub.freshWorkspace()
})

async function endpoint(
  fields: Record<string, unknown> = {},
): Promise<{ id: string; secret: string; version: number }> {
  const made = await workspace.post('/api/v1/webhooks', {
    url: url('in'),
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
    received = []
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
    answer = (_request, response) => response.writeHead(302, { location: url('elsewhere') }).end()
    const { id } = await endpoint()
    await makeCampaign()
    await hub.settle()
    expect(received.map(({ path }) => path)).toEqual([path('in')])
    expect(await deliveries(id)).toMatchObject([{ state: 'pending', lastStatus: 302 }])
  })

  test('is given up after ten attempts, stays to be seen, and is replayed on request', async () => {
    answer = (_request, response) => response.writeHead(400).end()
    const { id } = await endpoint()
    await makeCampaign()
    await hub.settle()
    // The eight waits in between are the rules' own test.
    await hub.app.store.transaction(workspace.id, (tx) =>
      tx.execute(sql`update webhook_deliveries set attempts = 9 where endpoint_id = ${id}`),
    )
    await pass(DAY_MS)
    const [failed] = await deliveries(id)
    expect(failed).toMatchObject({ state: 'failed', attempts: 10, nextAttemptAt: null })
    await pass(DAY_MS)
    expect(received).toHaveLength(2)
    answer = (_request, response) => response.writeHead(204).end()
    const replay = await workspace.post(`/api/v1/webhooks/${id}/replay`, {
      messageIds: [failed!.messageId],
    })
    expect(replay.body).toEqual({ replayed: 1 })
    await pass(6 * SECOND_MS)
    expect(await deliveries(id)).toMatchObject([{ state: 'delivered' }])
  })

  test('given up is replayed from a moment until another, and no message outside', async () => {
    answer = (_request, response) => response.writeHead(400).end()
    const { id } = await endpoint()
    const at: string[] = []
    for (let day = 0; day < 4; day += 1) {
      at.push(clock.now().toISOString())
      await makeCampaign()
      await hub.settle()
      await hub.app.store.transaction(workspace.id, (tx) =>
        tx.execute(
          sql`update webhook_deliveries set attempts = 9 where endpoint_id = ${id} and state = 'pending'`,
        ),
      )
      await pass(DAY_MS)
    }
    const [last, third, second, first] = await deliveries(id)
    for (const { state } of [first!, second!, third!, last!]) expect(state).toBe('failed')
    const path = `/api/v1/webhooks/${id}/replay`
    expectProblem(
      await workspace.post(path, { since: at[2], until: at[1] }),
      422,
      'request.invalid',
    )
    expectProblem(await workspace.post(path, { until: at[1] }), 422, 'request.invalid')
    answer = (_request, response) => response.writeHead(204).end()
    const replay = await workspace.post(path, { since: at[1], until: at[3] })
    expect(replay.body).toEqual({ replayed: 2 })
    await pass(6 * SECOND_MS)
    const states = (await deliveries(id)).map(({ messageId, state }) => [messageId, state])
    expect(states).toEqual([
      [last!.messageId, 'failed'],
      [third!.messageId, 'delivered'],
      [second!.messageId, 'delivered'],
      [first!.messageId, 'failed'],
    ])
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
    await makeCampaign()
    await pass(0)
    await pass(4 * DAY_MS)
    expect((await workspace.get(`/api/v1/webhooks/${id}`)).body.state).toBe('enabled')
    await pass(2 * DAY_MS)
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

  test('is told only of what it wants, and of nothing of another workspace', async () => {
    await endpoint({ events: ['lead.created'] })
    const other = await hub.freshWorkspace()
    await other.post('/api/v1/webhooks', { url: url('other'), events: ['*'] })
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
      url: url('in'),
      events: ['lead.created', 'lead.exploded', 'cat.*'],
    })
    expectProblem(refused, 422, 'request.invalid')
    expect(refused.body.errors.map((fault: { pointer: string }) => fault.pointer)).toEqual([
      '/events/1',
      '/events/2',
    ])
  })
})

describe('beside an endpoint that hangs', () => {
  const busy = useHub({ config: { runJobs: true, egressAllow: [`127.0.0.1:${port}`] } })

  test('another is told at once', async () => {
    const held: ServerResponse[] = []
    answer = (request, response) => {
      if (request.path === path('hangs')) held.push(response)
      else response.writeHead(204).end()
    }
    const here = await busy.freshWorkspace()
    await here.post('/api/v1/webhooks', { url: url('hangs'), events: ['campaign.*'] })
    await here.post('/api/v1/webhooks', { url: url('quick'), events: ['campaign.*'] })
    await here.post('/api/v1/campaigns', { key: 'autumn', name: 'Autumn', channel: 'email' })
    const paths = () => received.map((request) => request.path).sort()
    await expect.poll(paths, { timeout: 20_000 }).toEqual([path('hangs'), path('quick')])
    const { body } = await here.get('/api/v1/webhooks')
    await expect
      .poll(
        async () =>
          (await here.get(`/api/v1/webhooks/${body.data[1].id}/deliveries`)).body.data[0].state,
        { timeout: 20_000 },
      )
      .toBe('delivered')
    expect(held).toHaveLength(1)
    for (const response of held) response.writeHead(204).end()
  })
})
