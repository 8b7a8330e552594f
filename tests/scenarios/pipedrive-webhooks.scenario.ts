import { afterEach, beforeEach, expect, test } from 'vitest'
import { DAY_MS, ManualClock } from '#core/time.ts'
import { useHub } from '#tests/hub.ts'
import { quickPace, startSandbox, World } from '#tests/scenarios/error-world.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock, syncPace: quickPace })
let world: World<'pipedrive'>

beforeEach(async () => {
  const sandbox = await startSandbox('pipedrive', () => clock.now().getTime())
  sandbox.settings.sendsWebhooks = false
  world = new World(hub, clock, 'pipedrive', sandbox, await hub.freshWorkspace())
  return () => sandbox.stop()
})
afterEach(async () => {
  await world.workspace.delete(pathOf(world))
})

const pathOf = ({ connectionId }: World) => `/api/v1/connections/${connectionId}`
const objects = () => world.sandbox.webhooks().map(({ object }) => object)
const OURS = ['activity', 'deal', 'organization', 'person']

/** Calls to webhooks since they were cleared, such as `GET 1`. */
function hookCalls(): string[] {
  return Object.entries(world.sandbox.calls().byRoute)
    .filter(([route]) => route.includes('/webhooks'))
    .map(([route, { count }]) => `${route.split(' ')[0]} ${count}`)
    .toSorted()
}

async function firstNameOf(leadId: string): Promise<string> {
  return (await world.workspace.get(`/api/v1/leads/${leadId}`)).body.firstName
}

test('a connection in real time makes its webhooks, and what they tell is here at once', async () => {
  await world.connect({ realTime: true })
  const leadId = await world.capture('ada@example.com', { firstName: 'Ada', lastName: 'King' })
  const run = await world.run()
  expect(run.state).toBe('succeeded')
  expect(objects().toSorted()).toEqual(OURS)
  const [first, ...others] = world.sandbox.webhooks()
  expect(first).toMatchObject({
    url: `${hub.url}/hooks/pipedrive/${world.connectionId}`,
    action: '*',
    version: '2.0',
  })
  expect(first!.authPassword!.length).toBeGreaterThanOrEqual(32)
  for (const { authPassword } of others) expect(authPassword).toBe(first!.authPassword)
  // Sealed: nobody is shown it.
  expect((await world.workspace.get(pathOf(world))).text).not.toContain(first!.authPassword)
  // The person that the hub made was told of as well.
  await world.sandbox.deliverWebhooks()
  await hub.settle()

  world.sandbox.edit('person', world.onlyPerson(), { name: 'Grace King' })
  const attempts = await world.sandbox.deliverWebhooks()
  expect(attempts.map(({ status }) => status)).toEqual([200])
  await hub.settle()
  expect(await firstNameOf(leadId)).toBe('Grace')
})

test('webhooks that are missing or switched off are made anew the next day, in calls that count', async () => {
  await world.connect({ realTime: true })
  await world.run()
  const [gone, off] = world.sandbox.webhooks()
  world.sandbox.breakWebhook(gone!.id, 'delete')
  world.sandbox.breakWebhook(off!.id, 'switch off')
  world.sandbox.clearCalls()
  await world.run()
  expect(hookCalls()).toEqual([])
  clock.advance(DAY_MS)
  world.sandbox.clearCalls()
  const run = await world.run()
  expect(hookCalls()).toEqual(['DELETE 1', 'GET 1', 'POST 2'])
  expect(run.calls).toBe(world.sandbox.calls().total)
  expect(objects().toSorted()).toEqual(OURS)
  for (const { isSwitchedOff } of world.sandbox.webhooks()) expect(isSwitchedOff).toBe(false)
})

test('a webhook whose answer was lost is not made twice', async () => {
  await world.connect({ realTime: true })
  const lift = world.sandbox.failNext({ kind: 'drop-after', method: 'POST', path: '*/webhooks' })
  expect((await world.run()).state).toBe('succeeded')
  lift()
  expect(objects()).toHaveLength(1)
  await world.run()
  expect(objects().toSorted()).toEqual(OURS)
})

