import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { silentLog } from '#core/log.ts'
import { DAY_MS, HOUR_MS, ManualClock, MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { fence, Lease } from '#jobs/lease.ts'
import type { Timer } from '#jobs/job.ts'
import { openJobsBench, type JobsBench } from '#tests/jobs.ts'

let clock: ManualClock
let bench: JobsBench
beforeAll(async () => {
  bench = await openJobsBench()
})
beforeEach(() => {
  clock = new ManualClock(new Date('2026-03-01T00:00:00Z'))
})
afterAll(() => bench.close())

const rowOf = (name: string) =>
  bench.store.system((tx) =>
    tx.find(sql<{
      nextDueAt: Date
      lastRunAt: Date | null
      failures: number
      holder: string | null
    }>`
      select next_due_at, last_run_at, failures, holder from timers where name = ${name}`),
  )

test('over a month with outages and two processes each due time runs once, and an outage is made up for by one run', async () => {
  const runs: string[] = []
  const timer: Timer = {
    name: 'six-hourly',
    everyMs: 6 * HOUR_MS,
    run: async () => void runs.push(clock.now().toISOString().slice(5, 16)),
  }
  const processes = [
    await bench.start({ clock, timers: [timer] }),
    await bench.start({ clock, timers: [timer] }),
  ]
  const isDown = (hour: number) =>
    (hour > 100 && hour < 127) || (hour > 300 && hour < 303) || (hour > 500 && hour < 560)
  let expected = 0
  let missed = 0
  for (let hour = 1; hour <= 30 * 24; hour++) {
    clock.advance(HOUR_MS)
    const isDue = hour % 6 === 0
    if (isDown(hour)) {
      if (isDue) missed += 1
      continue
    }
    await Promise.all(processes.map((one) => one.tick()))
    if (isDue || missed > 0) expected += 1 // what was missed is made up for at the first hour after the outage
    missed = 0
  }
  expect(new Set(runs).size).toBe(runs.length)
  expect(runs).toHaveLength(expected)
  expect(expected).toBeLessThan(120) // 120 due times in the month
})

test('a run that fails is tried again after a minute at most, and then goes on in its rhythm', async () => {
  let failing = true
  const timer: Timer = {
    name: 'failing',
    everyMs: DAY_MS,
    run: () => (failing ? Promise.reject(new Error('broken')) : Promise.resolve()),
  }
  const jobs = await bench.start({ clock, timers: [timer] })
  clock.advance(DAY_MS)
  expect(await jobs.tick()).toContain('failing')
  expect(await rowOf('failing')).toMatchObject({ failures: 1, lastRunAt: null })
  expect(await jobs.tick()).not.toContain('failing')
  failing = false
  clock.advance(MINUTE_MS)
  expect(await jobs.tick()).toContain('failing')
  expect(await rowOf('failing')).toMatchObject({
    failures: 0,
    lastRunAt: clock.now(),
    holder: null,
  })
  clock.advance(DAY_MS)
  expect(await jobs.tick()).toContain('failing')
})

test('a timer that takes long keeps no other waiting and is not begun twice', async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  let begun = 0
  const slow: Timer = {
    name: 'slow',
    everyMs: MINUTE_MS,
    async run() {
      begun += 1
      await released
    },
  }
  const quick: Timer = { name: 'quick', everyMs: MINUTE_MS, run: async () => undefined }
  const [one, two] = [
    await bench.start({ clock, timers: [slow, quick] }),
    await bench.start({ clock, timers: [slow, quick] }),
  ]
  clock.advance(MINUTE_MS)
  const first = one.tick()
  await expect.poll(() => begun).toBe(1)
  for (let minute = 0; minute < 3; minute++) {
    clock.advance(MINUTE_MS)
    expect(await two.tick()).toEqual(['quick'])
  }
  release()
  await first
  expect(begun).toBe(1)
})

