import { expect, test } from 'vitest'
import { DAY_MS, ManualClock } from '#core/time.ts'
import { updateConnection } from '#sync/connection.store.ts'
import { useHub } from '#tests/hub.ts'
import type { VendorName } from '#tests/scenarios/error-cases/case.ts'
import { quickPace, startSandbox, World } from '#tests/scenarios/error-world.ts'

const clock = new ManualClock(new Date('2026-09-01T11:00:00Z'))
const hub = useHub({ clock, syncPace: quickPace })

async function planOf({ workspace, connectionId }: World, dailyCalls?: number) {
  const query = dailyCalls === undefined ? '' : `?dailyCalls=${dailyCalls}`
  const path = `/api/v1/connections/${connectionId}/call-plan${query}`
  const answer = await workspace.get(path)
  expect(answer.status, answer.text).toBe(200)
  return answer.body.allowance
}

/** Sets it past the API, which would wake the lane of changes: what the schedule does with it is looked at. */
function allow({ workspace, connectionId }: World, dailyCalls: number): Promise<boolean> {
  return hub.app.store.transaction(workspace.id, (tx) =>
    updateConnection(tx, connectionId, { dailyCalls }, clock.now()),
  )
}

/** Connections that the watch finds now. */
async function starving({ workspace }: World): Promise<string[]> {
  const watch = hub.app.modules
    .flatMap(({ watches }) => watches ?? [])
    .find(({ name }) => name === 'sync.allowance_too_small')
  const found = await hub.app.store.read(workspace.id, (tx) => watch!.look(tx, clock.now()))
  return found.map(({ key }) => key)
}

test.each<VendorName>(['hubspot', 'pipedrive', 'salesforce'])(
  '%s: an allowance below what a day takes is told of before and after, and the least that is named lets records through',
  async (vendor) => {
    const sandbox = await startSandbox(vendor, () => clock.now().getTime())
    const world = new World(hub, clock, vendor, sandbox, await hub.freshWorkspace())
    try {
      await world.connect()
      const first = await planOf(world, 4)
      expect(first.warning).toContain(`Allow at least ${first.leastCalls}.`)
      expect(first.warning).toContain('4 let no record through a day.')
      expect((await planOf(world, first.leastCalls)).warning).toBeNull()
      expect((await planOf(world, first.leastCalls - 1)).warning).not.toBeNull()

      await allow(world, 4)
      await world.capture('first@example.com')
      for (let day = 0; day < 3; day += 1) {
        clock.advance(DAY_MS)
        expect(await world.run()).toMatchObject({ fault: { kind: 'rate_share' } })
      }
      expect(world.emailsThere()).toEqual([])
      expect(await starving(world)).toEqual([world.connectionId])

      // What a quiet day of theirs takes is not known yet: the number must hold for the first day too.
      const { leastCalls } = await planOf(world)
      await allow(world, leastCalls)
      clock.advance(DAY_MS)
      sandbox.clearCalls()
      await world.run()
      expect(world.emailsThere()).toEqual(['first@example.com'])
      expect(sandbox.calls().total).toBeLessThanOrEqual(leastCalls)
      expect(await starving(world)).toEqual([])

      // A day that changes nothing tells what a look takes; one call less than the least then is one too few.
      await allow(world, 1000)
      for (let day = 0; day < 2; day += 1) {
        clock.advance(DAY_MS)
        expect(await world.run()).toMatchObject({ state: 'succeeded' })
      }
      const usual = await planOf(world)
      expect(usual.leastCalls).toBeLessThan(leastCalls)
      await allow(world, usual.leastCalls)
      await world.capture('second@example.com')
      clock.advance(DAY_MS)
      await world.run()
      expect(world.emailsThere()).toEqual(['first@example.com', 'second@example.com'])
    } finally {
      await world.stop()
    }
  },
)
