import { afterEach, beforeEach, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, ManualClock } from '#core/time.ts'
import { startSalesforce, type SalesforceSandbox } from '#sandbox/salesforce/index.ts'
import { quickPace, World } from '#tests/scenarios/error-world.ts'
import { useHub } from '#tests/hub.ts'

/** Campaigns and their members between the hub and Salesforce, through the API on one side and the org on the other. */
const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock, syncPace: quickPace })
let sandbox: SalesforceSandbox
let world: World<'salesforce'>

beforeEach(async () => {
  sandbox = await startSalesforce({ now: () => clock.now().getTime(), keepRequests: 2000 })
  world = new World(hub, clock, 'salesforce', sandbox, await hub.freshWorkspace())
})
afterEach(async () => {
  world.lift()
  await world.stop()
})

/** Calls that change campaigns or memberships. */
const writes = () =>
  sandbox
    .requests()
    .filter(
      ({ method, url, body }) =>
        method === 'DELETE' ||
        (method === 'PATCH' && /sobjects\/Campaign|"type":"Campaign/.test(`${url} ${body}`)),
    )

async function campaign(more: Record<string, unknown> = {}): Promise<string> {
  const body = { key: 'fair', name: 'Spring fair', channel: 'event', status: 'active', ...more }
  const made = await world.workspace.post('/api/v1/campaigns', body)
  expect(made.status, made.text).toBe(201)
  return made.body.id
}

async function join(campaignId: string, leadId: string, more: object = {}): Promise<string> {
  const path = `/api/v1/campaigns/${campaignId}/members`
  const made = await world.workspace.post(path, { leadId, ...more })
  expect(made.status, made.text).toBe(201)
  return made.body.id
}

async function membersHere(campaignId: string) {
  const path = `/api/v1/campaigns/${campaignId}/members?limit=500`
  const listed = await world.workspace.get(path)
  expect(listed.status, listed.text).toBe(200)
  return listed.body.data as { id: string; leadId: string; status: string; respondedAt: string }[]
}

const rowsOf = (object: string) => [...sandbox.records(object)].filter((row) => !row.isDeleted)

async function sync() {
  const run = await world.run()
  expect(run, JSON.stringify(run)).toMatchObject({ state: 'succeeded' })
  clock.advance(HOUR_MS)
  return run
}

/** One person in one campaign, on both sides. */
async function joined() {
  const campaignId = await campaign()
  const leadId = await world.capture('ada@example.com', { lastName: 'Lovelace' })
  const memberId = await join(campaignId, leadId)
  await world.connect()
  await sync()
  const [member] = rowsOf('CampaignMember')
  return { campaignId, leadId, memberId, there: member?.id ?? '' }
}

test('a campaign and its members go out once, and what the org says of them comes back', async () => {
  const plan = {
    startsOn: '2026-12-01',
    endsOn: '2026-12-03',
    budgetMinor: 500_050,
    currency: 'EUR',
  }
  const campaignId = await campaign(plan)
  const ids = await Promise.all(
    ['ada', 'bob', 'eve'].map((name) => world.capture(`${name}@example.com`, { lastName: name })),
  )
  for (const id of ids) await join(campaignId, id)
  await world.connect()
  await sync()
  const [there] = rowsOf('Campaign')
  expect(there?.values).toMatchObject({
    Name: 'Spring fair',
    Status: 'In Progress',
    IsActive: true,
    StartDate: '2026-12-01',
    EndDate: '2026-12-03',
    BudgetedCost: 5000.5,
  })
  expect(rowsOf('CampaignMember').map(({ values }) => values['Status'])).toEqual(
    Array.from({ length: 3 }, () => 'Sent'),
  )
  const sent = writes().length
  expect(sent).toBe(2)
  const [member] = rowsOf('CampaignMember')
  sandbox.edit('CampaignMember', member?.id ?? '', { Status: 'Responded' })
  sandbox.edit('Campaign', there?.id ?? '', { Name: 'Autumn fair', Status: 'Completed' })
  await sync()
  const responded = (await membersHere(campaignId)).filter(({ status }) => status === 'Responded')
  expect(responded).toMatchObject([{ respondedAt: '2026-11-23T00:00:00.000Z' }])
  const here = await world.workspace.get(`/api/v1/campaigns/${campaignId}`)
  expect(here.body).toMatchObject({ name: 'Autumn fair', status: 'ended', key: 'fair' })
  await sync()
  await sync()
  expect(writes()).toHaveLength(sent)
  expect(await world.items()).toEqual([])
})

test('a change here goes out alone, and the org’s answer is what both agree on', async () => {
  const { campaignId, memberId, there } = await joined()
  const before = writes().length
  const path = `/api/v1/campaigns/${campaignId}/members/${memberId}`
  const changed = await world.workspace.patch(path, { status: 'Responded' })
  expect(changed.body.respondedAt).not.toBeNull()
  await world.workspace.patch(`/api/v1/campaigns/${campaignId}`, { status: 'paused' })
  await sync()
  const [sentCampaign, sentMember] = writes().slice(before)
  expect(JSON.parse(sentCampaign?.body ?? '').records).toMatchObject([
    { Status: 'In Progress', IsActive: false },
  ])
  expect(JSON.parse(sentMember?.body ?? '').records).toEqual([
    { attributes: { type: 'CampaignMember' }, id: there, Status: 'Responded' },
  ])
  await sync()
  await sync()
  expect(writes()).toHaveLength(before + 2)
  const [member] = await membersHere(campaignId)
  expect(member).toMatchObject({ status: 'Responded', respondedAt: changed.body.respondedAt })
  const campaignHere = await world.workspace.get(`/api/v1/campaigns/${campaignId}`)
  expect(campaignHere.body.status).toBe('paused')
})

test('campaigns of the org with contacts in them are taken in, those of one name apart', async () => {
  sandbox.seed({
    records: {
      Account: [{ Name: 'Engines' }],
      Contact: [{ LastName: 'Babbage', Email: 'babbage@example.com', AccountId: '@Account[0]' }],
      Campaign: [
        { Name: 'Newsletter', Type: 'Email', Status: 'Planned', StartDate: '2026-01-01' },
        { Name: 'Newsletter', Type: 'Trade Show', Status: 'Completed', StartDate: '2026-02-01' },
      ],
      CampaignMember: [
        { CampaignId: '@Campaign[1]', ContactId: '@Contact[0]', Status: 'Responded' },
      ],
    },
  })
  await world.connect()
  await sync()
  const { data } = (await world.workspace.get('/api/v1/campaigns')).body
  const told = data.map(({ key, channel, status }: Record<string, string>) => [
    key,
    channel,
    status,
  ])
  expect(told.toSorted()).toEqual([
    ['newsletter', 'email', 'planned'],
    ['newsletter_2', 'event', 'ended'],
  ])
  const second = data.find(({ key }: { key: string }) => key === 'newsletter_2')
  expect(await membersHere(second.id)).toMatchObject([{ status: 'Responded' }])
  await sync()
  expect(writes()).toEqual([])
  // Who is a contact there is no new lead.
  expect(sandbox.count('Lead')).toBe(0)
})

test('what is in both already is found, not made a second time', async () => {
  const campaignId = await campaign()
  const leadId = await world.capture('ada@example.com')
  await join(campaignId, leadId)
  sandbox.seed({
    records: {
      Lead: [{ LastName: 'Lovelace', Company: 'Engines', Email: 'ada@example.com' }],
      Campaign: [{ Name: 'spring FAIR', Status: 'In Progress', IsActive: true }],
      CampaignMember: [{ CampaignId: '@Campaign[0]', LeadId: '@Lead[0]', Status: 'Responded' }],
    },
  })
  await world.connect()
  await sync()
  expect([sandbox.count('Campaign'), sandbox.count('CampaignMember')]).toEqual([1, 1])
  const { data } = (await world.workspace.get('/api/v1/campaigns')).body
  expect(data).toHaveLength(1)
  expect(await membersHere(campaignId)).toHaveLength(1)
})

test('a lead that is converted stays in its campaign, and joins the next one as the contact', async () => {
  const { campaignId, leadId, there } = await joined()
  const [lead] = rowsOf('Lead')
  const { contactId } = sandbox.convert(lead?.id ?? '')
  await sync()
  expect(await membersHere(campaignId)).toMatchObject([{ leadId }])
  const next = await campaign({ key: 'webinar', name: 'Webinar' })
  await join(next, leadId)
  await sync()
  const made = rowsOf('CampaignMember').find(({ id }) => id !== there)
  expect(made?.values).toMatchObject({ ContactId: contactId, Status: 'Sent' })
  const before = writes().length
  await sync()
  expect(writes()).toHaveLength(before)
  expect(await world.items()).toEqual([])
})

test('who leaves a campaign on either side leaves it on the other', async () => {
  const campaignId = await campaign()
  const ids = [await world.capture('ada@example.com'), await world.capture('bob@example.com')]
  const memberId = await join(campaignId, ids[0]!)
  await join(campaignId, ids[1]!)
  await world.connect()
  await sync()
  const path = `/api/v1/campaigns/${campaignId}/members/${memberId}`
  expect((await world.workspace.delete(path)).status).toBe(204)
  await sync()
  const [left, ...more] = rowsOf('CampaignMember')
  expect(more).toEqual([])
  sandbox.remove('CampaignMember', left?.id ?? '')
  await sync()
  expect(await membersHere(campaignId)).toEqual([])
  const before = writes().length
  await sync()
  expect(writes()).toHaveLength(before)
})

test('a campaign that is deleted there stays here, and is not made again', async () => {
  const { campaignId } = await joined()
  const [row] = rowsOf('Campaign')
  sandbox.remove('Campaign', row?.id ?? '')
  await sync()
  await world.workspace.patch(`/api/v1/campaigns/${campaignId}`, { name: 'Other' })
  await sync()
  expect(sandbox.count('Campaign')).toBe(0)
  expect((await world.workspace.get(`/api/v1/campaigns/${campaignId}`)).status).toBe(200)
  expect(await membersHere(campaignId)).toEqual([])
})

test('a status that the campaign lacks is refused by name; the others are written', async () => {
  const campaignId = await campaign()
  const leads = [await world.capture('ada@example.com'), await world.capture('bob@example.com')]
  await join(campaignId, leads[0]!, { status: 'Attended' })
  await join(campaignId, leads[1]!)
  await world.connect()
  const run = await world.run()
  expect(run.state).toBe('partial')
  expect(rowsOf('CampaignMember').map(({ values }) => values['Status'])).toEqual(['Sent'])
  const [item] = await world.items()
  expect(item).toMatchObject({ code: 'MEMBER_STATUS_UNKNOWN', stream: 'campaign members' })
  expect(item?.detail).toBe('The campaign has the statuses Sent, Responded.')
  const [row] = rowsOf('Campaign')
  const status = { CampaignId: row?.id ?? '', Label: 'Attended', HasResponded: true }
  sandbox.add('CampaignMemberStatus', status)
  expect(await world.retry(item!)).toBe(1)
  await sync()
  expect(sandbox.count('CampaignMember')).toBe(2)
  expect(await world.items()).toEqual([])
})

test('a member whose lead is refused waits, and follows it by itself', async () => {
  const campaignId = await campaign()
  const leadId = await world.capture('ada@example.com')
  await join(campaignId, leadId)
  await world.connect()
  world.lift = sandbox.failNext({
    kind: 'refuse-rows',
    everyNth: 1,
    code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
    path: '*/composite/sobjects/Lead*',
    count: 'until-lifted',
  })
  await world.run()
  expect(sandbox.count('CampaignMember')).toBe(0)
  world.lift()
  clock.advance(HOUR_MS)
  const [item] = await world.items()
  expect(await world.retry(item!)).toBe(1)
  await sync()
  expect(sandbox.count('CampaignMember')).toBe(1)
})

test('whoever opted out is not put into a campaign there, and no membership takes that back', async () => {
  const campaignId = await campaign()
  const leadId = await world.capture('ada@example.com')
  await world.connect()
  await sync()
  const [lead] = rowsOf('Lead')
  sandbox.edit('Lead', lead?.id ?? '', { HasOptedOutOfEmail: true })
  await sync()
  const memberId = await join(campaignId, leadId)
  const run = await sync()
  expect(sandbox.count('CampaignMember')).toBe(0)
  const records = await world.workspace.get(
    `/api/v1/sync/runs/${run.id}/records?code=member.opted_out`,
  )
  expect(records.body.data).toMatchObject([{ localId: memberId, outcome: 'skipped' }])
  const path = `/api/v1/campaigns/${campaignId}/members/${memberId}`
  await world.workspace.patch(path, { status: 'Responded' })
  await sync()
  expect(sandbox.count('CampaignMember')).toBe(1)
  expect(sandbox.read('Lead', lead?.id ?? '', 'HasOptedOutOfEmail')).toBe(true)
})

test('an answer that was lost after the org wrote makes no second campaign and no second member', async () => {
  const campaignId = await campaign()
  for (let n = 0; n < 250; n += 1) {
    await join(campaignId, await world.capture(`lead${n}@example.com`))
  }
  await world.connect()
  sandbox.failNext({ kind: 'drop-after', path: '*/composite/sobjects/Campaign/*', count: 1 })
  sandbox.failNext({ kind: 'drop-after', path: '*/composite/sobjects/CampaignMember/*', count: 1 })
  await world.run()
  clock.advance(HOUR_MS)
  await sync()
  expect([sandbox.count('Campaign'), sandbox.count('CampaignMember')]).toEqual([1, 250])
  sandbox.clearCalls()
  clock.advance(DAY_MS)
  await sync()
  expect(writes()).toEqual([])
})

test('a plan names the memberships that are then written, and nothing else is', async () => {
  const { campaignId } = await joined()
  const leads = [await world.capture('bob@example.com'), await world.capture('eve@example.com')]
  await sync()
  const limited = await world.workspace.patch(`/api/v1/connections/${world.connectionId}`, {
    planAbove: 0,
  })
  expect(limited.status, limited.text).toBe(200)
  for (const id of leads) await join(campaignId, id)
  await world.run()
  const [plan] = (await world.workspace.get('/api/v1/sync/plans?state=proposed')).body.data
  const planned = await world.workspace.get(`/api/v1/sync/plans/${plan.id}/changes`)
  expect(planned.body.data).toHaveLength(2)
  for (const one of planned.body.data)
    expect(one).toMatchObject({ stream: 'campaign members', action: 'create' })
  const approved = await world.workspace.post(`/api/v1/sync/plans/${plan.id}/approval`, {})
  expect(approved.status, approved.text).toBe(200)
  const before = writes().length
  await world.run()
  expect(writes()).toHaveLength(before + 1)
  expect(sandbox.count('CampaignMember')).toBe(3)
})
