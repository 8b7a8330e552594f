import { sql } from 'kysely'
import { afterEach, describe, expect, test } from 'vitest'
import { createUser } from '#access/bootstrap.ts'
import { startApp, type App } from '#app.ts'
import { DAY_MS } from '#core/time.ts'
import { silentLog } from '#core/log.ts'
import { Block } from '#levels/quota-block.ts'
import { QuotaMeters } from '#levels/quota-meters.ts'
import { metersOf, spanOf } from '#levels/quota.rules.ts'
import { expectProblem, ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T09:00:00Z'))
const hub = useHub({ clock })
const others: App[] = []
afterEach(async () => {
  for (const app of others.splice(0)) await app.stop()
})

/** Another process on the same database. */
async function startOther(): Promise<App> {
  const { config } = hub.app
  const app = await startApp(config, { listen: true, log: silentLog, clock })
  others.push(app)
  return app
}

const path = '/api/v1/channels?limit=1'
const get = (url: string, key: string) =>
  fetch(url + path, { headers: { authorization: `Bearer ${key}` } })

/** Sixteen clients, spread over the processes, each until it is refused. @returns how many requests were admitted. */
async function admitted(urls: readonly string[], key: string): Promise<number> {
  let count = 0
  await Promise.all(
    Array.from({ length: 16 }, async (_, i) => {
      for (;;) {
        const answer = await get(urls[i % urls.length]!, key)
        await answer.arrayBuffer()
        if (answer.status === 429) return
        expect(answer.status).toBe(200)
        count += 1
      }
    }),
  )
  return count
}

async function keyWith(
  workspace: TestWorkspace,
  quota: { perDay?: number; perMonth?: number },
): Promise<{ id: string; key: string }> {
  const body = { name: 'counted', roles: ['admin'], rateLimitPerMinute: 1_000_000 }
  const { body: made } = await workspace.post('/api/v1/keys', body)
  const set = await workspace.put(`/api/v1/quotas/${made.id}`, quota)
  expect(set.status, set.text).toBe(200)
  return made
}

/** The events of the workspace that tell of quotas. */
async function eventsOf(workspace: TestWorkspace): Promise<[string, string][]> {
  const rows = await hub.app.store.read(workspace.id, (tx) =>
    tx.query(sql<{ event: string; subjectId: string }>`
      select event, subject_id from outbox where event in ('quota.warning', 'quota.exceeded') order by seq`),
  )
  return rows.map((row) => [row.event, row.subjectId])
}

describe('a quota a day', () => {
  test('is kept to the request by two processes under sixteen clients', async () => {
    const workspace = await hub.freshWorkspace()
    const { id, key } = await keyWith(workspace, { perDay: 400 })
    const other = await startOther()
    expect(await admitted([hub.url, other.url], key)).toBe(400)
    await Promise.all([hub.app.levels.flush(), other.levels.flush()])
    const usage = await workspace.get(`/api/v1/usage?subject=${id}`)
    expect(usage.body.data).toMatchObject([{ day: '2026-11-23', subject: id, requests: 400 }])
    expect(usage.body.data[0].refused).toBeGreaterThanOrEqual(16)
    expect(await eventsOf(workspace)).toEqual([
      ['quota.warning', id],
      ['quota.exceeded', id],
    ])
  })

  test('goes on where it stood after a restart, and what was held is not lost', async () => {
    const workspace = await hub.freshWorkspace()
    const { key } = await keyWith(workspace, { perDay: 300 })
    const first = await startOther()
    for (let i = 0; i < 100; i += 1) expect((await get(first.url, key)).status).toBe(200)
    await others.pop()!.stop()
    const second = await startOther()
    expect(await admitted([second.url], key)).toBe(200)
  })

  test('refuses with the time of its reset, tells how it stands, and starts afresh the next day', async () => {
    const workspace = await hub.freshWorkspace()
    const { key } = await keyWith(workspace, { perDay: 2, perMonth: 3 })
    const use = () => workspace.get(path, { authorization: `Bearer ${key}` })
    const first = await use()
    expect(first.headers.get('ratelimit-policy')).toBe(
      '"principal";q=1000000;w=60, "day";q=2;w=86400, "month";q=3;w=2592000',
    )
    expect(first.headers.get('ratelimit')).toMatch(/, "day";r=1;t=54000, "month";r=2;t=658800$/)
    await use()
    const refused = await use()
    expectProblem(refused, 429, 'quota.exceeded')
    expect(refused.headers.get('retry-after')).toBe('54000')
    expect(refused.headers.get('ratelimit')).toContain('"day";r=0;t=54000')
    clock.advance(DAY_MS)
    expect((await use()).status).toBe(200)
    const ofMonth = await use()
    expectProblem(ofMonth, 429, 'quota.exceeded')
    expect(ofMonth.body.detail).toContain('“month”')
    clock.set(new Date('2026-12-01T00:00:00Z'))
    expect((await use()).status).toBe(200)
    clock.set(new Date('2026-11-23T09:00:00Z'))
  })

  test('counts what was used before it was set', async () => {
    const workspace = await hub.freshWorkspace()
    const { id, key } = await keyWith(workspace, { perDay: 100 })
    await workspace.delete(`/api/v1/quotas/${id}`)
    for (let i = 0; i < 5; i += 1) expect((await get(hub.url, key)).status).toBe(200)
    await hub.app.levels.flush()
    // A process goes by a change once it has heard of it.
    const heard = Promise.withResolvers<void>()
    const stop = await hub.app.store.listen('throughline_quotas', (workspaceId) => {
      if (workspaceId === workspace.id) heard.resolve()
    })
    await workspace.put(`/api/v1/quotas/${id}`, { perDay: 8 })
    await heard.promise
    expect(await admitted([hub.url], key)).toBe(3)
    await stop()
  })

  test('of a workspace holds for all its keys together', async () => {
    const workspace = await hub.freshWorkspace()
    const [one, two] = [await workspace.withKey({}), await workspace.withKey({})]
    await hub.app.levels.flush()
    const used = (await workspace.get('/api/v1/usage?subject=workspace')).body.data[0]?.requests
    const perDay = (used ?? 0) + 20
    expect((await workspace.put('/api/v1/quotas/workspace', { perDay })).status).toBe(200)
    const counts = await Promise.all([one, two].map(({ key }) => admitted([hub.url], key)))
    // The requests that read and set the quota count too.
    expect(counts[0]! + counts[1]!).toBeGreaterThanOrEqual(17)
    expect(counts[0]! + counts[1]!).toBeLessThanOrEqual(20)
  })

  test('goes with a key that replaces another, used up as it is', async () => {
    const workspace = await hub.freshWorkspace()
    const { id, key } = await keyWith(workspace, { perDay: 10 })
    for (let i = 0; i < 6; i += 1) await get(hub.url, key)
    await hub.app.levels.flush(true)
    const fresh = await workspace.post(`/api/v1/keys/${id}/rotate`, { overlapHours: 0 })
    await hub.settle()
    const listed = (await workspace.get('/api/v1/quotas')).body.data
    expect(listed.find((one: { subject: string }) => one.subject === fresh.body.id)).toMatchObject({
      perDay: 10,
      day: { used: 6, remaining: 4, state: 'open' },
    })
    // Each look is a request itself, and counts once the quota is known here.
    let left = 10
    const look = async () => {
      const told = (await get(hub.url, fresh.body.key)).headers.get('ratelimit')
      return (left = Number(/"day";r=(\d+)/.exec(told ?? '')?.[1] ?? 10))
    }
    await expect.poll(look).toBeLessThanOrEqual(3)
    expect(await admitted([hub.url], fresh.body.key)).toBe(left)
  })
})

test('a quota is set for what exists only, and by admins only', async () => {
  const workspace = await hub.freshWorkspace()
  const put = (subject: string) => workspace.put(`/api/v1/quotas/${subject}`, { perDay: 5 })
  expectProblem(await put('key_0123456789'), 404, 'resource.not_found')
  expectProblem(await put('role.nobody'), 404, 'resource.not_found')
  expectProblem(await put('everyone'), 422, 'request.invalid')
  expect((await put('role.sales')).body).toMatchObject({ perDay: 5, day: null })
  const empty = await workspace.put('/api/v1/quotas/workspace', {})
  expectProblem(empty, 422, 'request.invalid')
  const integrator = await workspace.withKey({ roles: ['integrator'] })
  expectProblem(
    await integrator.put('/api/v1/quotas/workspace', { perDay: 5 }),
    403,
    'auth.forbidden',
  )
  expect((await integrator.get('/api/v1/quotas')).status).toBe(200)
})

test('a person has the largest quota of their roles, an application that acts for them also its own', async () => {
  const workspace = await hub.freshWorkspace()
  const details = { name: 'Ada', roles: ['sales', 'viewer'] }
  const userId = await createUser(hub.app.store, workspace.id, details, clock.now())
  const person = {
    id: userId,
    kind: 'user' as const,
    workspaceId: workspace.id,
    scopes: new Set<string>(),
    rateLimitPerMinute: 100,
    roles: details.roles,
    clientId: 'cli_1',
  }
  const quotas = new Map([
    ['role.sales', { perDay: 50, perMonth: null }],
    ['role.viewer', { perDay: 20, perMonth: 900 }],
    ['cli_1', { perDay: 7, perMonth: null }],
    ['key_1', { perDay: 1, perMonth: 1 }],
  ])
  expect(metersOf(person, quotas)).toEqual([
    { name: 'day', subject: userId, period: 'day', limit: 50 },
    { name: 'month', subject: userId, period: 'month', limit: 900 },
    { name: 'client-day', subject: 'cli_1', period: 'day', limit: 7 },
  ])
  quotas.set(userId, { perDay: 3, perMonth: null })
  expect(metersOf(person, quotas)[0]).toMatchObject({ subject: userId, limit: 3 })
  expect(metersOf(person, quotas)).toHaveLength(2)
})

test('days and months end where the calendar says', () => {
  const at = new Date('2028-02-29T23:59:59.999Z')
  expect(spanOf('day', at)).toMatchObject({ startsOn: '2028-02-29', endsAtMs: at.getTime() + 1 })
  expect(spanOf('month', at)).toMatchObject({ startsOn: '2028-02-01', endsAtMs: at.getTime() + 1 })
})

describe('a block of a quota', () => {
  const meter = { name: 'day', subject: 'key_1', period: 'day' as const, limit: 1000 }
  const fresh = () => new Block('wsp_1', meter, spanOf('day', clock.now()))
  const grant = (granted: number, taken: number) => {
    return { subject: 'key_1', period: 'day' as const, granted, taken }
  }

  test('that nothing is taken of goes back, and one in use does not', () => {
    const block = fresh()
    block.fill(grant(10, 10), 0)
    block.use(1000)
    expect(block.settle(2000, false)).toMatchObject({ used: 1, back: 0 })
    expect(block.settle(3500, false)).toBeNull()
    expect(block.settle(4100, false)).toMatchObject({ used: 0, back: 9 })
    expect(block.left).toBe(0)
    expect(block.state(clock.now(), true).remaining).toBe(999)
  })

  test('doubles while it is used up, and asks no further for a second once nothing is left', () => {
    const block = fresh()
    for (const size of [1, 2, 4, 8]) {
      expect(block.wish()).toMatchObject({ block: size, waiting: 1 })
      block.fill(grant(size, 0), 0)
    }
    while (block.left > 0) block.use(10)
    block.fill(grant(0, 1000), 10)
    expect(block.isSpent(1000)).toBe(true)
    expect(block.isSpent(1011)).toBe(false)
  })

  test('of a process that is killed is lost: others admit less, never more', async () => {
    const workspace = await hub.freshWorkspace()
    const { id, key } = await keyWith(workspace, { perDay: 200 })
    const killed = new QuotaMeters(() => hub.app.store, clock, null)
    const principal = {
      id,
      kind: 'api_key' as const,
      workspaceId: workspace.id,
      scopes: new Set<string>(),
      rateLimitPerMinute: 1000,
    }
    for (let i = 0; i < 50; i += 1)
      expect((await killed.take(principal, clock.now()))[0]!.allowed).toBe(true)
    const rest = await admitted([hub.url], key)
    expect(rest).toBeLessThanOrEqual(150)
    expect(rest).toBeGreaterThanOrEqual(150 - 200 / 16)
  })
})
