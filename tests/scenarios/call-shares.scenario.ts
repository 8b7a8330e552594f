import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, ManualClock, MINUTE_MS } from '#core/time.ts'
import { LIVE } from '#sync/call-shares.rules.ts'
import { quickPace, startSandbox, World } from '#tests/scenarios/error-world.ts'
import type { VendorName } from '#tests/scenarios/error-cases/case.ts'
import { useHub } from '#tests/hub.ts'

const start = new Date('2026-09-01T00:30:00Z')
const clock = new ManualClock(start)
const hub = useHub({ clock, syncPace: quickPace })

const DAYS = 90
const ALLOWED = 60
const TICK_HOURS = 3

async function open(vendor: VendorName): Promise<World> {
  const sandbox = await startSandbox(vendor, () => clock.now().getTime())
  const world = new World(hub, clock, vendor, sandbox, await hub.freshWorkspace())
  await world.connect()
  return world
}

async function captureMany({ workspace }: World, name: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const size = Math.min(500, count - from)
    const leads = Array.from({ length: size }, (_, i) => ({
      email: `${name}-${from + i}@example.com`,
    }))
    const made = await workspace.post('/api/v1/integrations/sales/leads', { leads })
    expect(made.status, made.text).toBe(207)
  }
}

async function planOf({ workspace, connectionId }: World, method: 'get' | 'post' = 'get') {
  const path = `/api/v1/connections/${connectionId}/call-plan`
  const answer = method === 'get' ? await workspace.get(path) : await workspace.post(path, {})
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

/** People that are there already, under addresses that nobody here has. */
const seeds: Record<VendorName, (world: World, count: number) => Promise<void>> = {
  async hubspot({ sandbox }, count) {
    const all = Array.from({ length: count }, (_, i) => ({ email: `there${i}@example.org` }))
    ;(sandbox as World<'hubspot'>['sandbox']).seedContacts(all)
  },
  async pipedrive(world, count) {
    const person = Array.from({ length: count }, (_, i) => ({
      name: `There ${i}`,
      emails: [{ value: `there${i}@example.org`, primary: true }],
    }))
    await world.control('POST', 'seed', { records: { person } })
  },
  async salesforce({ sandbox }, count) {
    const org = sandbox as World<'salesforce'>['sandbox']
    for (let i = 0; i < count; i += 1)
      org.add('Lead', { LastName: `There ${i}`, Company: 'C', Email: `there${i}@example.org` })
  },
}

describe.each<[VendorName, string, number, number]>([
  ['hubspot', 'contacts', 4000, 2000],
  ['salesforce', 'leads', 30_000, 1500],
  ['pipedrive', 'persons', 5000, 400],
])('%s', (vendor, people, there, here) => {
  test('what the first run takes is predicted within ten percent, before a stream is enabled', async () => {
    const world = await open(vendor)
    try {
      const path = `/api/v1/connections/${world.connectionId}`
      const { data: streams } = (await world.workspace.get(`${path}/streams`)).body
      for (const { name } of streams)
        expect(
          (await world.workspace.patch(`${path}/streams/${name}`, { paused: true })).status,
        ).toBe(200)
      await seeds[vendor](world, there)
      await captureMany(world, vendor, here)
      await hub.settle()
      const paused = await planOf(world, 'post')
      expect(
        paused.nextRun.streams.find((one: { stream: string }) => one.stream === people),
      ).toMatchObject({
        paused: true,
        recordsThere: there,
        pullFrom: 'counted',
        newThere: here,
      })
      for (const { name } of streams)
        await world.workspace.patch(`${path}/streams/${name}`, { paused: false })
      const { nextRun } = await planOf(world, 'post')
      const run = await world.run()
      expect(run.state).toBe('succeeded')
      const predicted = nextRun.calls + nextRun.checkCalls
      const { checkCalls } = (await world.workspace.get(`/api/v1/sync/runs/${run.id}/certificate`))
        .body
      const made = run.calls + checkCalls
      expect(
        Math.abs(predicted - made) / made,
        `${predicted} predicted, ${made} made`,
      ).toBeLessThan(0.1)
    } finally {
      await world.stop()
    }
  }, 240_000)
})

test('in 90 days the allowance is never exceeded, shares hold until the evening, live changes always go, and each day is predicted within ten percent', async () => {
  const world = await open('hubspot')
  const sandbox = world.sandbox as World<'hubspot'>['sandbox']
  const path = `/api/v1/connections/${world.connectionId}`
  const read = <Row>(statement: ReturnType<typeof sql<Row>>) =>
    hub.app.store.read(world.workspace.id, (tx) => tx.query(statement))
  const takenToday = async () =>
    new Map(
      (
        await read(sql<{ takenBy: string; taken: number }>`
          select taken_by, taken from sync_call_days
          where connection_id = ${world.connectionId} and day = ${clock.now().toISOString().slice(0, 10)}::date`)
      ).map(({ takenBy, taken }) => [takenBy, taken]),
    )
  try {
    await world.run()
    expect(
      (await world.workspace.patch(path, { dailyCalls: ALLOWED, livePercent: 10 })).status,
    ).toBe(200)
    const share = {
      contacts: { callPercent: 50, callPriority: 'high' },
      deals: { callPercent: 10 },
    }
    for (const [name, change] of Object.entries(share))
      expect((await world.workspace.patch(`${path}/streams/${name}`, change)).status).toBe(200)
    const tooMuch = await world.workspace.patch(`${path}/streams/tasks`, { callPercent: 41 })
    expect(tooMuch.status).toBe(422)
    clock.advance(DAY_MS - ((clock.now().getTime() - start.getTime()) % DAY_MS))
    const seen = { predicted: 0, made: 0, days: 0, atShare: 0, borrowed: 0 }
    for (let day = 0; day < DAYS; day += 1) {
      sandbox.clearCalls()
      // Every ninth day an import there and here is more than the share of a day.
      if (day % 9 === 4) {
        sandbox.seedContacts(
          Array.from({ length: 4000 }, (_, i) => ({ email: `crm${day}-${i}@example.org` })),
        )
      }
      const before = await planOf(world)
      for (let hour = 0; hour < 24; hour += TICK_HOURS) {
        await hub.app.jobs.tick()
        await hub.settle()
        if (hour === 9 || hour === 15) {
          const email = `live${day}-${hour}@example.com`
          await world.capture(email)
          await hub.settle()
          expect(world.emailsThere().includes(email), `${email}, day ${day}`).toBe(true)
        }
        const taken = await takenToday()
        if (hour < 18) expect(taken.get('contacts') ?? 0).toBeLessThanOrEqual(27)
        if ((taken.get('contacts') ?? 0) > 27) seen.borrowed += 1
        expect(sandbox.calls().total).toBeLessThanOrEqual(ALLOWED)
        expect([...taken.values()].reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(ALLOWED)
        expect(taken.get(LIVE) ?? 0).toBeGreaterThanOrEqual(hour >= 15 ? 1 : 0)
        clock.advance(TICK_HOURS * HOUR_MS)
      }
      const runs = await read(sql<{
        calls: number
        checkCalls: number
        state: string
        faultKind: string | null
      }>`
        select calls, check_calls, state, fault_kind from sync_runs
        where connection_id = ${world.connectionId} and cause in ('schedule', 'catch_up')
          and queued_at >= ${new Date(clock.now().getTime() - DAY_MS)}`)
      for (const { calls, checkCalls, state, faultKind } of runs) {
        if (faultKind === 'rate_share') seen.atShare += 1
        if (state !== 'succeeded' || day % 9 >= 4) continue
        seen.days += 1
        seen.predicted += before.nextRun.calls + before.nextRun.checkCalls
        seen.made += calls + checkCalls
      }
    }
    expect(seen.atShare).toBeGreaterThan(3)
    expect(seen.borrowed).toBeGreaterThan(3)
    expect(seen.days).toBeGreaterThan(30)
    expect(Math.abs(seen.predicted - seen.made) / seen.made, JSON.stringify(seen)).toBeLessThan(0.1)
    const there = await read(sql<{ count: number }>`
      select count(*)::int as count from sync_links where connection_id = ${world.connectionId} and entity = 'lead'`)
    expect(there[0]!.count).toBe(10 * 4000 + 2 * DAYS)
    clock.advance(MINUTE_MS)
  } finally {
    await world.stop()
  }
}, 900_000)
