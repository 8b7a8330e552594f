import { sql } from 'kysely'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '#core/id.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#core/time.ts'
import { expectProblem, ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'
import { passTime } from '#tests/pass-time.ts'
import { startReceiver } from '#tests/receiver.ts'
import { startSmtp } from '#tests/smtp.ts'

const smtp = await startSmtp()
const receiver = await startReceiver()
const clock = new ManualClock(new Date('2026-11-23T09:00:00Z'))
const hub = useHub({
  clock,
  config: { egressAllow: [receiver.host], smtpUrl: smtp.url, mailFrom: 'alerts@hub.example' },
})
let workspace: TestWorkspace
let tests = 0

afterAll(async () => {
  await Promise.all([smtp.stop(), receiver.close()])
})
beforeEach(async () => {
  tests += 1
  receiver.posts.length = 0
  smtp.mails.length = 0
  clock.set(
    new Date(clock.now().getTime() - (clock.now().getTime() % DAY_MS) + DAY_MS + 9 * HOUR_MS),
  )
  workspace = await hub.freshWorkspace()
})

/** Each test has a path of its own: what others left due stays out. */
const toldTo = (path: string) =>
  receiver.posts
    .filter((post) => post.path === path)
    .map(({ body }) => JSON.parse(body) as { type: string; data: Record<string, unknown> })

const pass = (durationMs: number, stepMs = MINUTE_MS) => passTime(hub, clock, durationMs, stepMs)

let paths = 0
async function pager(more: Record<string, unknown> = {}): Promise<{ id: string; path: string }> {
  const path = `/pager${(paths += 1)}`
  const fields = { name: `Pager ${paths}`, kind: 'webhook', url: receiver.url(path), ...more }
  const made = await workspace.post('/api/v1/alerts/channels', fields)
  expect(made.status, made.text).toBe(201)
  return { id: made.body.id, path }
}

const run = (statement: ReturnType<typeof sql>) =>
  hub.app.store.transaction(workspace.id, (tx) => tx.execute(statement))

/** An event that a subscriber gave up on: the simplest thing that is wrong, and over by one statement. */
const bury = (subscriber = 'webhooks') =>
  run(sql`
    insert into dead_events (subscriber, seq, event, subject_id, error, tries, failed_at)
    values (${subscriber}, ${tests}, 'lead.created', 'lead_1', 'Error', 5, ${clock.now()})
    on conflict (subscriber, seq) do update set state = 'open'`)
const dig = () => run(sql`update dead_events set state = 'dismissed'`)

const alerts = async (query = 'status=open') =>
  (await workspace.get(`/api/v1/alerts?${query}`)).body.data as {
    id: string
    watch: string
    key: string
    state: string
    summary: string
    openings: number
    acknowledgedBy: string | null
    mutedUntil: string | null
    values: Record<string, unknown>
  }[]

describe('an alert', () => {
  test('that comes and goes for an hour is one alert and two messages', async () => {
    const { path } = await pager()
    for (let i = 0; i < 10; i += 1) {
      await bury()
      await pass(3 * MINUTE_MS, 3 * MINUTE_MS)
      await dig()
      await pass(3 * MINUTE_MS, 3 * MINUTE_MS)
    }
    expect(toldTo(path).map(({ type }) => type)).toEqual(['alert.firing'])
    await pass(20 * MINUTE_MS, 4 * MINUTE_MS)
    expect(toldTo(path).map(({ type }) => type)).toEqual(['alert.firing', 'alert.resolved'])
    const [alert, ...others] = await alerts('status=all')
    expect(alert).toMatchObject({ state: 'resolved', openings: 10 })
    expect(others).toEqual([])
    const { body } = await workspace.get(`/api/v1/alerts/${alert!.id}`)
    expect(body.history).toHaveLength(20)
    expect(body.sent.filter(({ state }: { state: string }) => state === 'delivered')).toHaveLength(
      2,
    )
  })

  test('that comes back after it was told to be over is another one', async () => {
    const { path } = await pager()
    for (let i = 0; i < 2; i += 1) {
      await bury()
      await pass(2 * MINUTE_MS)
      await dig()
      await pass(20 * MINUTE_MS, 4 * MINUTE_MS)
    }
    expect(toldTo(path).map(({ type }) => type)).toEqual([
      'alert.firing',
      'alert.resolved',
      'alert.firing',
      'alert.resolved',
    ])
    expect(await alerts('status=resolved')).toHaveLength(2)
  })

  test('is taken on with a note, stays open, and cannot be taken on once it is over', async () => {
    await bury()
    await pass(MINUTE_MS)
    const [{ id } = { id: '' }] = await alerts()
    const path = `/api/v1/alerts/${id}/acknowledge`
    const taken = await workspace.post(path, { note: 'Looking at it.' })
    expect(taken.body).toMatchObject({ state: 'firing', note: 'Looking at it.' })
    expect(taken.body.acknowledgedBy).toMatch(/^key_/)
    expect(await alerts('status=acknowledged')).toHaveLength(1)
    expect(await workspace.auditActions()).toContain('acknowledgeAlert')
    await dig()
    await pass(MINUTE_MS)
    expectProblem(await workspace.post(path, {}), 409, 'alert.over')
  })

  test('of another workspace is not seen, not told and not taken on', async () => {
    const other = await hub.freshWorkspace()
    const { path } = await pager()
    await run(sql`select 1`)
    await hub.app.store.transaction(other.id, (tx) =>
      tx.execute(sql`
        insert into dead_events (subscriber, seq, event, subject_id, error, tries, failed_at)
        values ('elsewhere', 7, 'lead.created', 'lead_1', 'Error', 5, ${clock.now()})`),
    )
    await pass(2 * MINUTE_MS)
    const { data } = (await other.get('/api/v1/alerts')).body
    expect(data).toMatchObject([{ watch: 'jobs.dead_events', key: 'elsewhere' }])
    expect(await alerts('status=all')).toEqual([])
    expect(toldTo(path)).toEqual([])
    const taken = await workspace.post(`/api/v1/alerts/${data[0].id}/acknowledge`, {})
    expectProblem(taken, 404, 'resource.not_found')
  })
})

describe('a mute', () => {
  test('holds the message back, and what still fires at its end is told then, once', async () => {
    const { path } = await pager()
    const until = new Date(clock.now().getTime() + HOUR_MS).toISOString()
    const mute = await workspace.post('/api/v1/alerts/mutes', { watch: 'jobs.dead_events', until })
    expect(mute.status, mute.text).toBe(201)
    await bury()
    await pass(50 * MINUTE_MS, 10 * MINUTE_MS)
    expect((await alerts())[0]).toMatchObject({ mutedUntil: until })
    expect(toldTo(path)).toEqual([])
    await pass(30 * MINUTE_MS, 10 * MINUTE_MS)
    expect(toldTo(path).map(({ type }) => type)).toEqual(['alert.firing'])
  })

  test('of something that is over before it ends leaves nothing to tell', async () => {
    const { path } = await pager()
    const until = new Date(clock.now().getTime() + HOUR_MS).toISOString()
    await workspace.post('/api/v1/alerts/mutes', {
      watch: 'jobs.dead_events',
      key: 'webhooks',
      until,
    })
    await bury()
    await bury('another')
    await pass(10 * MINUTE_MS)
    expect(toldTo(path).map(({ data }) => data['key'])).toEqual(['another'])
    await run(sql`update dead_events set state = 'dismissed' where subscriber = 'webhooks'`)
    await pass(90 * MINUTE_MS, 10 * MINUTE_MS)
    expect(toldTo(path).map(({ data }) => data['key'])).toEqual(['another'])
    expect(await alerts('status=resolved')).toMatchObject([{ key: 'webhooks' }])
  })

  test('that is ended early lets through what it held back', async () => {
    const { path } = await pager()
    const until = new Date(clock.now().getTime() + DAY_MS).toISOString()
    const mute = await workspace.post('/api/v1/alerts/mutes', { watch: 'jobs.dead_events', until })
    await bury()
    await pass(5 * MINUTE_MS)
    expect((await workspace.get('/api/v1/alerts/mutes')).body.data).toHaveLength(1)
    expect((await workspace.delete(`/api/v1/alerts/mutes/${mute.body.id}`)).status).toBe(204)
    await pass(MINUTE_MS)
    expect(toldTo(path)).toHaveLength(1)
  })

  test.each([
    [{ watch: 'jobs.no_such', until: '2099-01-01T00:00:00Z' }, '/watch'],
    [{ watch: 'jobs.dead_events', until: '2099-01-01T00:00:00Z' }, '/until'],
    [{ watch: 'jobs.dead_events', until: '2020-01-01T00:00:00Z' }, '/until'],
  ])('%o is refused with its place', async (mute, pointer) => {
    const refused = await workspace.post('/api/v1/alerts/mutes', mute)
    expectProblem(refused, 422, 'request.invalid')
    expect(refused.body.errors[0].pointer).toBe(pointer)
  })
})

describe('quiet hours', () => {
  const late = async () => {
    await run(sql`
      insert into webhook_endpoints (id, url, format, events, secret, state, disabled_reason, created_at, updated_at)
      values (${newId('whe')}, 'https://user-made.example/a?b', 'standard', '{*}', '', 'disabled', 'It is gone.', now(), now())`)
  }

  test('keep what can wait until the morning, and let through what cannot', async () => {
    const { path } = await pager({ quietFrom: '22:00', quietTo: '07:00' })
    clock.advance(14 * HOUR_MS)
    await late()
    await bury()
    await pass(7 * HOUR_MS, HOUR_MS)
    expect(toldTo(path).map(({ data }) => data['watch'])).toEqual(['jobs.dead_events'])
    await pass(2 * HOUR_MS, HOUR_MS)
    expect(toldTo(path).map(({ data }) => data['watch'])).toEqual([
      'jobs.dead_events',
      'webhooks.endpoint_disabled',
    ])
  })
})

describe('a channel', () => {
  test('is told only of what is bad enough and of its watches', async () => {
    const { path } = await pager({ minSeverity: 'critical' })
    const other = await pager({ watches: ['sync.*'] })
    const third = await pager({ watches: ['jobs.dead_events'] })
    await bury()
    await pass(2 * MINUTE_MS)
    expect(toldTo(path)).toHaveLength(1)
    expect(toldTo(other.path)).toEqual([])
    expect(toldTo(third.path)).toHaveLength(1)
  })

  test('sends a test on request, quiet hours or not', async () => {
    const { id, path } = await pager({ quietFrom: '00:00', quietTo: '23:59' })
    const asked = await workspace.post(`/api/v1/alerts/channels/${id}/test`, {})
    expect(asked.status).toBe(202)
    await pass(MINUTE_MS)
    expect(toldTo(path)).toMatchObject([{ type: 'alert.test' }])
  })

  test('is owed nothing while it is disabled', async () => {
    const { id, path } = await pager()
    await workspace.patch(`/api/v1/alerts/channels/${id}`, { state: 'disabled' })
    await bury()
    await pass(2 * MINUTE_MS)
    await workspace.patch(`/api/v1/alerts/channels/${id}`, { state: 'enabled' })
    await pass(2 * MINUTE_MS)
    expect(toldTo(path)).toEqual([])
  })

  test('shows its secrets to nobody, and its addresses to those who may see personal values', async () => {
    const slack = { name: 'Chat', kind: 'slack', url: receiver.url('/services/T0/B0/secretpart') }
    const made = [
      await workspace.post('/api/v1/alerts/channels', slack),
      await workspace.post('/api/v1/alerts/channels', {
        name: 'Mail',
        kind: 'email',
        to: ['ada@customer.example'],
      }),
      await workspace.post('/api/v1/alerts/channels', {
        name: 'Pager',
        kind: 'webhook',
        url: receiver.url('/in'),
      }),
    ]
    const { secret } = made[2]!.body
    expect(secret).toMatch(/^whsec_/)
    const reader = await workspace.withKey({ scopes: ['alerts:read'] })
    const list = await reader.get('/api/v1/alerts/channels')
    expect(list.body.data).toHaveLength(3)
    expect(list.text).not.toContain('secretpart')
    expect(list.text).not.toContain('ada@customer.example')
    const open = await workspace.get('/api/v1/alerts/channels')
    expect(open.text).toContain('ada@customer.example')
    for (const text of [open.text, (await workspace.get('/api/v1/audit?limit=500')).text])
      for (const hidden of ['secretpart', secret as string]) expect(text).not.toContain(hidden)
    const kept = await hub.app.store.system((tx) =>
      tx.query(sql<{ target: Buffer }>`select target from alert_channels`),
    )
    const bytes = kept.map(({ target }) => target.toString('latin1')).join('\n')
    expect(bytes).not.toMatch(/secretpart|ada@customer|whsec_/)
  })

  test('keeps its signing secret when it moves', async () => {
    const { id } = await pager()
    const moved = await workspace.patch(`/api/v1/alerts/channels/${id}`, {
      url: receiver.url('/moved'),
      name: 'Moved',
    })
    expect(moved.body).toMatchObject({ name: 'Moved', url: receiver.url('/moved') })
    await workspace.post(`/api/v1/alerts/channels/${id}/test`, {})
    await pass(MINUTE_MS)
    expect(toldTo('/moved')).toHaveLength(1)
  })

  test.each([
    [{ kind: 'email' }, 'alert.channel_invalid', '/to'],
    [
      { kind: 'email', to: ['a@b.example'], url: 'https://x.example' },
      'alert.channel_invalid',
      '/url',
    ],
    [{ kind: 'webhook' }, 'alert.channel_invalid', '/url'],
    [{ kind: 'slack', to: ['a@b.example'] }, 'alert.channel_invalid', '/to'],
    [{ kind: 'webhook', url: 'https://169.254.169.254/' }, 'webhook.address_refused', '/url'],
    [{ kind: 'slack', url: 'http://127.0.0.1:1/' }, 'webhook.address_refused', '/url'],
    [{ kind: 'slack', url: 'https://x', quietFrom: '22:00' }, 'alert.channel_invalid', '/quietTo'],
    [{ kind: 'email', to: ['no address'] }, 'request.invalid', '/to/0'],
    [
      { kind: 'email', to: ['a@b.example'], watches: ['no pattern!'] },
      'request.invalid',
      '/watches/0',
    ],
  ] as const)('%o is refused with its place', async (fields, code, pointer) => {
    const refused = await workspace.post('/api/v1/alerts/channels', { name: 'New', ...fields })
    expectProblem(refused, 422, code)
    expect(refused.body.errors[0].pointer).toBe(pointer)
  })

  test('with the name of another, or by an old version, is refused', async () => {
    const { id } = await pager({ name: 'Pager' })
    const url = receiver.url('/x')
    const twin = await workspace.post('/api/v1/alerts/channels', {
      name: 'Pager',
      kind: 'slack',
      url,
    })
    expectProblem(twin, 409, 'alert.channel_duplicate')
    const headers = { 'if-match': '"7"' }
    const old = await workspace.patch(`/api/v1/alerts/channels/${id}`, { name: 'B' }, headers)
    expectProblem(old, 412, 'resource.version_mismatch')
    expect((await workspace.delete(`/api/v1/alerts/channels/${id}`)).status).toBe(204)
    expectProblem(await workspace.get(`/api/v1/alerts/channels/${id}`), 404, 'resource.not_found')
  })
})

test('who only reads alerts changes nothing', async () => {
  const reader = await workspace.withKey({ scopes: ['alerts:read'] })
  const fields = { name: 'New', kind: 'webhook', url: receiver.url('/x') }
  expectProblem(await reader.post('/api/v1/alerts/channels', fields), 403, 'auth.forbidden')
  const { data } = (await reader.get('/api/v1/alerts/watches')).body
  expect(data.map(({ name }: { name: string }) => name)).toContain('sync.stream_late')
})
