import { afterEach, beforeEach, expect, test } from 'vitest'
import { HOUR_MS, ManualClock } from '#core/time.ts'
import { startSalesforce, type SalesforceSandbox } from '#sandbox/salesforce/index.ts'
import { useHub } from '#tests/hub.ts'
import { quickPace, World } from '#tests/scenarios/error-world.ts'

/** Who the people of an opportunity are, between the hub and the contact roles of Salesforce. */
const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock, syncPace: quickPace })
let sandbox: SalesforceSandbox
let world: World<'salesforce'>
/** Contacts there and their leads here, in the order of the names. */
let contacts: string[]
let leads: string[]
let deal: string
let dealThere: string

const NAMES = ['ada', 'bob', 'eve']

beforeEach(async () => {
  sandbox = await startSalesforce({ now: () => clock.now().getTime(), keepRequests: 2000 })
  world = new World(hub, clock, 'salesforce', sandbox, await hub.freshWorkspace())
  const ids = sandbox.seed({
    records: {
      Account: [{ Name: 'Engines' }],
      Contact: NAMES.map((name) => ({
        LastName: name,
        Email: `${name}@example.com`,
        AccountId: '@Account[0]',
      })),
      Opportunity: [
        {
          Name: 'Deal',
          StageName: 'Prospecting',
          CloseDate: '2026-12-31',
          AccountId: '@Account[0]',
        },
      ],
      OpportunityContactRole: [
        {
          OpportunityId: '@Opportunity[0]',
          ContactId: '@Contact[0]',
          Role: 'Decision Maker',
          IsPrimary: true,
        },
      ],
    },
  })
  contacts = ids['Contact'] ?? []
  dealThere = ids['Opportunity']?.[0] ?? ''
  await world.connect()
  await sync()
  deal = (await world.workspace.get('/api/v1/opportunities')).body.data[0].id
  leads = []
  const known = (await world.workspace.get('/api/v1/leads?limit=100')).body.data
  for (const name of NAMES) {
    const lead = known.find(({ email }: { email: string }) => email === `${name}@example.com`)
    leads.push(lead.id)
  }
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

/** The people here, as lead, role and whether they are the main one. */
async function peopleHere(): Promise<[string, string | null, boolean][]> {
  const { people } = (await world.workspace.get(`/api/v1/opportunities/${deal}`)).body
  const told = people.map(
    ({ leadId, role, isPrimary }: { leadId: string; role: string | null; isPrimary: boolean }) => [
      NAMES[leads.indexOf(leadId)],
      role,
      isPrimary,
    ],
  )
  return told.toSorted()
}

function peopleThere(): [string, unknown, unknown][] {
  const rows = [...sandbox.records('OpportunityContactRole')].filter((row) => !row.isDeleted)
  const told = rows.map(
    ({ values: { ContactId, Role, IsPrimary } }): [string, unknown, unknown] => [
      NAMES[contacts.indexOf(String(ContactId))] ?? '',
      Role ?? null,
      IsPrimary,
    ],
  )
  return told.toSorted(([a], [b]) => (a < b ? -1 : 1))
}

const writes = () =>
  sandbox
    .requests()
    .filter(
      ({ method, url, body }) =>
        method === 'DELETE' || (method !== 'GET' && /"type":"Opportunity/.test(`${url} ${body}`)),
    )

test('the people and roles of a deal come in, go out with what changed here, and rest then', async () => {
  expect(await peopleHere()).toEqual([['ada', 'Decision Maker', true]])
  await setPeople([
    { leadId: leads[0], role: 'Evaluator' },
    { leadId: leads[1], role: 'Influencer', isPrimary: true },
  ])
  await sync()
  expect(peopleThere()).toEqual([
    ['ada', 'Evaluator', false],
    ['bob', 'Influencer', true],
  ])
  const sent = writes().length
  expect(sent).toBe(2)
  await sync()
  await sync()
  expect(writes()).toHaveLength(sent)
  expect(await peopleHere()).toEqual([
    ['ada', 'Evaluator', false],
    ['bob', 'Influencer', true],
  ])
})

test('whoever is taken away on one side is taken away on the other', async () => {
  await setPeople([
    { leadId: leads[0], role: 'Decision Maker', isPrimary: true },
    { leadId: leads[1] },
  ])
  await sync()
  await setPeople([{ leadId: leads[1] }])
  await sync()
  expect(peopleThere()).toEqual([['bob', null, false]])
  const [row] = [...sandbox.records('OpportunityContactRole')].filter((one) => !one.isDeleted)
  sandbox.remove('OpportunityContactRole', row?.id ?? '')
  await sync()
  expect(await peopleHere()).toEqual([])
})

test('people added on both sides at once are all kept', async () => {
  await setPeople([
    { leadId: leads[0], role: 'Decision Maker', isPrimary: true },
    { leadId: leads[1], role: 'Evaluator' },
  ])
  const row = { OpportunityId: dealThere, ContactId: contacts[2] ?? '', Role: 'Influencer' }
  sandbox.add('OpportunityContactRole', row)
  await sync()
  await sync()
  const all = [
    ['ada', 'Decision Maker', true],
    ['bob', 'Evaluator', false],
    ['eve', 'Influencer', false],
  ]
  expect(peopleThere()).toEqual(all)
  expect(await peopleHere()).toEqual(all)
})

test('a lead joins the deal there once it is a contact, and nobody else is touched meanwhile', async () => {
  const leadId = await world.capture('new@example.com', { lastName: 'New' })
  await sync()
  await setPeople([{ leadId: leads[0], role: 'Decision Maker', isPrimary: true }, { leadId }])
  await sync()
  expect(peopleThere()).toEqual([['ada', 'Decision Maker', true]])
  const lead = [...sandbox.records('Lead')].find(({ values }) => values['Hub_Id__c'] === leadId)
  const { contactId } = sandbox.convert(lead?.id ?? '')
  sandbox.edit('Opportunity', dealThere, { NextStep: 'Call' })
  await sync()
  await sync()
  const there = [...sandbox.records('OpportunityContactRole')].map(
    ({ values }) => values['ContactId'],
  )
  expect(new Set(there)).toEqual(new Set([contacts[0], contactId]))
  expect(there).toHaveLength(2)
})

test('an answer that was lost after the rows were made makes none twice', async () => {
  await setPeople([
    { leadId: leads[0], role: 'Decision Maker' },
    { leadId: leads[1] },
    { leadId: leads[2] },
  ])
  sandbox.failNext({ kind: 'drop-after', method: 'POST', path: '*/composite/sobjects', count: 1 })
  await world.run()
  clock.advance(HOUR_MS)
  await sync()
  expect(peopleThere().map(([name]) => name)).toEqual(['ada', 'bob', 'eve'])
})

test('a row that is refused is told with the deal, and goes once it may', async () => {
  world.lift = sandbox.failNext({
    kind: 'refuse-rows',
    everyNth: 1,
    code: 'INVALID_CROSS_REFERENCE_KEY',
    method: 'POST',
    path: '*/composite/sobjects',
    count: 'until-lifted',
  })
  await setPeople([
    { leadId: leads[0], role: 'Decision Maker', isPrimary: true },
    { leadId: leads[1] },
  ])
  const run = await world.run()
  expect(run.state).toBe('partial')
  const [item] = await world.items()
  expect(item).toMatchObject({ stream: 'opportunities', code: 'INVALID_CROSS_REFERENCE_KEY' })
  world.lift()
  clock.advance(HOUR_MS)
  expect(await world.retry(item!)).toBe(1)
  await sync()
  expect(peopleThere().map(([name]) => name)).toEqual(['ada', 'bob'])
})
