import { afterEach, expect, test } from 'vitest'
import { ManualClock } from '#core/time.ts'
import { errorCatalogue, explain } from '#sync/error-catalogue.ts'
import type { ErrorCase } from '#tests/scenarios/error-cases/case.ts'
import { errorCases } from '#tests/scenarios/error-cases/index.ts'
import { quickPace, startSandbox, World } from '#tests/scenarios/error-world.ts'
import { useHub } from '#tests/hub.ts'

/** Each code of the catalogue is brought about at a vendor, told, mended and gone; nobody is lost by it or sent twice. */
const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock, syncPace: quickPace })
const signingHub = useHub({ clock, syncPace: quickPace, config: { requireApprovals: true } })
let world: World | null = null
afterEach(async () => {
  world?.lift()
  await world?.stop()
  world = null
})

test('every code that people can be told has a case, and every case is of such a code', () => {
  const told = new Set(errorCases.map(({ code }) => code))
  expect([...told].toSorted()).toEqual(Object.keys(errorCatalogue).toSorted())
})

test('no two cases are the same', () => {
  const names = errorCases.map(({ code, vendor, when }) => `${code} ${vendor} ${when}`)
  expect(new Set(names).size).toBe(names.length)
})

test.each(errorCases.map((one) => [one.code, one.vendor, one.when, one] as const))(
  '%s at %s, when %s',
  async (_code, _vendor, _when, one) => {
    const sandbox = await startSandbox(one.vendor, () => clock.now().getTime())
    const home = one.isSigned ? signingHub : hub
    world = new World(home, clock, one.vendor, sandbox, await home.freshWorkspace())
    await world.connect(one.settings)
    if (one.isSigned) await world.sign()
    await one.before?.(world)
    const first = await world.run()
    expect(first.state, JSON.stringify(first)).toBe('succeeded')
    await one.breaks(world)
    const run = await world.run(one.run)
    await expectTold(world, one, run)
    await one.mends(world)
    world.lift()
    await expectCleared(world, one)
    expect(world.emailsThere()).toEqual([...world.people].toSorted())
    await one.ends?.(world)
  },
)

// The wire is whatever the test says it is.
// oxlint-disable-next-line typescript/no-explicit-any
async function expectTold(world: World, one: ErrorCase, run: any): Promise<void> {
  const { code, stream, seen = 'item', records = 1, detail = /(?:)/ } = one
  const { title, whatToDo, fixedBy } = explain(code)
  const isStream = code.startsWith('stream.')
  const items = await world.items(code)
  if (seen === 'stream') expect(run.state).toBe('succeeded')
  else if (isStream) {
    expect(run.fault, JSON.stringify(run)).toMatchObject({ title, whatToDo })
    expect(['failed', 'partial']).toContain(run.state)
    expect(`stream.${run.fault.kind}`).toBe(code)
    expect(run.fault.stream).toBe(stream)
    expect(run.fault.detail).toMatch(detail)
  } else {
    const path = `/api/v1/sync/runs/${run.id}/records?code=${code}`
    const { data } = (await world.workspace.get(path)).body
    expect(data, JSON.stringify(run)).toHaveLength(records)
    for (const record of data) expect(record).toMatchObject({ stream })
    for (const record of data) expect(record.detail ?? '').toMatch(detail)
    expect(run.state).toBe(seen === 'record' ? 'succeeded' : 'partial')
  }
  if (seen !== 'item' && seen !== 'stream') {
    expect(items).toEqual([])
    return
  }
  expect(items, JSON.stringify(run)).toHaveLength(records)
  for (const item of items) {
    expect(item).toMatchObject({ stream, code, title, whatToDo })
    expect(item.record === '').toBe(isStream || seen === 'stream')
    expect(item.detail ?? '').toMatch(detail)
    expect(item.detail ?? '').not.toContain('@')
  }
  const [health] = (await world.workspace.get('/api/v1/sync/health')).body.data
  const groups = health.errors.filter((group: { code: string }) => group.code === code)
  expect(groups).toMatchObject([{ stream, title, whatToDo, fixedBy, count: records }])
}

async function expectCleared(world: World, one: ErrorCase): Promise<void> {
  const { code, cleared, records = 1 } = one
  if (cleared === 'schedule') await world.waitForSchedule()
  else await world.run()
  if (cleared === 'retry') {
    const [item] = await world.items(code)
    expect(item, 'it waits for someone').toBeDefined()
    expect(await world.retry(item!)).toBe(records)
    await world.run()
  }
  expect(await world.items()).toEqual([])
}
