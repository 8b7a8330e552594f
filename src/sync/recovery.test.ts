import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, ManualClock, MINUTE_MS } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import type { Store } from '#store/store.ts'
import { Lease, LeaseLost } from '#sync/lease.ts'
import { queueDue, queueRetries } from '#sync/schedule.ts'
import { copyDatabase, openTestStore, runOnServer, type TestDatabase } from '#tests/store.ts'
import { TestHub, testEngine, testTables, type TestEngine } from '#tests/sync.ts'

const start = new Date('2026-11-23T08:00:00Z')
const LEASE_MS = 30_000
let database: TestDatabase
let store: Store
let sandbox: HubspotSandbox
let clock: ManualClock
let engine: TestEngine
let hub: TestHub

beforeAll(async () => {
  // Of its own: the schedule takes up whatever connection is due, also another file's, by its own clock.
  database = await copyDatabase()
  await runOnServer(testTables, database.connectionString)
  store = await openTestStore({ connectionString: database.connectionString })
})
afterAll(async () => {
  await store.close()
  await database.drop()
})
beforeEach(async () => {
  clock = new ManualClock(start)
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    keepRequests: 10_000,
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
  engine = testEngine(store, clock, { leaseMs: LEASE_MS })
  hub = await TestHub.open(engine, sandbox)
  return async () => {
    await sandbox.stop()
  }
})

describe('two processes', () => {
  test('only one works on a connection at a time', async () => {
    await hub.addLeads(300)
    const runId = await hub.queue(['contacts'])
    const ends = await Promise.all([hub.perform(runId), hub.perform(runId), hub.perform(runId)])
    expect(ends.sort()).toEqual(['busy', 'busy', 'done'])
    expect(sandbox.count('contacts')).toBe(300)
  })

  test('a page that takes longer than the lease keeps it, also when it holds the only connection to the database', async () => {
    const leaseMs = 600
    const narrow = await openTestStore({
      connectionString: database.connectionString,
      poolSize: 1,
    })
    try {
      const runId = await hub.queue(['contacts'])
      const take = (from: Store) =>
        Lease.take(from, hub.workspaceId, hub.connectionId, runId, leaseMs)
      const lease = (await take(narrow))!
      await narrow.transaction(hub.workspaceId, async (tx) => {
        await lease.check(tx)
        await tx.execute(sql`select pg_sleep(2)`)
        lease.assertHeld()
        expect(await take(store)).toBeNull()
      })
      await narrow.transaction(hub.workspaceId, (tx) => lease.check(tx))
      lease.assertHeld()
      await lease.release()
      await (await take(store))!.release()
    } finally {
      await narrow.close()
    }
  })

  test('one whose process died in the midst of a page loses the connection within the lease', async () => {
    const leaseMs = 600
    const dying = await openTestStore({ connectionString: database.connectionString })
    const runId = await hub.queue(['contacts'])
    const lease = (await Lease.take(dying, hub.workspaceId, hub.connectionId, runId, leaseMs))!
    const begun = Promise.withResolvers<number>()
    const page = dying.transaction(hub.workspaceId, async (tx) => {
      await lease.check(tx)
      const row = await tx.find(sql<{ pid: number }>`select pg_backend_pid() as pid`)
      begun.resolve(row?.pid ?? 0)
      await tx.execute(sql`select pg_sleep(20)`)
    })
    const isCutOff = page.then(
      () => false,
      () => true,
    )
    const pid = await begun.promise
    const diedAtMs = performance.now()
    // Its heartbeats end with its connections.
    const closed = dying.close()
    await runOnServer(`select pg_terminate_backend(${pid})`)
    expect(await isCutOff).toBe(true)
    let young: Lease | null = null
    const take = async () => {
      young ??= await Lease.take(store, hub.workspaceId, hub.connectionId, runId, LEASE_MS)
      return young !== null
    }
    await expect.poll(take, { interval: 20, timeout: 10_000 }).toBe(true)
    // Of the lease six tenths of a second were left at most; the rest is room for a slow machine.
    expect(performance.now() - diedAtMs).toBeLessThan(5000)
    await young!.release()
    await closed
  })

  test('one whose lease was taken over can neither commit nor call', async () => {
    const runId = await hub.queue(['contacts'])
    const take = () => Lease.take(store, hub.workspaceId, hub.connectionId, runId, LEASE_MS)
    const old = await take()
    await old!.release()
    const young = await take()
    expect(young!.fence).toBeGreaterThan(old!.fence)
    await expect(store.transaction(hub.workspaceId, (tx) => old!.check(tx))).rejects.toBeInstanceOf(
      LeaseLost,
    )
    await store.transaction(hub.workspaceId, (tx) => young!.check(tx))
    await young!.release()
  })
})

describe('the schedule', () => {
  const tick = () =>
    store.system(async (tx) => {
      await queueDue(tx, clock.now())
      await queueRetries(tx, clock.now())
    })

  async function performQueued(): Promise<void> {
    const rows = await hub.query(sql<{ id: string }>`
      select id from sync_runs where connection_id = ${hub.connectionId} and state = 'queued' order by id`)
    for (const { id } of rows) await hub.perform(id)
  }

  async function runs() {
    return hub.query(sql<{ cause: string; dueAt: Date; slots: number }>`
      select cause, due_at, slots from sync_runs where connection_id = ${hub.connectionId} order by due_at`)
  }

  test('thirty days with three outages answer each due time exactly once', async () => {
    await hub.addStreams()
    const outages = [
      { fromDay: 4.5, toDay: 5.2 },
      { fromDay: 11.9, toDay: 15.3 },
      { fromDay: 22.95, toDay: 23.02 },
    ]
    const end = start.getTime() + 30 * DAY_MS
    for (; clock.now().getTime() < end; clock.advance(20 * MINUTE_MS)) {
      const day = (clock.now().getTime() - start.getTime()) / DAY_MS
      if (outages.some(({ fromDay, toDay }) => day >= fromDay && day < toDay)) continue
      await Promise.all([tick(), tick(), tick()])
      await performQueued()
    }
    const all = await runs()
    expect(all.reduce((sum, run) => sum + run.slots, 0)).toBe(30)
    const dueTimes = all.map((run) => run.dueAt.getTime())
    expect(new Set(dueTimes).size).toBe(all.length)
    const catchUps = all.filter((run) => run.cause === 'catch_up')
    expect(catchUps.map((run) => run.slots)).toEqual([1, 4, 1])
    expect(all).toHaveLength(27)
  })

  test('a run that a passing fault ended is tried again with growing pauses, and due times stand', async () => {
    await hub.addStreams()
    await hub.addLeads(3)
    const lift = sandbox.down()
    for (let minute = 0; minute < 120; minute += 5) {
      await tick()
      await performQueued()
      clock.advance(5 * MINUTE_MS)
    }
    const failed = await runs()
    expect(failed.map((run) => run.cause)).toEqual(['schedule', 'retry', 'retry', 'retry'])
    lift()
    clock.advance(5 * HOUR_MS)
    await tick()
    await performQueued()
    expect(sandbox.count('contacts')).toBe(3)
    expect((await runs()).reduce((sum, run) => sum + run.slots, 0)).toBe(1)
  })

  test('paused streams and connections rest, and owe one run afterwards', async () => {
    await hub.addStreams()
    await hub.setState('paused')
    clock.advance(3 * DAY_MS)
    await tick()
    expect(await runs()).toEqual([])
    await hub.setState('active')
    await tick()
    expect(await runs()).toMatchObject([{ cause: 'catch_up', slots: 4 }])
  })
})
