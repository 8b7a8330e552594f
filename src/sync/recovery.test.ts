import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { DAY_MS, HOUR_MS, ManualClock, MINUTE_MS } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import type { Store } from '#store/store.ts'
import { Lease, LeaseLost } from '#sync/lease.ts'
import { queueDue, queueRetries } from '#sync/schedule.ts'
import { copyDatabase, openTestStore, runOnServer, type TestDatabase } from '#tests/store.ts'
import { TestHub, testEngine, testTables, type TestEngine } from '#tests/sync.ts'

const start = new Date('2026-11-23T08:00:00Z')
const LEASE_MS = 30_000
/** For a process that is stopped: so that the take-over comes soon, yet a cold start on a busy machine gets through. */
const SHORT_LEASE_MS = 6000
const childFile = fileURLToPath(new URL('../../tests/sync-child.ts', import.meta.url))
const children: ChildProcess[] = []
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
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await sandbox.stop()
  }
})

describe('a process that dies in mid-run', () => {
  test('loses nothing, doubles nothing, and the run goes on to the same end', async () => {
    const leads = await hub.addLeads(3000)
    const dealIds = sandbox.seed({
      records: {
        deals: Array.from({ length: 500 }, (_, i) => ({
          properties: { dealname: `Deal ${i}`, dealstage: 'closedwon', pipeline: 'default' },
        })),
      },
    }).deals
    const runId = await hub.queue()
    const points = [
      { path: '*/properties/*/contacts', count: 1 },
      { path: '*/contacts/batch/upsert', count: 7 },
      // What the first one sent is found there and not sent again: 22 calls are left.
      { path: '*/contacts/batch/upsert', count: 15 },
      { path: '*/associations/*', count: 2 },
    ]
    for (const { path, count } of points) await killAfterCalls(runId, path, count)
    await afterTheLease(() => hub.perform(runId))
    const run = await hub.read(runId)
    expect(run.state).toBe('succeeded')
    const told = await hub.query(sql<{ count: number }>`
      select count(distinct local_id)::integer as count from sync_outcomes
      where run_id = ${runId} and stream = 'contacts'`)
    expect(told).toEqual([{ count: leads.length }])
    expect(sandbox.count('contacts')).toBe(leads.length)
    const held = [...sandbox.records('contacts')].map((one) => one.properties['hub_lead_id'])
    expect(new Set(held)).toEqual(new Set(leads))
    const records = await hub.query(sql<{ externalId: string; writes: number }>`
      select external_id, writes from test_records where entity = 'opportunity'`)
    expect(records.map((record) => record.externalId).sort()).toEqual([...dealIds].sort())
    expect(records.every((record) => record.writes === 1)).toBe(true)
    clock.advance(MINUTE_MS)
    const again = await hub.run(['contacts'])
    expect(Object.keys(again.counts['contacts'] ?? {})).toEqual(['unchanged'])
  }, 120_000)

  /** Performs the run in another process and kills that once the vendor was called so often. */
  async function killAfterCalls(runId: string, path: string, count: number): Promise<void> {
    const lift = sandbox.down({ path, after: count }, { kind: 'slow', delayMs: 600 })
    const child = await afterTheLease(async () => {
      const started = startChild(runId)
      sandbox.clearCalls()
      return started
    })
    const pattern = new RegExp(path.replaceAll('*', '.*'))
    await expect
      .poll(() => sandbox.requests().filter((one) => pattern.test(one.url)).length, {
        interval: 5,
        timeout: 20_000,
      })
      .toBeGreaterThanOrEqual(count)
    child.kill('SIGKILL')
    await once(child, 'exit')
    lift()
    await endLease()
  }
})

function startChild(runId: string, leaseMs = LEASE_MS): ChildProcess {
  const task = {
    databaseUrl: database.connectionString,
    keyFile: inject('keyFile'),
    workspaceId: hub.workspaceId,
    runId,
    leaseMs,
    now: clock.now().toISOString(),
  }
  const child = spawn(process.execPath, [childFile, JSON.stringify(task)], { stdio: 'ignore' })
  children.push(child)
  return child
}

/** What the passing of time does to the lease of a process that is gone. */
async function endLease(): Promise<void> {
  await store.transaction(hub.workspaceId, (tx) =>
    tx.execute(sql`
      update sync_leases set held_until = clock_timestamp() where connection_id = ${hub.connectionId}`),
  )
}

/** Waits until nobody holds the connection. */
async function afterTheLease<T>(work: () => Promise<T>): Promise<T> {
  const isFree = async () => {
    const rows = await hub.query(sql<{ free: boolean }>`
      select held_until is null or held_until < clock_timestamp() as free
      from sync_leases where connection_id = ${hub.connectionId}`)
    return rows[0]?.free
  }
  await expect.poll(isFree, { interval: 20, timeout: 20_000 }).toBe(true)
  return work()
}

describe('two processes', () => {
  test('only one works on a connection at a time', async () => {
    await hub.addLeads(300)
    const runId = await hub.queue(['contacts'])
    const ends = await Promise.all([hub.perform(runId), hub.perform(runId), hub.perform(runId)])
    expect(ends.sort()).toEqual(['busy', 'busy', 'done'])
    expect(sandbox.count('contacts')).toBe(300)
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

  test('one that was stopped for longer than its lease leaves no trace when it goes on', async () => {
    await hub.addLeads(4000)
    const runId = await hub.queue(['contacts'])
    const lift = sandbox.down({ path: '*/batch/upsert', after: 5 }, { kind: 'slow', delayMs: 400 })
    const child = startChild(runId, SHORT_LEASE_MS)
    await expect
      .poll(() => sandbox.requests().filter((one) => one.url.endsWith('/upsert')).length, {
        interval: 5,
        timeout: 20_000,
      })
      .toBeGreaterThanOrEqual(6)
    child.kill('SIGSTOP')
    lift()
    expect(await afterTheLease(() => hub.perform(runId))).toBe('done')
    const ended = await hub.read(runId)
    expect(ended).toMatchObject({ state: 'succeeded', counts: { contacts: {} } })
    sandbox.clearCalls()
    child.kill('SIGCONT')
    await once(child, 'exit')
    expect(sandbox.requests()).toEqual([])
    // The calls that it had made before it was stopped still go into the ledger.
    expect(await hub.read(runId)).toEqual({ ...ended, calls: expect.any(Number) })
    expect(sandbox.count('contacts')).toBe(4000)
  }, 60_000)
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
  }, 120_000)

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
