import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'
import { passTime } from '#tests/pass-time.ts'
import { startReceiver } from '#tests/receiver.ts'
import { startSmtp } from '#tests/smtp.ts'

const smtp = await startSmtp()
const receiver = await startReceiver()
const clock = new ManualClock(new Date('2026-11-02T08:00:00Z'))
const hub = useHub({
  clock,
  config: {
    egressAllow: [receiver.host],
    smtpUrl: smtp.url,
    mailFrom: 'Throughline <alerts@hub.example>',
  },
})
let sandbox: HubspotSandbox
let workspace: TestWorkspace

beforeAll(async () => {
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
})
afterAll(async () => {
  await Promise.all([sandbox.stop(), smtp.stop(), receiver.close()])
})
beforeEach(async () => {
  // What an earlier test's workspace still connects to is gone with its channels.
  for (const path of ['/api/v1/alerts/channels', '/api/v1/connections']) {
    const { body } = workspace ? await workspace.get(path) : { body: { data: [] } }
    for (const { id } of body.data) await workspace.delete(`${path}/${id}`)
  }
  sandbox.liftFaults()
  smtp.mails.length = 0
  smtp.refuse = () => null
  receiver.posts.length = 0
  receiver.answer = (_post, response) => response.writeHead(204).end()
  workspace = await hub.freshWorkspace()
})

/** Runs begin in a tick and are looked at in the next. */
const pass = (durationMs: number, stepMs: number) => passTime(hub, clock, durationMs, stepMs)

async function connect(): Promise<string> {
  const settings = { baseUrl: sandbox.url, token: sandbox.token }
  const made = await workspace.post('/api/v1/connections', {
    vendor: 'hubspot',
    name: 'CRM',
    settings,
  })
  expect(made.status, made.text).toBe(201)
  await pass(30 * MINUTE_MS, 10 * MINUTE_MS)
  return made.body.id
}

async function channel(fields: Record<string, unknown>): Promise<{ id: string; secret: string }> {
  const made = await workspace.post('/api/v1/alerts/channels', fields)
  expect(made.status, made.text).toBe(201)
  return made.body
}

async function threeChannels() {
  await channel({ name: 'Mail', kind: 'email', to: ['ops@customer.example'] })
  await channel({ name: 'Chat', kind: 'slack', url: receiver.url('/chat') })
  return channel({ name: 'Pager', kind: 'webhook', url: receiver.url('/pager') })
}

const alerts = async (status = 'open') =>
  (await workspace.get(`/api/v1/alerts?status=${status}`)).body.data as {
    id: string
    watch: string
    state: string
    openings: number
    messages: { delivered: number; pending: number; failed: number; lastError: string | null }
  }[]
const postsTo = (path: string) => receiver.posts.filter((post) => post.path === path)

test('a connection that is broken for three days is told of twice on every channel: when it breaks and when it works again', async () => {
  await connect()
  const { secret } = await threeChannels()
  sandbox.down({}, { kind: 'status', status: 403 })
  await pass(3 * DAY_MS, 2 * HOUR_MS)
  expect(await alerts()).toMatchObject([{ watch: 'sync.connection_failing', openings: 1 }])
  sandbox.liftFaults()
  await pass(2 * DAY_MS, 4 * HOUR_MS)
  expect(await alerts()).toEqual([])

  expect(smtp.mails.map(({ headers }) => headers['subject'])).toEqual([
    expect.stringMatching(/^\[Test\] Firing: Runs of CRM end with a fault/),
    expect.stringMatching(/^\[Test\] Resolved: Runs of CRM end with a fault/),
  ])
  expect(smtp.mails[0]).toMatchObject({
    from: 'alerts@hub.example',
    to: ['ops@customer.example'],
    headers: { 'auto-submitted': 'auto-generated' },
  })
  expect(new Set(smtp.mails.map(({ headers }) => headers['message-id'])).size).toBe(2)
  expect(new Set(smtp.mails.map(({ headers }) => headers['references'])).size).toBe(1)

  const chat = postsTo('/chat').map(({ body }) => JSON.parse(body))
  expect(chat.map(({ text }) => text)).toEqual([
    expect.stringContaining('Firing: A connection fails'),
    expect.stringContaining('Resolved: A connection fails'),
  ])
  expect(chat[0].blocks[0]).toMatchObject({ type: 'section', text: { type: 'mrkdwn' } })

  const told = postsTo('/pager').map(({ body, headers }) => {
    // The clock of the test is not today's, which is all that the reference library would take to verify.
    const at = new Date(Number(headers['webhook-timestamp']) * SECOND_MS)
    const signature = new Webhook(secret).sign(headers['webhook-id'] ?? '', at, body)
    expect(headers['webhook-signature']).toBe(signature)
    return JSON.parse(body)
  })
  expect(told).toMatchObject([
    { type: 'alert.firing', data: { watch: 'sync.connection_failing', resolvedAt: null } },
    { type: 'alert.resolved', data: { resolvedAt: expect.any(String) } },
  ])
  const ids = told.map(({ data }) => data.id)
  expect(new Set(ids).size).toBe(1)
  expect(await alerts('resolved')).toMatchObject([{ id: ids[0], messages: { delivered: 6 } }])
})

