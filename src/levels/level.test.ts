import fc from 'fast-check'
import { Client } from 'pg'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { HOUR_MS, MINUTE_MS } from '#core/time.ts'
import { bucketOf, BUCKETS, endOfBucketMs, percentileMs } from '#levels/histogram.rules.ts'
import {
  alertOf,
  budgetLeft,
  burnRate,
  callObjectives,
  levelOf,
  type CallCount,
} from '#levels/level.rules.ts'
import { ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'

interface Line {
  workspaceId: string
  operation: string
  status: number
  durationMs: number
}

const lines: Line[] = []
const log = pino(
  { level: 'info' },
  {
    write(text: string) {
      const line = JSON.parse(text) as Line & { msg: string }
      if (line.msg.startsWith('request')) lines.push(line)
    },
  },
)
const clock = new ManualClock(new Date('2026-11-23T09:00:00Z'))
const hub = useHub({ clock, log })

/** The nearest-rank percentile of the durations themselves, rounded up to the edge that figures are kept to. */
function plainPercentile(durations: readonly number[], share: number): number {
  const sorted = [...durations].sort((a, b) => a - b)
  return endOfBucketMs(bucketOf(sorted[Math.ceil(share * sorted.length) - 1]!))
}

async function levels(workspace: TestWorkspace, window: string) {
  const answer = await workspace.get(`/api/v1/service-levels?window=${window}&limit=500`)
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

/** Holds a read of channels up for so long, in the database. */
async function slowDown(read: () => Promise<unknown>, seconds: number): Promise<void> {
  const blocker = new Client({ connectionString: hub.app.store.connectionString })
  await blocker.connect()
  try {
    await blocker.query('begin; lock table channels in access exclusive mode')
    const waiting = read()
    await expect
      .poll(async () => {
        const { rows } = await blocker.query(
          `select count(*)::int as n from pg_locks where relation = 'channels'::regclass and not granted`,
        )
        return rows[0].n
      })
      .toBeGreaterThan(0)
    await blocker.query('select pg_sleep($1)', [seconds])
    await blocker.query('commit')
    await waiting
  } finally {
    await blocker.end()
  }
}

test('what is refused at a route whose wire is not ours counts among the calls', async () => {
  const workspace = await hub.freshWorkspace()
  const blind = await workspace.withKey({ scopes: ['campaigns:read'] })
  const path = '/api/v1/imports/imp_0/rejects.csv'
  expect((await blind.get(path)).status).toBe(403)
  expect((await workspace.get(path)).status).toBe(404)
  clock.advance(MINUTE_MS)
  await hub.app.levels.flush()
  const { data } = await levels(workspace, '5m')
  const row = data.find((one: Line) => one.operation === 'downloadImportRejects')
  expect(row).toMatchObject({ calls: 2, refused: 2, faults: 0 })
})

test('a delay shows once its minute is over, and all figures are those of the calls that were made', async () => {
  const workspace = await hub.freshWorkspace()
  for (let i = 0; i < 12; i += 1) await workspace.get('/api/v1/channels')
  await workspace.get('/api/v1/leads/lead_0')
  await workspace.get('/api/v1/channels?limit=0')
  await workspace.get('/api/v1/channels?format=csv')
  await slowDown(() => workspace.get('/api/v1/channels'), 0.6)
  clock.advance(MINUTE_MS)
  await hub.app.levels.flush()
  const made = lines.filter((line) => line.workspaceId === workspace.id)
  for (const window of ['5m', '7d']) {
    const { total, data } = await levels(workspace, window)
    const byOperation = Map.groupBy(made, (line) => line.operation)
    expect(data.map((row: Line) => row.operation)).toEqual([...byOperation.keys()].sort())
    for (const row of data) {
      const own = byOperation.get(row.operation)!
      const durations = own.map((line) => line.durationMs)
      expect(row).toMatchObject({
        calls: own.length,
        refused: own.filter((line) => line.status >= 400).length,
        faults: 0,
        p50Ms: plainPercentile(durations, 0.5),
        p90Ms: plainPercentile(durations, 0.9),
        p99Ms: plainPercentile(durations, 0.99),
      })
    }
    const channels = data.find((row: Line) => row.operation === 'listChannels')
    expect(channels).toMatchObject({ calls: 14, refused: 1, route: 'GET /api/v1/channels' })
    expect(channels.p99Ms).toBeGreaterThan(600)
    const ofApi = made.filter((line) => !line.operation.endsWith('.csv'))
    expect(total).toMatchObject({ calls: ofApi.length, errorRate: 0 })
  }
  const { data } = (await workspace.get('/api/v1/service-levels/objectives')).body
  const slow = made.filter((line) => !line.operation.endsWith('.csv') && line.durationMs >= 500)
  expect(data.find((one: { id: string }) => one.id === 'latency_p90')).toMatchObject({
    total: made.length - 1,
    bad: slow.length,
  })
  expect(data.find((one: { id: string }) => one.id === 'uptime')).toMatchObject({
    total: 0,
    good: null,
    met: null,
  })
})

test('minutes go after a day, hours stay, and nobody sees another workspace', async () => {
  const [one, other] = [await hub.freshWorkspace(), await hub.freshWorkspace()]
  for (let i = 0; i < 3; i += 1) {
    await one.get('/api/v1/workspace')
    clock.advance(MINUTE_MS)
    await hub.app.levels.flush()
  }
  expect((await levels(one, '5m')).total.calls).toBe(3)
  expect((await levels(other, '5m')).total.calls).toBe(0)
  clock.advance(27 * HOUR_MS)
  await hub.app.levels.flush()
  await hub.app.jobs.tick()
  expect((await levels(one, '1d')).total.calls).toBe(0)
  expect((await levels(one, '7d')).total.calls).toBeGreaterThanOrEqual(4)
})

describe('spans of time', () => {
  test('hold each duration, within a tenth above it, and have 200 and 500 ms as edges', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 99_999, noNaN: true }), (ms) => {
        const bucket = bucketOf(ms)
        const end = endOfBucketMs(bucket)
        const us = Math.round(ms * 1000)
        expect(end * 1000).toBeGreaterThan(us)
        expect(end * 1000).toBeLessThanOrEqual(us * 1.1 + 1)
        if (bucket > 0) expect(Math.round(endOfBucketMs(bucket - 1) * 1000)).toBeLessThanOrEqual(us)
      }),
    )
    expect(endOfBucketMs(bucketOf(199.9))).toBe(200)
    expect(endOfBucketMs(bucketOf(500))).toBeGreaterThan(500)
    expect(bucketOf(0)).toBe(0)
    expect(bucketOf(1e9)).toBe(BUCKETS - 1)
    expect(percentileMs(new Map(), 0.5)).toBeNull()
  })
})

