import { expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, ManualClock, MINUTE_MS } from '#core/time.ts'
import { quickPace, startSandbox, World } from '#tests/scenarios/error-world.ts'
import { useHub } from '#tests/hub.ts'

const start = new Date('2026-11-01T00:00:00Z')
const EVERY_HOURS = 12
/** So often the hub’s timers look. */
const LOOK_HOURS = 3
const DAYS = 30
/** Whole days on which HubSpot answers 503, counted from 0. */
const OUTAGES = [5, 14, 23]

const clock = new ManualClock(start)
const hub = useHub({ clock, syncPace: quickPace })

interface RunRow {
  cause: string
  dueAt: string
  slots: number
  state: string
  startedAt: string
}

test('a month with three outages of a day: every due time is answered once, and nothing is lost', async () => {
  const sandbox = await startSandbox('hubspot', () => clock.now().getTime())
  const world = new World(hub, clock, 'hubspot', sandbox, await hub.freshWorkspace())
  try {
    await world.connect()
    await setCadence(world)
    for (let day = 0; day < DAYS; day += 1) {
      const isDown = OUTAGES.includes(day)
      const lift = isDown ? sandbox.down({}, { kind: 'status', status: 503 }) : () => undefined
      await world.capture(`hub${day}@example.com`)
      sandbox.seedContacts([{ email: `crm${day}@example.com`, firstname: `F${day}` }])
      world.people.add(`crm${day}@example.com`)
      for (let hour = 0; hour < 24; hour += LOOK_HOURS) {
        await hub.app.jobs.tick()
        await hub.settle()
        clock.advance(LOOK_HOURS * HOUR_MS)
      }
      await expectToldAs(world, isDown)
      lift()
    }
    // The retry of what failed last, and the due time of this moment.
    await hub.app.jobs.tick()
    await hub.settle()
    expectEachDueTimeOnce(await allRuns(world))
    await expectCaughtUp(world)
  } finally {
    await world.stop()
  }
})

async function setCadence({ workspace, connectionId }: World): Promise<void> {
  const path = `/api/v1/connections/${connectionId}/streams`
  const { data } = (await workspace.get(path)).body
  for (const { name } of data as { name: string }[]) {
    const changed = await workspace.patch(`${path}/${name}`, { everyMinutes: EVERY_HOURS * 60 })
    expect(changed.status, changed.text).toBe(200)
  }
}

/** On the evening of an outage it is one thing to see to, however often it was tried; on others there is none. */
async function expectToldAs(world: World, isDown: boolean): Promise<void> {
  const items = await world.items()
  if (!isDown) {
    expect(items).toEqual([])
    return
  }
  expect(items).toMatchObject([{ code: 'stream.transient', record: '' }])
  expect(items[0]!.occurrences).toBeGreaterThanOrEqual(24 / EVERY_HOURS)
}

async function allRuns({ workspace }: World): Promise<RunRow[]> {
  const runs: RunRow[] = []
  for (let cursor = ''; ;) {
    const { body } = await workspace.get(`/api/v1/sync/runs?limit=500${cursor}`)
    runs.push(...body.data)
    if (body.nextCursor === null) return runs
    cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`
  }
}

/** A due time is answered by the one run that carries it, or by a later one that made up for several. */
function expectEachDueTimeOnce(runs: readonly RunRow[]): void {
  const logical = runs.filter(({ cause }) => cause === 'schedule' || cause === 'catch_up')
  const answered = logical.flatMap(({ dueAt, slots }) =>
    Array.from({ length: slots }, (_, i) => Date.parse(dueAt) + i * EVERY_HOURS * HOUR_MS),
  )
  const count = (DAYS * 24) / EVERY_HOURS + 1
  const due = Array.from({ length: count }, (_, i) => start.getTime() + i * EVERY_HOURS * HOUR_MS)
  expect(answered.toSorted((a, b) => a - b)).toEqual(due)
  const failed = runs.filter(({ state }) => state === 'failed' || state === 'partial')
  const downAt = (at: number) => OUTAGES.includes(Math.floor((at - start.getTime()) / DAY_MS))
  expect(failed.length).toBeGreaterThanOrEqual((OUTAGES.length * 24) / EVERY_HOURS)
  for (const { startedAt } of failed) expect(downAt(Date.parse(startedAt)), startedAt).toBe(true)
}

/** Both sides have everybody once, and every stream has been gone through since. */
async function expectCaughtUp(world: World): Promise<void> {
  expect(world.emailsThere()).toEqual([...world.people].toSorted())
  expect(await world.leadsHere()).toBe(2 * DAYS)
  const [health] = (await world.workspace.get('/api/v1/sync/health')).body.data
  expect(health).toMatchObject({ isStale: false, errors: [], pending: { count: 0 } })
  const age = clock.now().getTime() - Date.parse(health.lastSuccessAt)
  expect(age).toBeLessThan(MINUTE_MS)
}
