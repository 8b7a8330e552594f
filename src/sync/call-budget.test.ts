import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { findCalls } from '#connectors/pipedrive/finder.ts'
import { newId } from '#core/id.ts'
import { DAY_MS, ManualClock, MINUTE_MS } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { expectProblem, useHub } from '#tests/hub.ts'
import type { Store } from '#store/store.ts'
import { addDayCalls, countDayCalls, insertBackfill } from '#sync/backfill.store.ts'
import { readCallDay } from '#sync/call-budget.ts'
import { callsFor } from '#sync/call-plan.rules.ts'
import { noteLaneCalls, readLane } from '#sync/lane.store.ts'
import { copyDatabase, openTestStore, runOnServer, type TestDatabase } from '#tests/store.ts'
import { TestHub, testEngine, testTables } from '#tests/sync.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
let database: TestDatabase
let store: Store
let sandbox: HubspotSandbox
beforeAll(async () => {
  database = await copyDatabase()
  await runOnServer(testTables, database.connectionString)
  store = await openTestStore({ connectionString: database.connectionString })
})
afterAll(async () => {
  await store.close()
  await database.drop()
})
beforeEach(async () => {
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
  return () => sandbox.stop()
})

test('the allowance of a day is never exceeded, also when answers are lost, and all arrives in the end', async () => {
  const hub = await TestHub.open(testEngine(store, clock), sandbox)
  await store.transaction(hub.workspaceId, (tx) =>
    tx.execute(sql`update connections set daily_calls = 40 where id = ${hub.connectionId}`),
  )
  await hub.addLeads(2000)
  const states: string[] = []
  for (let day = 0; day < 12 && states.at(-1) !== 'succeeded'; day += 1) {
    sandbox.clearCalls()
    for (let run = 0; run < 3; run += 1) {
      clock.advance(MINUTE_MS)
      const id = await hub.queue(['owners', 'contacts'])
      // Answers that are lost on the way are calls as well.
      const lift = sandbox.failNext({ kind: 'drop-after', count: run, after: 4 })
      await hub.perform(id)
      lift()
      states.push((await hub.read(id)).state)
    }
    const made = sandbox.calls().total
    expect(made).toBeLessThanOrEqual(40)
    clock.advance(DAY_MS)
  }
  expect(states).toContain('partial')
  expect(states.at(-1)).toBe('succeeded')
  expect(sandbox.count('contacts')).toBe(2000)
})

test('sizes of calls make the plan, worked by hand', () => {
  const fetch = async () => []
  const stream = { batchSize: 100, fetchSize: 50, fetch }
  // 3 calls to create 250, 2 to read and 1 to change 80; 7 to read back 330.
  expect(callsFor(stream, { newThere: 250, changed: 80 }, 'full')).toEqual({
    calls: 3 + 1 + 2,
    checkCalls: 7,
  })
  const bulk = { atLeast: 2000, batchSize: 10_000, push: async () => [] }
  expect(callsFor({ ...stream, bulk }, { newThere: 25_000, changed: 0 }, 'full').calls).toBe(15)
  expect(callsFor({ batchSize: 100 }, { newThere: 100, changed: 100 }, 'full')).toEqual({
    calls: 2,
    checkCalls: 0,
  })
})

test('looking for records before they are made is part of the plan, worked by hand', () => {
  const lookCalls = (made: number, there: number) => findCalls(made, there, 400)
  const stream = { batchSize: 1, lookCalls }
  // 500 in two batches: what changed lately twice, how many there are, and 5,000 persons in pages of 500.
  expect(callsFor(stream, { newThere: 500, changed: 0, there: 5000 }, 'off').calls).toBe(
    500 + 2 + 1 + 10,
  )
  // Two among many are searched for, by our id and by their address.
  expect(callsFor(stream, { newThere: 2, changed: 0, there: 100_000 }, 'off').calls).toBe(
    2 + 1 + 1 + 4,
  )
  expect(callsFor(stream, { newThere: 0, changed: 3, there: 5000 }, 'off').calls).toBe(3)
})

