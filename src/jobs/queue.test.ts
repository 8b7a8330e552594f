import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { defineJob, type Job, type JobContext, type Subscriber } from '#jobs/job.ts'
import { runOnServer } from '#tests/store.ts'
import { emit, openJobsBench, type JobsBench } from '#tests/jobs.ts'

let bench: JobsBench
beforeAll(async () => {
  bench = await openJobsBench()
})
afterAll(() => bench.close())

let names = 0
type Run = (
  input: { value: number; workspaceId?: string | undefined },
  context: JobContext,
) => Promise<void>
function jobOf(run: Run, options: Partial<Job> = {}): Job {
  const input = z.object({ value: z.number(), workspaceId: z.string().optional() })
  const name = `test.job.${(names += 1)}`
  return defineJob({
    name,
    input,
    concurrency: 1,
    retryLimit: 0,
    timeoutMs: MINUTE_MS,
    run,
    ...options,
  })
}

test('a job is taken up soon after it is queued, and one that is due later soon after that', async () => {
  const times: number[] = []
  const job = jobOf(async () => void times.push(performance.now()))
  const jobs = await bench.start({ jobs: [job], active: true })
  const queuedAtMs = performance.now()
  await jobs.enqueue(job.name, { value: 1 })
  await expect.poll(() => times.length, { timeout: 5000, interval: 10 }).toBe(1)
  expect(times[0]! - queuedAtMs).toBeLessThan(2000)
  const dueInMs = 1500
  await jobs.enqueue(job.name, { value: 2 }, { startAfter: new Date(Date.now() + dueInMs) })
  const laterAtMs = performance.now()
  await expect.poll(() => times.length, { timeout: 10_000, interval: 10 }).toBe(2)
  expect(times[1]! - laterAtMs).toBeGreaterThan(dueInMs - 200)
  expect(times[1]! - laterAtMs).toBeLessThan(dueInMs + 3000) // the poll alone would take up to 10 s
})

test('drain runs what is due within a minute too, and leaves nothing queued or active', async () => {
  const ran: number[] = []
  const job = jobOf(async ({ value }, context) => {
    ran.push(value)
    if (value === 1) {
      const startAfter = new Date(Date.now() + SECOND_MS)
      await context.enqueue(job.name, { value: 2 }, { startAfter, singletonKey: 'next' })
    }
  })
  const jobs = await bench.start({ jobs: [job] })
  await jobs.enqueue(job.name, { value: 1 })
  await jobs.enqueue(job.name, { value: 9 }, { startAfter: new Date(Date.now() + 60 * MINUTE_MS) })
  await jobs.drain()
  expect(ran.filter((value) => value !== 9)).toEqual([1, 2])
})

test('a job that keeps failing is dead and visible without personal data, and succeeds when it is queued again', async () => {
  const workspaceId = await bench.freshWorkspaceId()
  let isRepaired = false
  const ran: number[] = []
  const job = jobOf(async ({ value }) => {
    if (!isRepaired) throw new RangeError('ada@example.com is broken')
    ran.push(value)
  })
  const jobs = await bench.start({ jobs: [job] })
  await jobs.enqueue(job.name, { value: 7, workspaceId })
  await expect(jobs.drain()).rejects.toThrow('ada@example.com is broken')
  const [dead, ...others] = await jobs.listDead(workspaceId, 10)
  expect(dead).toMatchObject({ name: job.name, input: { value: 7, workspaceId }, tries: 1 })
  expect(dead?.failure).toMatch(/^RangeError at src\/jobs\/queue\.test\.ts/)
  expect(others).toEqual([])
  const kept = await bench.store.system((tx) =>
    tx.find(sql<{ text: string }>`select string_agg(j::text, ' ') as text from pgboss.job j`),
  )
  expect(kept?.text).not.toContain('ada@')
  isRepaired = true
  expect(await jobs.retryDead(dead!.id)).toBe(true)
  await jobs.drain()
  expect(ran).toEqual([7])
  expect(await jobs.listDead(workspaceId, 10)).toEqual([])
  expect(await jobs.retryDead(dead!.id)).toBe(false)
})

test('the same holds for a worker by itself, after all its tries', async () => {
  const workspaceId = await bench.freshWorkspaceId()
  let tries = 0
  const job = jobOf(
    async () => {
      tries += 1
      throw new Error('ada@example.com again')
    },
    { retryLimit: 1 },
  )
  const jobs = await bench.start({ jobs: [job], active: true })
  await jobs.enqueue(job.name, { value: 1, workspaceId })
  await expect.poll(() => jobs.listDead(workspaceId, 1), { timeout: 25_000 }).toHaveLength(1)
  expect(tries).toBe(2)
  const kept = await bench.store.system((tx) =>
    tx.find(sql<{ text: string }>`select string_agg(j::text, ' ') as text from pgboss.job j`),
  )
  expect(kept?.text).not.toContain('ada@')
})

test('an input that does not fit is a failure of its own and stops nothing else', async () => {
  const ran: number[] = []
  const job = jobOf(async ({ value }) => void ran.push(value))
  const jobs = await bench.start({ jobs: [job] })
  await jobs.enqueue(job.name, { value: 'x' })
  await expect(jobs.drain()).rejects.toThrow()
  await jobs.enqueue(job.name, { value: 1 })
  await jobs.drain()
  expect(ran).toEqual([1])
  await expect(jobs.enqueue('nobody.knows', {})).rejects.toThrow('There is no job nobody.knows')
})

