import { afterAll, beforeAll, expect, test } from 'vitest'
import { accuracyOf } from '#domains/scoring/kpis.ts'
import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { expectProblem, ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock })
let sandbox: HubspotSandbox
beforeAll(async () => {
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
})
afterAll(() => sandbox.stop())

interface Row {
  id: string
  value: number | null
  note: string | null
  targets: { level: string; met: boolean | null }[]
}

async function scorecard(workspace: TestWorkspace): Promise<Map<string, Row>> {
  const answer = await workspace.get('/api/v1/scorecard')
  expect(answer.status, answer.text).toBe(200)
  return new Map((answer.body.data as Row[]).map((row) => [row.id, row]))
}

async function connect(workspace: TestWorkspace): Promise<void> {
  const settings = { baseUrl: sandbox.url, token: sandbox.token }
  const body = { vendor: 'hubspot', name: 'CRM', settings }
  const made = await workspace.post('/api/v1/connections', body)
  expect(made.status, made.text).toBe(201)
}

test('what nobody has measured yet has no value, no verdict, and a reason', async () => {
  const card = await scorecard(await hub.freshWorkspace())
  expect([...card.keys()].sort()).toEqual([
    'api_p90',
    'api_p95',
    'attribution_accuracy',
    'completeness',
    'cross_domain_efficiency',
    'customer_experience',
    'daily_freshness',
    'data_driven_decisions',
    'error_rate',
    'forecast_accuracy',
    'realtime_p95',
    'realtime_staleness',
    'uptime',
  ])
  for (const { value, note, targets } of card.values()) {
    expect(value).toBeNull()
    expect(note).toMatch(/\.$/)
    expect(targets.map(({ met }) => met)).toEqual(targets.map(() => null))
  }
})

test('a change that waited three seconds, a late stream and a prober’s outage show as what they are', async () => {
  const workspace = await hub.freshWorkspace()
  const lead = (email: string) =>
    workspace.post('/api/v1/integrations/sales/leads', { email, firstName: 'Ada' })
  await lead('first@example.com')
  await connect(workspace)
  await hub.settle()
  clock.advance(MINUTE_MS)
  await hub.app.jobs.tick()
  await hub.settle()
  await lead('second@example.com')
  clock.advance(3000)
  await hub.settle()
  expect(sandbox.count('contacts')).toBe(2)
  const probes = [true, true, true, false].map((ok, i) => ({
    at: new Date(clock.now().getTime() - (4 - i) * 15_000).toISOString(),
    everyMs: 15_000,
    ok,
    durationMs: 8,
  }))
  await workspace.post('/api/v1/probes', { prober: 'outside', probes })
  const lift = sandbox.down()
  await lead('third@example.com')
  await hub.settle()
  lift()
  await workspace.get('/api/v1/uptime')
  clock.advance(MINUTE_MS)
  await hub.app.levels.flush()
  const card = await scorecard(workspace)
  expect(card.get('realtime_p95')).toMatchObject({
    value: 3100, // to two digits, rounded up
    note: 'Of 1 changes.',
    targets: [{ level: 'later', met: true }],
  })
  expect(card.get('realtime_staleness')!.value).toBeCloseTo(1, 6)
  expect(card.get('daily_freshness')!.value).toBeCloseTo(1.05, 6)
  expect(card.get('completeness')).toMatchObject({ value: 1, targets: [{ met: true }] })
  // 45 s up, 22.5 s down by the last answer, 52.5 s unseen.
  expect(card.get('uptime')!.value).toBeCloseTo(45 / 120, 6)
  expect(card.get('uptime')!.targets.map(({ met }) => met)).toEqual([false, false])
  expect(card.get('error_rate')).toMatchObject({
    value: 0,
    targets: [{ met: true }, { met: true }],
  })
  expect(card.get('api_p90')!.value).toBeGreaterThan(0)
  const { data } = (await workspace.get('/api/v1/service-levels?window=1h')).body
  const vendor = data.find((row: { operation: string }) => row.operation === 'vendor.hubspot')
  expect(vendor.route).toBeNull()
  expect(vendor.faults).toBeGreaterThan(0)
  expect(vendor.calls).toBeGreaterThan(vendor.faults)
  clock.advance(2 * DAY_MS)
  const late = (await scorecard(workspace)).get('daily_freshness')!
  expect(late.targets[0]!.met).toBe(false)
})

test('the scorecard takes its scope, and viewers have it', async () => {
  const workspace = await hub.freshWorkspace()
  const none = await workspace.withKey({ scopes: ['workspace:read'] })
  expectProblem(await none.get('/api/v1/scorecard'), 403, 'auth.forbidden')
  const viewer = await workspace.withKey({ roles: ['viewer'] })
  expect((await viewer.get('/api/v1/scorecard')).status).toBe(200)
})

test('forecast accuracy is one less the weighted error of the largest currency, worked by hand', () => {
  const of = (
    currency: 'EUR' | 'USD',
    days: number,
    expectedMinor: number,
    actualMinor: number,
  ) => ({
    cutAt: '2026-06-01',
    days,
    currency,
    deals: currency === 'EUR' ? 10 : 3,
    expectedMinor,
    actualMinor,
    lowMinor: 0,
    highMinor: 0,
  })
  const tests = [
    of('EUR', 30, 90, 100),
    of('EUR', 91, 320, 300),
    of('EUR', 365, 0, 1000),
    of('USD', 30, 0, 9),
  ]
  expect(accuracyOf(tests)).toBeCloseTo(1 - 30 / 400, 12)
  expect(accuracyOf([])).toBeNull()
})