describe('objectives', () => {
  const counts: CallCount[] = [
    { class: 'ok', bucket: bucketOf(150), calls: 960 },
    { class: 'ok', bucket: bucketOf(600), calls: 20 },
    { class: 'fault', bucket: bucketOf(10), calls: 20 },
    { class: 'refused', bucket: bucketOf(1), calls: 100 },
    { class: 'limited', bucket: bucketOf(250), calls: 5000 },
  ]

  test('count what they say, worked by hand', () => {
    expect(levelOf(counts)).toMatchObject({ calls: 6100, faults: 20, errorRate: 0.02 })
    const [p90, , errors] = callObjectives
    expect(p90!.count(counts)).toEqual({ total: 1100, bad: 20 })
    expect(errors!.count(counts)).toEqual({ total: 1000, bad: 20 })
    expect(burnRate({ total: 1000, bad: 20 }, 0.99)).toBeCloseTo(2)
    expect(budgetLeft({ total: 1000, bad: 20 }, 0.99)).toBeCloseTo(-1)
    expect(burnRate({ total: 0, bad: 0 }, 0.99)).toBeNull()
  })

  test('alarm when a long and a short window burn, not when it is over or was a moment', () => {
    expect(alertOf({ '5m': 20, '1h': 15, '30m': 0, '6h': 0 })).toBe('fast')
    expect(alertOf({ '5m': 0, '1h': 15, '30m': 7, '6h': 7 })).toBe('slow')
    expect(alertOf({ '5m': 50, '1h': 5, '30m': 9, '6h': 1 })).toBeNull()
    expect(alertOf({ '5m': null, '1h': null, '30m': null, '6h': null })).toBeNull()
  })
})
