import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { beforeEach, expect, inject, test } from 'vitest'
import { DAY_MS, HOUR_MS, ManualClock, MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { openConnection } from '#sync/run-connection.ts'
import type { Disconnection } from '#sync/disconnection.schema.ts'
import { syncWatches } from '#sync/watches.ts'
import { useHub } from '#tests/hub.ts'
import { quickPace, startSandbox, World } from '#tests/scenarios/error-world.ts'
import { testEngine } from '#tests/sync.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock, syncPace: quickPace })
const childFile = fileURLToPath(new URL('../disconnect-child.ts', import.meta.url))
let world: World<'pipedrive'>

beforeEach(async () => {
  const sandbox = await startSandbox('pipedrive', () => clock.now().getTime())
  sandbox.settings.sendsWebhooks = false
  world = new World(hub, clock, 'pipedrive', sandbox, await hub.freshWorkspace())
  await world.connect({ realTime: true })
  await world.run()
  expect(objects()).toHaveLength(4)
  sandbox.clearCalls()
  return () => sandbox.stop()
})

const objects = () => world.sandbox.webhooks().map(({ object }) => object)
const path = () => `/api/v1/connections/${world.connectionId}`
const address = () => `${hub.url}/hooks/pipedrive/${world.connectionId}`

async function left(): Promise<Disconnection[]> {
  return (await world.workspace.get('/api/v1/disconnections')).body.data
}

async function disconnect(): Promise<void> {
  const answer = await world.workspace.delete(path())
  expect(answer.status, answer.text).toBe(200)
  expect((await world.workspace.get(path())).status).toBe(404)
}

/** Lets the hub try again, as it does by itself once so much time has passed. */
async function after(durationMs: number): Promise<void> {
  clock.advance(durationMs)
  await hub.app.jobs.tick()
  await hub.settle()
}

const hookCalls = () =>
  Object.keys(world.sandbox.calls().byRoute).filter((route) => route.includes('/webhooks'))

async function keptSettings(): Promise<(Buffer | null)[]> {
  const rows = await hub.app.store.transaction(world.workspace.id, (tx) =>
    tx.query(sql<{ settings: Buffer | null }>`select settings from sync_disconnections`),
  )
  return rows.map(({ settings }) => settings)
}

async function toldOf(): Promise<string[]> {
  const watch = syncWatches.find(({ name }) => name === 'sync.webhooks_left')!
  const found = await hub.app.store.read(world.workspace.id, (tx) => watch.look(tx, clock.now()))
  return found.map(({ summary }) => summary)
}

test('a deletion is answered at once by a vendor that does not answer, and its webhooks go after it', async () => {
  const lift = world.sandbox.failNext({
    kind: 'slow',
    delayMs: 2 * SECOND_MS,
    path: '*/webhooks*',
    count: 'until-lifted',
  })
  const startedAtMs = performance.now()
  await disconnect()
  expect(performance.now() - startedAtMs).toBeLessThan(SECOND_MS)
  expect(hookCalls()).toEqual([])
  const [waiting] = await left()
  expect(waiting).toMatchObject({
    connectionId: world.connectionId,
    vendor: 'pipedrive',
    name: 'CRM',
    address: address(),
    state: 'waiting',
    attempts: 0,
    detail: null,
  })
  lift()
  await hub.settle()
  expect(objects()).toEqual([])
  expect(await left()).toEqual([])
  expect(await keptSettings()).toEqual([])
  expect(await world.workspace.auditActions()).toEqual(
    expect.arrayContaining(['deleteConnection', 'connection.webhooks_removed']),
  )
})

test('a vendor that is down is asked again after growing pauses, until it is up', async () => {
  const lift = world.sandbox.down()
  await disconnect()
  await hub.settle()
  const pauses: number[] = []
  for (const pauseMs of [0, 2 * MINUTE_MS, 10 * MINUTE_MS, HOUR_MS]) {
    if (pauseMs > 0) await after(pauseMs)
    const [one] = await left()
    pauses.push(Date.parse(String(one!.nextAttemptAt)) - clock.now().getTime())
  }
  expect(pauses).toEqual([2 * MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS])
  expect((await left())[0]).toMatchObject({ state: 'waiting', attempts: 4 })
  expect((await left())[0]!.detail).not.toBeNull()
  expect(await toldOf()).toEqual([])
  // Sooner than due, nobody asks.
  lift()
  await after(HOUR_MS)
  expect(objects()).toHaveLength(4)
  await after(5 * HOUR_MS)
  expect(objects()).toEqual([])
  expect(await left()).toEqual([])
})

test('a vendor that stays away for a week is left to people, and the credentials go', async () => {
  world.sandbox.down()
  await disconnect()
  await hub.settle()
  for (let day = 0; day < 9; day += 1) await after(DAY_MS)
  expect(await left()).toMatchObject([{ state: 'by_hand', nextAttemptAt: null }])
  expect(await keptSettings()).toEqual([null])
  expect(await toldOf()).toHaveLength(1)
})

test.each([
  [403, 'permission'],
  [401, 'reauth'],
])(
  'a vendor that answers %i is not asked again: somebody is told which webhooks to delete',
  async (status) => {
    const fault = { kind: 'status', status, path: '*/webhooks*', count: 'until-lifted' } as const
    world.sandbox.failNext(fault)
    await disconnect()
    await hub.settle()
    const [one] = await left()
    expect(one).toMatchObject({ state: 'by_hand', attempts: 1, address: address() })
    expect(one!.detail).not.toBeNull()
    expect(await keptSettings()).toEqual([null])
    const [told, ...more] = await toldOf()
    expect(told).toContain(address())
    expect(more).toEqual([])
    world.sandbox.clearCalls()
    await after(DAY_MS)
    expect(hookCalls()).toEqual([])
    const settled = await world.workspace.delete(`/api/v1/disconnections/${world.connectionId}`)
    expect(settled.status, settled.text).toBe(200)
    expect([await left(), await toldOf()]).toEqual([[], []])
    const again = await world.workspace.delete(`/api/v1/disconnections/${world.connectionId}`)
    expect(again).toMatchObject({ status: 404 })
  },
)

test('a process that is killed between two webhooks leaves the rest to the next', async () => {
  const fault = { kind: 'slow', delayMs: 4 * SECOND_MS, method: 'DELETE' } as const
  const lift = world.sandbox.failNext({ ...fault, path: '*/webhooks/*', after: 1 })
  await disconnect()
  const task = {
    databaseUrl: hub.app.store.connectionString,
    keyFile: inject('keyFile'),
    workspaceId: world.workspace.id,
    connectionId: world.connectionId,
    now: clock.now().toISOString(),
  }
  const child = spawn(process.execPath, [childFile, JSON.stringify(task)], { stdio: 'ignore' })
  await expect.poll(() => objects().length, { interval: 5, timeout: 30_000 }).toBe(3)
  child.kill('SIGKILL')
  await once(child, 'exit')
  lift()
  expect(await left()).toMatchObject([{ state: 'waiting', attempts: 1 }])
  // The relay tells of the deletion only now: the try that died counts, and the next one waits for its time.
  await hub.settle()
  expect(objects()).toHaveLength(3)
  await after(2 * MINUTE_MS)
  expect(objects()).toEqual([])
  expect(await left()).toEqual([])
  expect(await world.workspace.auditActions()).toContain('connection.webhooks_removed')
})

test('while a run is still making webhooks, they are taken away once it cannot make any more', async () => {
  await hub.app.store.transaction(world.workspace.id, (tx) =>
    tx.execute(sql`
      update sync_leases set hooks_held_until = clock_timestamp() + interval '90 s' where connection_id = ${world.connectionId}`),
  )
  await disconnect()
  await hub.settle()
  expect(hookCalls()).toEqual([])
  await after(MINUTE_MS)
  expect(objects()).toHaveLength(4)
  await after(MINUTE_MS)
  expect(objects()).toEqual([])
})

test('credentials that a run renews while the connection goes are those that the removal uses', async () => {
  const { id: workspaceId } = world.workspace
  const engine = testEngine(hub.app.store, clock)
  const { connectionId } = world
  const open = openConnection(engine, workspaceId, connectionId, {}, () => undefined)
  await disconnect()
  await open.saveSettings({ token: 'renewed' })
  await hub.settle()
  // The sandbox does not know the renewed one, which shows that it was used.
  expect(await left()).toMatchObject([{ state: 'by_hand' }])
  expect(await world.workspace.auditActions()).toContain('connection.webhooks_left')
  await world.workspace.delete(`/api/v1/disconnections/${connectionId}`)
  await expect(open.saveSettings({ token: 'late' })).rejects.toMatchObject({ kind: 'gone' })
})

test('a connection of which the hub made nothing leaves nothing behind', async () => {
  await world.workspace.patch(path(), { settings: { realTime: false } })
  await hub.settle()
  expect(objects()).toEqual([])
  await disconnect()
  expect(await left()).toEqual([])
})

test('another workspace sees and settles nothing of it', async () => {
  await disconnect()
  const other = await hub.freshWorkspace()
  expect((await other.get('/api/v1/disconnections')).body.data).toEqual([])
  const refused = await other.delete(`/api/v1/disconnections/${world.connectionId}`)
  expect(refused.status).toBe(404)
  expect(await left()).toHaveLength(1)
})
