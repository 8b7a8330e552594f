import { afterEach, beforeEach, expect, test } from 'vitest'
import { HOUR_MS, ManualClock } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { useHub } from '#tests/hub.ts'
import { quickPace, World } from '#tests/scenarios/error-world.ts'

/** Who the people of a deal are, between the hub and the associations of HubSpot. */
const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock, syncPace: quickPace })
let sandbox: HubspotSandbox
let world: World<'hubspot'>
let leads: string[]
let contacts: string[]
let deal: string
let dealThere: string

const NAMES = ['ada', 'bob', 'eve']

async function call(method: string, path: string, body: unknown) {
  const answer = await fetch(sandbox.url + path, {
    method,
    headers: { authorization: `Bearer ${sandbox.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(answer.status).toBeLessThan(300)
  return answer.status === 204 ? null : answer.json()
}

beforeEach(async () => {
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
    keepRequests: 2000,
  })
  world = new World(hub, clock, 'hubspot', sandbox, await hub.freshWorkspace())
  contacts = sandbox.seedContacts(
    NAMES.map((name) => ({ email: `${name}@example.com`, lastname: name })),
  )
  for (const label of ['Decision maker', 'Influencer'])
    await call('POST', '/crm/associations/2026-09/deals/contacts/labels', { label, name: label })
  const made = (await call('POST', '/crm/objects/2026-09/deals', {
    properties: { dealname: 'Deal', pipeline: 'default', dealstage: 'appointmentscheduled' },
  })) as { id: string }
  dealThere = made.id
  const base = '/crm/associations/2026-09/deals/contacts/batch/associate/default'
  await call('POST', base, { inputs: [{ from: { id: dealThere }, to: { id: contacts[0] } }] })
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

async function peopleHere(): Promise<[string, string | null][]> {
  const { people } = (await world.workspace.get(`/api/v1/opportunities/${deal}`)).body
  return people
    .map(({ leadId, role }: { leadId: string; role: string | null }) => [
      NAMES[leads.indexOf(leadId)],
      role,
    ])
    .toSorted()
}

async function peopleThere(): Promise<[string, string | null][]> {
  const path = '/crm/associations/2026-09/deals/contacts/batch/read'
  const { results } = (await call('POST', path, { inputs: [{ id: dealThere }] })) as {
    results: { to: { toObjectId: string; associationTypes: { label: string | null }[] }[] }[]
  }
  const told = (results[0]?.to ?? []).map(
    ({ toObjectId, associationTypes }): [string, string | null] => [
      NAMES[contacts.indexOf(toObjectId)] ?? '',
      associationTypes.find(({ label }) => label)?.label ?? null,
    ],
  )
  return told.toSorted(([a], [b]) => (a < b ? -1 : 1))
}

const writes = () =>
  sandbox
    .requests()
    .filter(
      ({ method, url }) =>
        method === 'POST' && /batch\/(create|archive|labels)|deals\/batch\/u/.test(url),
    )

test('people and labels of a deal go out with what changed here, and rest then', async () => {
  expect(await peopleHere()).toEqual([['ada', null]])
  await setPeople([
    { leadId: leads[0], role: 'Influencer' },
    { leadId: leads[1], role: 'Decision maker' },
    { leadId: leads[2] },
  ])
  await sync()
  const all = [
    ['ada', 'Influencer'],
    ['bob', 'Decision maker'],
    ['eve', null],
  ]
  expect(await peopleThere()).toEqual(all)
  const sent = writes().length
  expect(sent).toBe(1)
  await sync()
  await sync()
  expect(writes()).toHaveLength(sent)
  expect(await peopleHere()).toEqual(all)
  await setPeople([{ leadId: leads[1], role: 'Influencer' }, { leadId: leads[2] }])
  await sync()
  expect(await peopleThere()).toEqual([
    ['bob', 'Influencer'],
    ['eve', null],
  ])
})

test('a label that the account lacks is refused by name', async () => {
  await setPeople([{ leadId: leads[0], role: 'Sage' }])
  const run = await world.run()
  expect(run.state).toBe('partial')
  const [item] = await world.items()
  expect(item).toMatchObject({ stream: 'deals', code: 'ASSOCIATION_LABEL_UNKNOWN' })
  expect(item?.detail).toContain('Decision maker, Influencer')
  expect(await peopleThere()).toEqual([['ada', null]])
})

test('an answer that was lost after the associations were made makes none twice', async () => {
  await setPeople(leads.map((leadId) => ({ leadId })))
  sandbox.failNext({ kind: 'drop-after', path: '*/deals/contacts/batch/create', count: 1 })
  await world.run()
  clock.advance(HOUR_MS)
  await sync()
  expect((await peopleThere()).map(([name]) => name)).toEqual(NAMES)
})