describe('a process that dies in a run', () => {
  const timer = (name: string): Timer => ({ name, everyMs: DAY_MS, run: async () => undefined })
  const holdFor = (name: string, seconds: number) =>
    bench.store.system((tx) =>
      tx.execute(sql`
        update timers set holder = 'a dead process', held_until = clock_timestamp() + make_interval(secs => ${seconds}) where name = ${name}`),
    )

  test('is replaced for the same due time, though not while it may be alive', async () => {
    const jobs = await bench.start({ clock, timers: [timer('replaced')] })
    clock.advance(DAY_MS)
    await holdFor('replaced', 25)
    expect(await jobs.tick()).not.toContain('replaced')
    await holdFor('replaced', -1)
    expect(await jobs.tick()).toContain('replaced')
    expect(await rowOf('replaced')).toMatchObject({
      nextDueAt: new Date(clock.now().getTime() + DAY_MS),
    })
  })

  test('cannot note its run when it was only paused and another one has taken over', async () => {
    let takeOver = async () => {}
    const paused: Timer = { ...timer('paused'), run: () => takeOver() }
    const jobs = await bench.start({ clock, timers: [paused] })
    takeOver = () => holdFor('paused', 25).then(() => undefined) // as another process would, while this one sleeps
    clock.advance(DAY_MS)
    await jobs.tick()
    expect(await rowOf('paused')).toMatchObject({ lastRunAt: null, holder: 'a dead process' })
  })
})

describe('a lease', () => {
  const lease = (options: Partial<ConstructorParameters<typeof Lease>[0]>) =>
    new Lease({ ms: 60, renewEveryMs: 1000, renew: async () => true, log: silentLog, ...options })

  test('that runs out while its holder is paused lets nothing be committed any more', async () => {
    const short = lease({})
    const fenced = fence(bench.store, short)
    const workspaceId = await bench.freshWorkspaceId()
    const pause = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100) // the whole process stands still
    const late = fenced.system(async (tx) => {
      await tx.execute(
        sql`insert into timers (name, every_ms, next_due_at) values ('late', 1, now())`,
      )
      pause()
    })
    await expect(late).rejects.toThrow('The lease is over')
    expect(await rowOf('late')).toBeNull()
    await expect(fenced.transaction(workspaceId, async () => undefined)).rejects.toThrow(
      'The lease is over',
    )
    expect(short.lost.aborted).toBe(true)
    short.end()
  })

  test('lasts as long as it is renewed, and is lost when somebody else has it', async () => {
    let isOurs = true
    let renewals = 0
    const renewed = lease({
      ms: 400,
      renewEveryMs: 20,
      renew: async () => {
        renewals += 1
        return isOurs
      },
    })
    await expect.poll(() => renewals).toBeGreaterThan(25) // more than its own time
    renewed.check()
    isOurs = false
    await expect.poll(() => renewed.lost.aborted).toBe(true)
    expect(() => renewed.check()).toThrow('The lease is over')
    renewed.end()
  })
})

test('when the clock is set back, short timers go on and longer ones do not run again', async () => {
  const ran: string[] = []
  const timer = (name: string, everyMs: number): Timer => ({
    name,
    everyMs,
    run: async () => void ran.push(name),
  })
  const timers = [timer('minutely', MINUTE_MS), timer('daily', DAY_MS)]
  const jobs = await bench.start({ clock, timers })
  clock.advance(DAY_MS)
  await jobs.tick()
  expect(ran.toSorted()).toEqual(['daily', 'minutely'])
  clock.advance(-DAY_MS)
  await jobs.tick()
  for (let second = 0; second < 120; second += 30) {
    clock.advance(30 * SECOND_MS)
    await jobs.tick()
  }
  expect(ran.filter((name) => name === 'daily')).toHaveLength(1)
  expect(ran.filter((name) => name === 'minutely').length).toBeGreaterThanOrEqual(3)
})

test('a timer whose interval was shortened does not wait out the old one', async () => {
  const timer = (everyMs: number): Timer => ({
    name: 'changed',
    everyMs,
    run: async () => undefined,
  })
  await bench.start({ clock, timers: [timer(DAY_MS)] })
  await bench.start({ clock, timers: [timer(MINUTE_MS)] })
  expect(await rowOf('changed')).toMatchObject({
    nextDueAt: new Date(clock.now().getTime() + MINUTE_MS),
  })
})
