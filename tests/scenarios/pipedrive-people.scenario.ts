import { afterEach, beforeEach, expect, test } from 'vitest'
import { HOUR_MS, ManualClock } from '#core/time.ts'
import { startPipedrive, type PipedriveSandbox } from '#sandbox/pipedrive/index.ts'
import { useHub } from '#tests/hub.ts'
import { quickPace, World } from '#tests/scenarios/error-world.ts'

/** Who the people of a deal are, between the hub and the participants of Pipedrive. */
const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock, syncPace: quickPace })
let sandbox: PipedriveSandbox
let world: World<'pipedrive'>
let leads: string[]
let persons: number[]
let deal: string
let dealThere: number

const NAMES = ['ada', 'bob', 'eve']

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(sandbox.url + path, {
    method,
    headers: { 'x-api-token': sandbox.token, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  expect(answer.status).toBeLessThan(300)
  return ((await answer.json()) as { data: T }).data
}

beforeEach(async () => {
  sandbox = await startPipedrive({
    now: () => clock.now().getTime(),
    limits: { daily: null, tokenBurst: 100_000, searchBurst: 100_000 },
    keepRequests: 2000,
  })
  world = new World(hub, clock, 'pipedrive', sandbox, await hub.freshWorkspace())
  persons = []
  for (const name of NAMES) {
    const emails = [{ value: `${name}@example.com`, primary: true, label: 'work' }]
    persons.push((await call<{ id: number }>('POST', '/api/v2/persons', { name, emails })).id)
  }
  const body = { title: 'Deal', person_id: persons[0] }
  dealThere = (await call<{ id: number }>('POST', '/api/v2/deals', body)).id
  await world.connect()
  await sync()
  deal = (await world.workspace.get('/api/v1/opportunities')).body.data[0].id
  const known = (await world.workspace.get('/api/v1/leads?limit=100')).body.data
  leads = NAMES.map(
    (name) => known.find(({ email }: { email: string }) => email === `${name}@example.com`).id,
  )
})
afterEach(async () => {
  world.lift()
  await world.stop()
})

async function sync() {
  const run = await world.run()
  expect(run, JSON.stringify(run)).toMatchObject({ state: 'succeeded' })
  clock.advance(HOUR_MS)
}

async function setPeople(people: object[]): Promise<void> {
  const set = await world.workspace.put(`/api/v1/opportunities/${deal}/people`, { people })
  expect(set.status, set.text).toBe(200)
}

async function peopleHere(): Promise<[string, string | null, boolean][]> {
  const { people } = (await world.workspace.get(`/api/v1/opportunities/${deal}`)).body
  return people
    .map(
      ({
        leadId,
        role,
        isPrimary,
      }: {
        leadId: string
        role: string | null
        isPrimary: boolean
      }) => [NAMES[leads.indexOf(leadId)], role, isPrimary],
    )
    .toSorted()
}

/** The main person, then all of the deal. */
async function peopleThere(): Promise<{ main: string | undefined; all: string[] }> {
  const { person_id: main } = await call<{ person_id: number }>('GET', `/api/v2/deals/${dealThere}`)
  const rows = await call<{ person_id: { value: number } }[] | null>(
    'GET',
    `/v1/deals/${dealThere}/participants`,
  )
  const ids = new Set([main, ...(rows ?? []).map(({ person_id: person }) => person.value)])
  const nameOf = (id: number) => NAMES[persons.indexOf(id)] ?? ''
  return { main: nameOf(main), all: [...ids].map(nameOf).toSorted() }
}

const writes = () =>
  sandbox.requests().filter(({ method, url }) => method !== 'GET' && url.includes('/deals'))

test('the people of a deal go out with what changed here and keep their roles here', async () => {
  expect(await peopleHere()).toEqual([['ada', null, true]])
  await setPeople([
    { leadId: leads[0], role: 'Decision maker' },
    { leadId: leads[1], isPrimary: true },
    { leadId: leads[2] },
  ])
  const before = writes().length
  await sync()
  expect(await peopleThere()).toEqual({ main: 'bob', all: NAMES })
  const sent = writes().length
  expect(sent).toBeGreaterThan(before)
  await sync()
  await sync()
  expect(writes()).toHaveLength(sent)
  expect(await peopleHere()).toEqual([
    ['ada', 'Decision maker', false],
    ['bob', null, true],
    ['eve', null, false],
  ])
  await setPeople([{ leadId: leads[1], isPrimary: true }])
  await sync()
  expect(await peopleThere()).toEqual({ main: 'bob', all: ['bob'] })
})

test('an answer that was lost after a participant was added adds none twice', async () => {
  await setPeople([
    { leadId: leads[0], isPrimary: true },
    { leadId: leads[1] },
    { leadId: leads[2] },
  ])
  sandbox.failNext({ kind: 'drop-after', method: 'POST', path: '*/participants', count: 1 })
  await world.run()
  clock.advance(HOUR_MS)
  await sync()
  expect((await peopleThere()).all).toEqual(NAMES)
})
