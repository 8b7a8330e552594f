import { describe, expect, test } from 'vitest'
import { ManualClock } from '#core/time.ts'
import { quickPace, startSandbox, World } from '#tests/scenarios/error-world.ts'
import type { VendorName } from '#tests/scenarios/error-cases/case.ts'
import { useHub } from '#tests/hub.ts'

const start = new Date('2026-09-01T00:30:00Z')
const clock = new ManualClock(start)
const hub = useHub({ clock, syncPace: quickPace })

async function open(vendor: VendorName): Promise<World> {
  const sandbox = await startSandbox(vendor, () => clock.now().getTime())
  const world = new World(hub, clock, vendor, sandbox, await hub.freshWorkspace())
  await world.connect()
  return world
}

async function captureMany({ workspace }: World, name: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const size = Math.min(500, count - from)
    const leads = Array.from({ length: size }, (_, i) => ({
      email: `${name}-${from + i}@example.com`,
    }))
    const made = await workspace.post('/api/v1/integrations/sales/leads', { leads })
    expect(made.status, made.text).toBe(207)
  }
}

async function planOf({ workspace, connectionId }: World, method: 'get' | 'post' = 'get') {
  const path = `/api/v1/connections/${connectionId}/call-plan`
  const answer = method === 'get' ? await workspace.get(path) : await workspace.post(path, {})
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

/** People that are there already, under addresses that nobody here has. */
const seeds: Record<VendorName, (world: World, count: number) => Promise<void>> = {
  async hubspot({ sandbox }, count) {
    const all = Array.from({ length: count }, (_, i) => ({ email: `there${i}@example.org` }))
    ;(sandbox as World<'hubspot'>['sandbox']).seedContacts(all)
  },
  async pipedrive(world, count) {
    const person = Array.from({ length: count }, (_, i) => ({
      name: `There ${i}`,
      emails: [{ value: `there${i}@example.org`, primary: true }],
    }))
    await world.control('POST', 'seed', { records: { person } })
  },
  async salesforce({ sandbox }, count) {
    const org = sandbox as World<'salesforce'>['sandbox']
    for (let i = 0; i < count; i += 1)
      org.add('Lead', { LastName: `There ${i}`, Company: 'C', Email: `there${i}@example.org` })
  },
}

describe.each<[VendorName, string, number, number]>([
  ['hubspot', 'contacts', 4000, 2000],
  ['pipedrive', 'persons', 5000, 400],
  ['salesforce', 'leads', 6000, 1500],
])('%s', (vendor, people, there, here) => {
  test('what the first run takes is predicted within ten percent, before a stream is enabled', async () => {
    const world = await open(vendor)
    try {
      const path = `/api/v1/connections/${world.connectionId}`
      const { data: streams } = (await world.workspace.get(`${path}/streams`)).body
      for (const { name } of streams)
        expect(
          (await world.workspace.patch(`${path}/streams/${name}`, { paused: true })).status,
        ).toBe(200)
      await seeds[vendor](world, there)
      await captureMany(world, vendor, here)
      await hub.settle()
      const paused = await planOf(world, 'post')
      expect(
        paused.nextRun.streams.find((one: { stream: string }) => one.stream === people),
      ).toMatchObject({
        paused: true,
        recordsThere: there,
        pullFrom: 'counted',
        newThere: here,
      })
      for (const { name } of streams)
        await world.workspace.patch(`${path}/streams/${name}`, { paused: false })
      const { nextRun } = await planOf(world, 'post')
      const run = await world.run()
      expect(run.state).toBe('succeeded')
      const predicted = nextRun.calls + nextRun.checkCalls
      const { checkCalls } = (await world.workspace.get(`/api/v1/sync/runs/${run.id}/certificate`))
        .body
      const made = run.calls + checkCalls
      expect(
        Math.abs(predicted - made) / made,
        `${predicted} predicted, ${made} made: ${JSON.stringify(nextRun)}`,
      ).toBeLessThan(0.1)
    } finally {
      await world.stop()
    }
  })
})