test('a login that runs out is told of once, and once that somebody signed in anew', async () => {
  const id = await connect()
  await channel({ name: 'Pager', kind: 'webhook', url: receiver.url('/pager') })
  sandbox.failNext({ kind: 'expire-token' })
  await workspace.post(`/api/v1/connections/${id}/runs`, {})
  await hub.settle()
  await pass(DAY_MS, 2 * HOUR_MS)
  await workspace.patch(`/api/v1/connections/${id}`, { settings: { token: sandbox.token } })
  await pass(4 * HOUR_MS, HOUR_MS)
  expect(receiver.posts.map(({ body }) => JSON.parse(body))).toMatchObject([
    { type: 'alert.firing', data: { watch: 'sync.login_needed' } },
    { type: 'alert.resolved', data: { watch: 'sync.login_needed' } },
  ])
})

test('a month of normal days says nothing', async () => {
  await connect()
  await channel({
    name: 'Pager',
    kind: 'webhook',
    url: receiver.url('/pager'),
    minSeverity: 'info',
  })
  for (let day = 0; day < 30; day += 1) {
    if (day % 7 === 0) await workADay(day)
    await pass(DAY_MS, 8 * HOUR_MS)
  }
  const { data: runs } = (await workspace.get('/api/v1/sync/runs?limit=500')).body
  const daily = runs.filter(({ cause }: { cause: string }) => cause !== 'change')
  expect(daily.length).toBeGreaterThanOrEqual(30)
  expect(await alerts('all')).toEqual([])
  expect(receiver.posts).toEqual([])
})

/** A lead comes in, and whoever has to follow up does. */
async function workADay(day: number): Promise<void> {
  const lead = { email: `person${day}@example.com` }
  const made = await workspace.post('/api/v1/integrations/sales/leads', lead)
  expect(made.status, made.text).toBeLessThan(300)
  const { data: tasks } = (await workspace.get('/api/v1/tasks?state=open')).body
  for (const { id } of tasks) await workspace.patch(`/api/v1/tasks/${id}`, { state: 'done' })
}