test('switched off, the webhooks go and their credentials are worth nothing', async () => {
  await world.connect({ realTime: true })
  await world.run()
  const [one] = world.sandbox.webhooks()
  const changed = await world.workspace.patch(pathOf(world), { settings: { realTime: false } })
  expect(changed.status, changed.text).toBe(200)
  await world.run()
  expect(objects()).toEqual([])
  const credentials = Buffer.from(`${one!.authUser}:${one!.authPassword}`).toString('base64')
  const answer = await fetch(one!.url, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/json' },
    body: '{}',
  })
  expect(answer.status).toBe(401)
})

test('a change of real time holds at once, without a run', async () => {
  await world.connect({ realTime: false })
  await world.run()
  const turn = async (realTime: boolean) => {
    const changed = await world.workspace.patch(pathOf(world), { settings: { realTime } })
    expect(changed.status, changed.text).toBe(200)
    await hub.settle()
  }
  await turn(true)
  expect(objects().toSorted()).toEqual(OURS)
  world.sandbox.clearCalls()
  await world.workspace.patch(pathOf(world), { name: 'Renamed' })
  await hub.settle()
  expect(hookCalls()).toEqual([])
  await turn(false)
  expect(objects()).toEqual([])
  await turn(true)
  expect(objects().toSorted()).toEqual(OURS)
})

test('a change that a vendor did not answer to is tried again without a run', async () => {
  await world.connect({ realTime: false })
  await world.run()
  const fault = { kind: 'status', status: 503, path: '*/webhooks' } as const
  world.sandbox.failNext({ ...fault, count: 1 })
  await world.workspace.patch(pathOf(world), { settings: { realTime: true } })
  await hub.settle()
  expect(objects().toSorted()).toEqual(OURS)
})

test('a vendor that refuses leaves an item, which the next change closes', async () => {
  await world.connect({ realTime: false })
  await world.run()
  const fault = { kind: 'status', status: 403, method: 'POST', path: '*/webhooks' } as const
  const lift = world.sandbox.failNext({ ...fault, count: 'until-lifted' })
  await world.workspace.patch(pathOf(world), { settings: { realTime: true } })
  await hub.settle()
  expect(await world.items()).toMatchObject([{ code: 'hooks.not_made', stream: 'webhooks' }])
  lift()
  await world.workspace.patch(pathOf(world), { name: 'Again' })
  await hub.settle()
  expect(await world.items()).toEqual([])
  expect(objects().toSorted()).toEqual(OURS)
})

test('a run and a change at once make each webhook once', async () => {
  await world.connect({ realTime: false })
  await world.run()
  world.sandbox.failNext({
    kind: 'slow',
    delayMs: 100,
    method: 'POST',
    path: '*/webhooks',
    count: 4,
  })
  await world.workspace.patch(pathOf(world), { settings: { realTime: true } })
  await world.workspace.post(`${pathOf(world)}/runs`, {})
  await Promise.all([hub.settle(), hub.settle(), hub.settle()])
  expect(objects().toSorted()).toEqual(OURS)
  expect(hookCalls()).toContain('POST 4')
})

test('a connection that is deleted takes its webhooks with it', async () => {
  await world.connect({ realTime: true })
  await world.run()
  expect((await world.workspace.delete(pathOf(world))).status).toBeLessThan(300)
  await hub.settle()
  expect(objects()).toEqual([])
})

test('where webhooks were set up by hand, or the hub has no https address, none are made', async () => {
  await world.connect()
  expect((await world.run()).state).toBe('succeeded')
  const byHand = { hookUser: 'pipedrive', hookPassword: 'correct horse battery' }
  await world.workspace.patch(pathOf(world), { settings: byHand })
  await world.run()
  expect(hookCalls()).toEqual([])
  expect(objects()).toEqual([])
  expect(await world.items()).toEqual([])
})