test('a backfill and the lane of changes count in the day of the account too', async () => {
  const { workspaceId, connectionId } = await TestHub.open(testEngine(store, clock), sandbox)
  const id = newId('bkf')
  // 22:00, 23:30 and 00:30 there.
  const [evening, night, next] = ['03:00', '04:30', '05:30'].map(
    (time) => new Date(`2026-11-24T${time}:00Z`),
  ) as [Date, Date, Date]
  await store.transaction(workspaceId, async (tx) => {
    await tx.execute(
      sql`update connections set call_day_zone = 'America/New_York' where id = ${connectionId}`,
    )
    const row = { id, runId: newId('run'), connectionId, stream: 'contacts', entity: 'lead' }
    const wish = { field: 'phone', direction: 'in', share: 10, total: 1, plannedCalls: 1 } as const
    await insertBackfill(tx, { ...row, ...wish, askedBy: 'usr_test' }, evening)
    await addDayCalls(tx, id, 10, evening)
    await noteLaneCalls(tx, connectionId, 20, evening)
    const counted = async (at: Date) => [
      await countDayCalls(tx, connectionId, at),
      (await readLane(tx, connectionId, at))?.calls,
    ]
    expect(await counted(night)).toEqual([10, 20])
    expect(await counted(next)).toEqual([0, 0])
    const { endsAt } = await readCallDay(tx, connectionId, evening)
    expect(endsAt).toEqual(new Date('2026-11-24T05:00:00Z'))
  })
})

describe('over HTTP', () => {
  const api = useHub({ clock })

  test('days are those of the account, as HubSpot tells, or of the zone that is set', async () => {
    const workspace = await api.freshWorkspace()
    const made = await workspace.post('/api/v1/connections', {
      vendor: 'hubspot',
      name: 'CRM',
      settings: { baseUrl: sandbox.url, token: sandbox.token },
    })
    expect(made.body.callDayZone).toBe('America/New_York')
    const path = `/api/v1/connections/${made.body.id}`
    await workspace.patch(path, { dailyCalls: 100 })
    const resetsAt = async () =>
      (await workspace.get(`${path}/call-plan`)).body.today.resetsAt.slice(11, 16)
    expect(['04:00', '05:00']).toContain(await resetsAt())
    expect((await workspace.patch(path, { callDayZone: 'Asia/Tokyo' })).status).toBe(200)
    expect(await resetsAt()).toBe('15:00')
    expectProblem(
      await workspace.patch(path, { callDayZone: 'Mars/Olympus' }),
      422,
      'request.invalid',
    )
    await workspace.delete(path)
  })
  test('the plan says what the next run will take, and the run takes it', async () => {
    const workspace = await api.freshWorkspace()
    const made = await workspace.post('/api/v1/connections', {
      vendor: 'hubspot',
      name: 'CRM',
      settings: { baseUrl: sandbox.url, token: sandbox.token },
    })
    const path = `/api/v1/connections/${made.body.id}`
    for (let i = 0; i < 3; i += 1)
      await workspace.post('/api/v1/integrations/sales/leads', {
        leads: Array.from({ length: 400 }, (_, n) => ({ email: `p${i}-${n}@example.com` })),
      })
    const plan = (await workspace.get(`${path}/call-plan`)).body
    expect(plan.nextRun).toMatchObject({ baseFrom: 'assumed', days: null, checkCalls: 12 })
    const contacts = plan.nextRun.streams.find(
      ({ stream }: { stream: string }) => stream === 'contacts',
    )
    expect(contacts).toMatchObject({ newThere: 1200, changed: 0, calls: 12 })
    const run = async () => {
      clock.advance(MINUTE_MS)
      const asked = await workspace.post(`${path}/runs`, {})
      expect(asked.status, asked.text).toBe(202)
      await api.settle()
      return (await workspace.get(`/api/v1/sync/runs/${asked.body.id}`)).body
    }
    const first = await run()
    expect(first.state).toBe('succeeded')
    // Properties of ours are made once; else as planned.
    expect(first.calls).toBeLessThanOrEqual(plan.nextRun.calls + 15)
    clock.advance(10 * MINUTE_MS)
    await run()
    clock.advance(10 * MINUTE_MS)
    const quiet = await run()
    const next = (await workspace.get(`${path}/call-plan`)).body
    expect(next.nextRun).toMatchObject({
      baseFrom: 'last_quiet_run',
      calls: quiet.calls,
      checkCalls: 0,
    })

    const limited = await workspace.patch(path, { dailyCalls: 5 })
    expect(limited.body.dailyCalls).toBe(5)
    expect((await workspace.get(`${path}/call-plan`)).body).toMatchObject({
      today: { allowed: 5, taken: 0 },
      nextRun: { days: Math.ceil(quiet.calls / 5) },
    })
    expect(await run()).toMatchObject({ state: 'partial', fault: { kind: 'rate_share' } })
    expect((await workspace.patch(path, { dailyCalls: null })).body.dailyCalls).toBeNull()
    expect(await run()).toMatchObject({ state: 'succeeded' })
    expectProblem(
      await workspace.get('/api/v1/connections/con_01a216a2863f7000937b5941f57d0000/call-plan'),
      404,
      'resource.not_found',
    )
  })
})
