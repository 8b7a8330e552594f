import { sql } from 'kysely'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { createWorkspace } from '#access/bootstrap.ts'
import { silentLog } from '#core/log.ts'
import { createMetrics } from '#core/metrics.ts'
import { DAY_MS, HOUR_MS, ManualClock } from '#core/time.ts'
import { startJobs } from '#jobs/engine.ts'
import { defineJob, type OutboxEvent, type Subscriber, type Timer } from '#jobs/job.ts'
import { openStore } from '#store/connect.ts'
import type { Store } from '#store/store.ts'

let store: Store
let workspaceId: string
const clock = new ManualClock(new Date('2026-03-01T00:00:00Z'))

beforeAll(async () => {
  store = await openStore({
    connectionString: inject('databaseUrl'),
    keyFile: inject('keyFile'),
    log: silentLog,
    poolSize: 6,
  })
  workspaceId = await createWorkspace(
    store,
    { name: 'Jobs', currency: 'EUR', timeZone: 'UTC' },
    clock.now(),
    async () => {},
  )
})
afterAll(() => store.close())

let names = 0
const unique = (name: string) => `test.${name}.${process.pid}.${(names += 1)}`

function start(parts: {
  jobs?: ReturnType<typeof defineJob>[]
  subscribers?: Subscriber[]
  timers?: Timer[]
}) {
  return startJobs({
    store,
    clock,
    log: silentLog,
    metrics: createMetrics(),
    jobs: [],
    subscribers: [],
    timers: [],
    active: false,
    ...parts,
  })
}

async function tell(event: string, subjectIds: string[]): Promise<void> {
  await store.transaction(workspaceId, async (tx) => {
    for (const subjectId of subjectIds) {
      await tx.execute(
        sql`insert into outbox (workspace_id, event, subject_id, occurred_at) values (${workspaceId}, ${event}, ${subjectId}, ${clock.now()})`,
      )
    }
  })
}

test('a subscriber gets its events in commit order, also those of a transaction that began first and committed last', async () => {
  const event = unique('event')
  const got: string[] = []
  const subscriber: Subscriber = {
    name: unique('order'),
    events: [event],
    handle: async (events) => void got.push(...events.map((one) => one.subjectId)),
  }
  const jobs = await start({ subscribers: [subscriber] })
  const slow = new Client({ connectionString: inject('databaseUrl') })
  await slow.connect()
  await slow.query('begin')
  await slow.query(
    `insert into outbox (workspace_id, event, subject_id, occurred_at) values ($1, $2, 'late', now())`,
    [workspaceId, event],
  )
  await tell(event, ['one', 'two'])
  const draining = jobs.drain() // waits: what is committed already may not pass what is still on its way
  await tell(unique('another'), ['three'])
  expect(got).toEqual([])
  await slow.query('commit')
  await slow.end()
  await draining
  expect(got).toEqual(['late', 'one', 'two'])
  await jobs.drain()
  expect(got).toHaveLength(3)
  await jobs.stop()
})

test('an event that always fails is buried where it can be seen, and the others have their effect once', async () => {
  const event = unique('event')
  const name = unique('poison')
  const handle = async (
    events: readonly OutboxEvent[],
    tx: Parameters<Subscriber['handle']>[1],
  ) => {
    for (const one of events) {
      await tx.execute(
        sql`insert into channels (workspace_id, key, label, created_at) values (${workspaceId}, ${one.subjectId}, 'x', now())`,
      )
      if (one.subjectId === 'bad') throw new RangeError('always')
    }
  }
  const jobs = await start({ subscribers: [{ name, events: [event], handle }] })
  await tell(event, ['good', 'bad', 'fine'])
  await jobs.drain()
  const [channels, dead] = await store.transaction(workspaceId, async (tx) => [
    await tx.query(sql<{ key: string }>`select key from channels order by key`),
    await tx.query(
      sql<{
        subjectId: string
        error: string
      }>`select subject_id, error from dead_events where subscriber = ${name}`,
    ),
  ])
  expect(channels.map((row) => row.key)).toEqual(['fine', 'good'])
  expect(dead).toEqual([
    { subjectId: 'bad', error: expect.stringMatching(/^RangeError at src\/jobs\//) },
  ])
  await jobs.stop()
})

test('two processes share a subscriber without handling an event twice', async () => {
  const event = unique('event')
  const counts = new Map<string, number>()
  const subscriber: Subscriber = {
    name: unique('shared'),
    events: [event],
    handle: async (events) => {
      for (const one of events) counts.set(one.subjectId, (counts.get(one.subjectId) ?? 0) + 1)
    },
  }
  const [one, two] = [
    await start({ subscribers: [subscriber] }),
    await start({ subscribers: [subscriber] }),
  ]
  const ids = Array.from({ length: 1200 }, (_, i) => `s${i}`)
  await tell(event, ids)
  await Promise.all([one.drain(), two.drain()])
  expect(counts.size).toBe(ids.length)
  expect([...counts.values()].every((count) => count === 1)).toBe(true)
  await Promise.all([one.stop(), two.stop()])
})

test('a daily timer runs once a day over a month, and once for all that was missed in an outage', async () => {
  const runs: string[] = []
  const timer: Timer = {
    name: unique('daily'),
    everyMs: DAY_MS,
    run: async () => void runs.push(clock.now().toISOString().slice(0, 10)),
  }
  const [one, two] = [await start({ timers: [timer] }), await start({ timers: [timer] })]
  for (let hour = 0; hour < 30 * 24; hour += 1) {
    clock.advance(HOUR_MS)
    const day = hour / 24
    const isDown = (day > 5 && day < 6.5) || (day > 12 && day < 15.2) || (day > 20 && day < 20.6)
    if (!isDown) await Promise.all([one.tick(), two.tick()])
  }
  expect(new Set(runs).size).toBe(runs.length)
  expect(runs).toHaveLength(28) // 30 due times; two passed within the second outage beside the one that is made up for
  await Promise.all([one.stop(), two.stop()])
})

test('a job runs with its input, and one key waits once', async () => {
  const ran: number[] = []
  const name = unique('job')
  const job = defineJob({
    name,
    input: z.object({ value: z.number() }),
    concurrency: 1,
    retryLimit: 1,
    timeoutMs: 10_000,
    run: async ({ value }) => void ran.push(value),
  })
  const jobs = await start({ jobs: [job] })
  for (const value of [1, 2]) await jobs.enqueue(name, { value }, { singletonKey: 'same' })
  await jobs.enqueue(name, { value: 3 })
  await jobs.drain()
  expect(ran).toEqual([1, 3])
  await jobs.stop()
})

test('left to itself, the relay hands on an event soon after its commit', async () => {
  const event = unique('event')
  const handled = Promise.withResolvers<void>()
  const subscriber: Subscriber = {
    name: unique('awake'),
    events: [event],
    handle: async () => handled.resolve(),
  }
  const warnings: unknown[] = []
  const log = {
    ...silentLog,
    warn: (...args: unknown[]) => void warnings.push(args),
  } as typeof silentLog
  const jobs = await startJobs({
    store,
    clock,
    log,
    metrics: createMetrics(),
    jobs: [],
    subscribers: [subscriber],
    timers: [],
    active: true,
  })
  await tell(event, ['now'])
  await handled.promise
  await jobs.stop()
  expect(warnings).toEqual([])
})
