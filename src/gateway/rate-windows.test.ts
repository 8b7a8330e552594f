import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from 'kysely'
import { installationSealer } from '#access/installation.ts'
import { silentLog } from '#core/log.ts'
import { createLimiter } from '#gateway/limiter.ts'
import { RateWindows } from '#gateway/rate-windows.ts'
import type { Store } from '#store/store.ts'
import { useHub } from '#tests/hub.ts'

const hub = useHub()
let store: Store
const sealer = () => installationSealer(store)
beforeAll(async () => {
  store = hub.app.store
  await sealer()
})

/** A process as the limiter sees it, and how often it asked the database. */
function newProcess(windowMs?: number) {
  const asked = { count: 0 }
  const counted: Pick<Store, 'system'> = {
    system: (work) => {
      asked.count += 1
      return store.system(work)
    },
  }
  return { asked, windows: new RateWindows(counted, sealer, silentLog, windowMs) }
}
const opened: RateWindows[] = []
afterAll(async () => {
  await Promise.all(opened.map((windows) => windows.flush(true)))
})

/** Clients by turns at the processes, each until it is refused. */
async function hammer(processes: readonly RateWindows[], key: string, limit: number) {
  let admitted = 0
  await Promise.all(
    Array.from({ length: 16 }, async (_, i) => {
      const windows = processes[i % processes.length]!
      while ((await windows.take(key, limit)).state.allowed) admitted += 1
    }),
  )
  return admitted
}

test('sixteen clients at two processes are let through exactly as often as the limit says, with few questions to the database', async () => {
  const [a, b] = [newProcess(), newProcess()]
  opened.push(a.windows, b.windows)
  expect(await hammer([a.windows, b.windows], 'key_exact', 3000)).toBe(3000)
  expect(a.asked.count + b.asked.count).toBeLessThan(450)
})

test.each([1, 2, 3, 17, 100])('a limit of %i is exact, too', async (limit) => {
  const [a, b] = [newProcess(), newProcess()]
  expect(await hammer([a.windows, b.windows], `key_small_${limit}`, limit)).toBe(limit)
})

test('what an idle process holds is at most a sixteenth of what was left, and goes back when it is not used', async () => {
  const [idle, busy] = [newProcess(), newProcess()]
  for (let i = 0; i < 300; i += 1) await idle.windows.take('key_idle', 1000)
  let others = await hammer([busy.windows], 'key_idle', 1000)
  expect(others).toBeLessThanOrEqual(700)
  expect(others).toBeGreaterThanOrEqual(700 - Math.ceil(1000 / 16))
  await expect
    .poll(
      async () => {
        await idle.windows.flush()
        others += await hammer([busy.windows], 'key_idle', 1000)
        return others
      },
      { timeout: 5000 },
    )
    .toBe(700)
})

test('a process that dies takes with it what it held: never more than the limit is let through', async () => {
  const [dead, alive] = [newProcess(), newProcess()]
  for (let i = 0; i < 100; i += 1) await dead.windows.take('key_dead', 400)
  const more = await hammer([alive.windows], 'key_dead', 400)
  expect(more).toBeLessThanOrEqual(300)
  expect(more).toBeGreaterThanOrEqual(300 - 25)
})

test('a window that is over begins anew for all, and a return comes too late for it', async () => {
  const [a, b] = [newProcess(400), newProcess(400)]
  expect(await hammer([a.windows, b.windows], 'key_anew', 50)).toBe(50)
  await expect.poll(async () => (await b.windows.take('key_anew', 50)).state.allowed).toBe(true)
  await a.windows.flush(true)
  const left = await hammer([a.windows, b.windows], 'key_anew', 50)
  expect(left).toBe(49)
})

test('answers tell how much is left and when the minute is over', async () => {
  const { windows } = newProcess()
  const { state } = await windows.take('key_told', 10)
  expect(state).toMatchObject({ limit: 10, remaining: 9, allowed: true })
  expect(state.resetS).toBeGreaterThan(55)
  expect(state.resetS).toBeLessThanOrEqual(60)
})

test('no address and no id of a caller stands in the table of limits', async () => {
  await newProcess().windows.take('oauth 203.0.113.77', 10)
  const rows = await store.system((tx) =>
    tx.query(sql<{ text: string }>`select w::text as text from rate_windows w`),
  )
  expect(rows.length).toBeGreaterThan(0)
  const hex = Buffer.from('203.0.113.77').toString('hex')
  expect(rows.filter(({ text }) => text.includes('203.0.113') || text.includes(hex))).toEqual([])
})

test('without the database each process lets half the limit through, and not all', async () => {
  const gone: Pick<Store, 'system'> = {
    system: () => Promise.reject(new Error('the database is gone')),
  }
  const limiter = createLimiter(null, new RateWindows(gone, sealer, silentLog), silentLog)
  let admitted = 0
  while ((await limiter.take('key_alone', 20)).allowed) admitted += 1
  expect(admitted).toBe(10)
})