test('a changed retry limit applies to jobs that are queued from then on', async () => {
  let tries = 0
  const job = jobOf(async () => {
    tries += 1
    throw new Error('broken')
  })
  await bench.start({ jobs: [job] })
  const jobs = await bench.start({ jobs: [{ ...job, retryLimit: 1 }] })
  await jobs.enqueue(job.name, { value: 1 })
  for (let n = 0; n < 2; n++) await expect(jobs.drain()).rejects.toThrow('broken')
  await jobs.drain()
  expect(tries).toBe(2)
})

test('a stop tells running jobs and waits for them', async () => {
  let state = 'queued'
  const job = jobOf(async (_input, { signal }) => {
    state = 'running'
    await once(signal, 'abort')
    state = 'told'
    await new Promise((resolve) => setTimeout(resolve, 200)) // its last page
    state = 'ended'
  })
  const jobs = await bench.start({ jobs: [job], active: true })
  await jobs.enqueue(job.name, { value: 1 })
  await expect.poll(() => state).toBe('running')
  await jobs.stop()
  expect(state).toBe('ended')
})

test('queue, relay and timers go on after the database dropped every connection', async () => {
  const ran: number[] = []
  const job = jobOf(async ({ value }) => void ran.push(value))
  const jobs = await bench.start({ jobs: [job], active: true })
  const name = new URL(bench.connectionString.replace('@/', '@localhost/')).pathname.slice(1)
  for (let round = 1; round <= 3; round++) {
    await runOnServer(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
    )
    await expect
      .poll(() =>
        jobs.enqueue(job.name, { value: round }).then(
          () => 'queued',
          () => 'refused',
        ),
      )
      .toBe('queued')
    await expect.poll(() => ran.includes(round), { timeout: 15_000 }).toBe(true)
  }
})

test('the job of a killed process is taken up again after 12 to 30 s', async () => {
  const CHILD = fileURLToPath(import.meta.resolve('#tests/queue-child.ts'))
  const child = spawn(process.execPath, [CHILD, bench.connectionString, inject('keyFile')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ran: number[] = []
  const job = jobOf(async ({ value }) => void ran.push(value), {
    name: 'test.killed',
    retryLimit: 2,
  })
  const idle = await bench.start({ jobs: [job] })
  await idle.enqueue(job.name, { value: 5 })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  const killedAtMs = performance.now()
  await bench.start({ jobs: [job], active: true })
  await expect.poll(() => ran, { timeout: 40_000, interval: 100 }).toEqual([5])
  expect(performance.now() - killedAtMs).toBeLessThan(30_000)
})

test('a job that a subscriber asks for sees what the subscriber wrote, also when one waited under its key before', async () => {
  const workspaceId = await bench.freshWorkspaceId()
  const seen: number[] = []
  const job = jobOf(async () => {
    const row = await bench.store.system((tx) =>
      tx.find(
        sql<{
          last: number
        }>`select max(seq) as last from dead_events where subscriber = 'test.marks'`,
      ),
    )
    seen.push(row?.last ?? 0)
  })
  const subscriber: Subscriber = {
    name: 'test.marks',
    events: ['mark.made'],
    async handle(events, tx, context) {
      const last = events.at(-1)!
      await tx.execute(sql`
        insert into dead_events (subscriber, seq, event, subject_id, error, tries, failed_at, state)
        values ('test.marks', ${last.seq}, 'x', 'x', 'x', 1, now(), 'dismissed')`) // any row that the job can look for
      await context.enqueue(job.name, { value: 1 }, { singletonKey: 'same' })
      await tx.execute(sql`select pg_sleep(0.02)`) // a while until the commit, in which a worker could be too quick
    },
  }
  const jobs = await bench.start({ jobs: [job], subscribers: [subscriber], active: true })
  for (let n = 0; n < 15; n++) {
    await bench.store.transaction(workspaceId, (tx) => emit(tx, 'mark.made', [String(n)]))
    await new Promise((resolve) => setTimeout(resolve, n * 3)) // ever another phase of the two
  }
  await jobs.drain()
  const newest = await bench.store.system((tx) =>
    tx.find(sql<{ seq: number }>`select max(seq) as seq from outbox where event = 'mark.made'`),
  )
  expect(seen.at(-1)).toBe(newest?.seq)
})

test('a job that a failing subscriber asked for does not exist', async () => {
  const workspaceId = await bench.freshWorkspaceId()
  const ran: number[] = []
  const job = jobOf(async ({ value }) => void ran.push(value))
  let tries = 0
  const subscriber: Subscriber = {
    name: 'test.second-thoughts',
    events: ['thought.had'],
    async handle(_events, _tx, context) {
      tries += 1
      await context.enqueue(job.name, { value: tries })
      if (tries < 3) throw new Error('not yet')
      await expect(context.enqueue('nobody.knows', {})).rejects.toThrow(
        'There is no job nobody.knows',
      )
    },
  }
  const jobs = await bench.start({ jobs: [job], subscribers: [subscriber] })
  await bench.store.transaction(workspaceId, (tx) => emit(tx, 'thought.had', ['x']))
  await jobs.drain()
  expect(ran).toEqual([3])
})