describe('a destination that is down', () => {
  test('gets its message once it is up again, once, and shows meanwhile on the alert', async () => {
    const id = await connect()
    await channel({ name: 'Mail', kind: 'email', to: ['ops@customer.example'] })
    await smtp.stop()
    sandbox.failNext({ kind: 'expire-token' })
    await workspace.post(`/api/v1/connections/${id}/runs`, {})
    await hub.settle()
    await pass(10 * MINUTE_MS, MINUTE_MS)
    const [waiting] = await alerts()
    expect(waiting).toMatchObject({
      messages: { delivered: 0, pending: 1, failed: 0, lastError: 'ESOCKET' },
    })
    await smtp.start()
    await pass(6 * HOUR_MS, HOUR_MS)
    expect(smtp.mails).toHaveLength(1)
    expect(await alerts()).toMatchObject([{ messages: { delivered: 1, lastError: null } }])
  })

  test('keeps id and bytes over the attempts, and hears of the beginning before it hears of the end', async () => {
    const id = await connect()
    await channel({ name: 'Pager', kind: 'webhook', url: receiver.url('/pager') })
    receiver.answer = (_post, response) => response.writeHead(500).end()
    sandbox.failNext({ kind: 'expire-token' })
    await workspace.post(`/api/v1/connections/${id}/runs`, {})
    await hub.settle()
    await pass(10 * MINUTE_MS, MINUTE_MS)
    await workspace.patch(`/api/v1/connections/${id}`, { settings: { token: sandbox.token } })
    await pass(HOUR_MS, 10 * MINUTE_MS)
    const attempts = receiver.posts.length
    expect(attempts).toBeGreaterThan(1)
    expect(new Set(receiver.posts.map(({ body }) => body)).size).toBe(1)
    receiver.answer = (_post, response) => response.writeHead(204).end()
    await pass(4 * HOUR_MS, 30 * MINUTE_MS)
    const taken = receiver.posts.slice(attempts).map(({ body }) => JSON.parse(body).type)
    expect(taken).toEqual(['alert.firing', 'alert.resolved'])
    expect(new Set(receiver.posts.map(({ headers }) => headers['webhook-id'])).size).toBe(2)
  })

  test('is given up after days, stays to be seen, is told of elsewhere, and gets it on request', async () => {
    const id = await connect()
    const pager = await channel({ name: 'Pager', kind: 'webhook', url: receiver.url('/pager') })
    await channel({ name: 'Mail', kind: 'email', to: ['ops@customer.example'] })
    receiver.answer = (_post, response) => response.writeHead(500).end()
    sandbox.failNext({ kind: 'expire-token' })
    await workspace.post(`/api/v1/connections/${id}/runs`, {})
    await hub.settle()
    await pass(6 * DAY_MS, 6 * HOUR_MS)
    const open = await alerts()
    expect(open.map(({ watch }) => watch).sort()).toEqual([
      'alerts.channel_failing',
      'sync.login_needed',
    ])
    const login = open.find(({ watch }) => watch === 'sync.login_needed')
    expect(login?.messages).toMatchObject({
      delivered: 1,
      failed: 1,
      lastError: 'It answered 500.',
    })
    expect(smtp.mails.map(({ headers }) => headers['subject'])).toEqual([
      expect.stringContaining('CRM does not accept'),
      expect.stringContaining('channel Pager'),
    ])
    receiver.answer = (_post, response) => response.writeHead(204).end()
    receiver.posts.length = 0
    const retried = await workspace.post(`/api/v1/alerts/channels/${pager.id}/retry`, {})
    expect(retried.body).toEqual({ retried: 1 })
    await pass(6 * SECOND_MS, 6 * SECOND_MS)
    expect(receiver.posts.map(({ body }) => JSON.parse(body).data.watch)).toEqual([
      'sync.login_needed',
    ])
  })

  test('that says it is gone is switched off and told of, and keeps what it is owed', async () => {
    const pager = await channel({ name: 'Pager', kind: 'webhook', url: receiver.url('/pager') })
    receiver.answer = (_post, response) => response.writeHead(410).end()
    await workspace.post(`/api/v1/alerts/channels/${pager.id}/test`, {})
    await pass(2 * MINUTE_MS, MINUTE_MS)
    const { body } = await workspace.get(`/api/v1/alerts/channels/${pager.id}`)
    expect(body).toMatchObject({ state: 'disabled', disabledReason: /410/, pending: 1 })
    expect(await alerts()).toMatchObject([{ watch: 'alerts.channel_failing' }])
    expect(await workspace.auditActions()).toContain('alertChannel.disabled')
    receiver.answer = (_post, response) => response.writeHead(204).end()
    await workspace.patch(`/api/v1/alerts/channels/${pager.id}`, { state: 'enabled' })
    await pass(2 * MINUTE_MS, MINUTE_MS)
    expect(receiver.posts.map(({ body }) => JSON.parse(body).type)).toEqual([
      'alert.test',
      'alert.test',
    ])
    expect(await alerts()).toEqual([])
  })

  test('of which one address is refused still counts as reached, and the refusal shows', async () => {
    smtp.refuse = (address) => (address.startsWith('gone@') ? '550 No such mailbox' : null)
    const to = ['ops@customer.example', 'gone@customer.example']
    const mail = await channel({ name: 'Mail', kind: 'email', to })
    await workspace.post(`/api/v1/alerts/channels/${mail.id}/test`, {})
    await pass(6 * SECOND_MS, 6 * SECOND_MS)
    expect(smtp.mails.map((one) => one.to)).toEqual([['ops@customer.example']])
    smtp.refuse = () => '550 No such mailbox'
    await workspace.post(`/api/v1/alerts/channels/${mail.id}/test`, {})
    await pass(6 * SECOND_MS, 6 * SECOND_MS)
    const { body } = await workspace.get(`/api/v1/alerts/channels/${mail.id}`)
    expect(body).toMatchObject({ pending: 1, lastError: 'EENVELOPE' })
    expect(JSON.stringify(body.lastError)).not.toContain('customer')
  })
})
