import { afterEach, beforeEach, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, ManualClock } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { quickPace, World } from '#tests/scenarios/error-world.ts'
import { syncKpis } from '#sync/kpis.ts'
import { syncWatches } from '#sync/watches.ts'
import { useHub } from '#tests/hub.ts'

/** Marketing campaigns between the hub and HubSpot, through the API on one side and the account on the other. */
const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock, syncPace: quickPace })
const GUID = '430318c4-abb7-4bf7-a75e-9c5fa8f475a6'
const CRM_SCOPES = ['contacts', 'companies', 'deals', 'tasks', 'owners'].flatMap((name) =>
  ['objects', 'schemas'].flatMap((kind) =>
    ['read', 'write'].map((verb) => `crm.${kind}.${name}.${verb}`),
  ),
)
let token: { token: string; appId: number; scopes?: string[] }
let sandbox: HubspotSandbox
let world: World<'hubspot'>

beforeEach(async () => {
  token = { token: 'pat-na1-1', appId: 1 }
  await start()
})
afterEach(async () => {
  world.lift()
  await world.stop()
})

async function start(): Promise<void> {
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    keepRequests: 2000,
    tokens: [token],
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
  world = new World(hub, clock, 'hubspot', sandbox, await hub.freshWorkspace())
}

/** Calls that change campaigns. */
const writes = () =>
  sandbox
    .requests()
    .filter(({ url }) => /^\/marketing\/.*\/batch\/(?:create|update|archive)/.test(url))

async function campaign(more: Record<string, unknown> = {}): Promise<string> {
  const body = { key: 'fair', name: 'Spring fair', channel: 'event', status: 'active', ...more }
  const made = await world.workspace.post('/api/v1/campaigns', body)
  expect(made.status, made.text).toBe(201)
  return made.body.id
}

const here = async (id: string) => (await world.workspace.get(`/api/v1/campaigns/${id}`)).body
const listed = async () => (await world.workspace.get('/api/v1/campaigns')).body.data

async function change(id: string, values: Record<string, unknown>): Promise<void> {
  const changed = await world.workspace.patch(`/api/v1/campaigns/${id}`, values)
  expect(changed.status, changed.text).toBe(200)
}

async function sync() {
  const run = await world.run()
  expect(run, JSON.stringify(run)).toMatchObject({ state: 'succeeded' })
  clock.advance(HOUR_MS)
  return run
}

/** One campaign on both sides, made here. */
async function linked(more: Record<string, unknown> = {}) {
  const id = await campaign(more)
  await world.connect()
  await sync()
  const [there] = sandbox.campaigns()
  return { id, there: there?.id ?? '' }
}

const there = () => sandbox.campaigns()[0]?.properties

test('a campaign goes out once, and what HubSpot says of it comes back', async () => {
  const { id, there: guid } = await linked({
    startsOn: '2026-12-01',
    endsOn: '2026-12-03',
    budgetMinor: 500_050,
    currency: 'EUR',
  })
  // The sum of budget items is HubSpot's own.
  expect(there()).toEqual({
    hs_name: 'Spring fair',
    hs_utm: 'fair',
    hs_campaign_status: 'active',
    hs_start_date: '2026-12-01',
    hs_end_date: '2026-12-03',
  })
  const sent = writes().length
  expect(sent).toBe(1)
  sandbox.editCampaign(guid, {
    hs_name: 'Autumn fair',
    hs_campaign_status: 'completed',
    hs_utm: 'other',
  })
  await sync()
  // Touches find the campaign by its key: it stays.
  expect(await here(id)).toMatchObject({
    name: 'Autumn fair',
    status: 'ended',
    key: 'fair',
    budgetMinor: 500_050,
    currency: 'EUR',
  })
  await sync()
  await sync()
  expect(writes()).toHaveLength(sent)
  expect(await world.items()).toEqual([])
})

test('a campaign of HubSpot is taken in under its UTM value, with its budget, and touches join it', async () => {
  const properties = {
    hs_name: 'Winter Sale',
    hs_utm: 'Winter%20Sale',
    hs_campaign_status: 'in_progress',
    hs_start_date: '2026-12-01',
    hs_budget_items_sum_amount: '5000.5',
    hs_currency_code: 'EUR',
  }
  sandbox.seed({ campaigns: [{ id: GUID, properties }] })
  await world.connect()
  await sync()
  const [taken] = await listed()
  expect(taken).toMatchObject({
    key: 'winter sale',
    name: 'Winter Sale',
    channel: 'unknown',
    status: 'active',
    startsOn: '2026-12-01',
    endsOn: null,
    budgetMinor: 500_050,
    currency: 'EUR',
  })
  sandbox.editCampaign(GUID, { hs_budget_items_sum_amount: '6000' })
  await sync()
  expect(await here(taken.id)).toMatchObject({ budgetMinor: 600_000, currency: 'EUR' })
  await world.capture('ada@example.com', { utm: { campaign: 'Winter Sale', medium: 'cpc' } })
  const touches = await world.workspace.get(`/api/v1/touchpoints?campaignId=${taken.id}`)
  expect(touches.body.data, touches.text).toHaveLength(1)
  await sync()
  expect(writes()).toEqual([])
})

test('a state that nobody set is not written to where it is blank, and one that somebody sets is', async () => {
  sandbox.seed({ campaigns: [{ id: GUID, properties: { hs_name: 'Winter', hs_utm: 'winter' } }] })
  await world.connect()
  await sync()
  const [taken] = await listed()
  expect(taken).toMatchObject({ status: 'planned' })
  await change(taken.id, { endsOn: '2026-12-24' })
  await sync()
  expect(there()).toEqual({ hs_name: 'Winter', hs_utm: 'winter', hs_end_date: '2026-12-24' })
  await change(taken.id, { status: 'active' })
  await sync()
  expect(there()).toMatchObject({ hs_campaign_status: 'active' })
  await change(taken.id, { status: 'planned' })
  await sync()
  expect(there()).toMatchObject({ hs_campaign_status: 'planned' })
})

test('what is in both already is one: by the UTM value, else by name and first day', async () => {
  const byKey = await campaign({ key: 'fair', name: 'Spring fair' })
  const byName = await campaign({ key: 'webinar', name: 'Webinar', startsOn: '2026-12-01' })
  const seeds = [
    { hs_name: 'Frühlingsmesse', hs_utm: 'FAIR' },
    { hs_name: 'webinar ', hs_utm: 'hs-webinar', hs_start_date: '2026-12-01' },
    { hs_name: 'Webinar', hs_utm: 'webinar-2025', hs_start_date: '2025-12-01' },
  ]
  sandbox.seed({
    campaigns: seeds.map((properties, n) => ({ id: GUID.replace(/.$/, String(n)), properties })),
  })
  await world.connect()
  await sync()
  expect(sandbox.campaigns()).toHaveLength(3)
  const all = await listed()
  expect(all).toHaveLength(3)
  expect(all.map(({ key }: { key: string }) => key).toSorted()).toEqual([
    'fair',
    'webinar',
    'webinar-2025',
  ])
  expect((await here(byKey)).key).toBe('fair')
  expect((await here(byName)).key).toBe('webinar')
  await sync()
  const sent = writes().length
  await sync()
  expect(writes()).toHaveLength(sent)
})

test('a campaign that is made here under the UTM value of one there takes it over from its namesake', async () => {
  const namesake = await campaign({ key: 'webinar', name: 'Webinar' })
  sandbox.seed({
    campaigns: [{ id: GUID, properties: { hs_name: 'Webinar', hs_utm: 'hs-webinar' } }],
  })
  await world.connect()
  await sync()
  const id = await campaign({ key: 'hs-webinar', name: 'Webinar' })
  await sync()
  await change(id, { name: 'Webinar in winter' })
  await sync()
  expect(sandbox.campaigns()).toHaveLength(1)
  expect(there()).toMatchObject({ hs_name: 'Webinar in winter', hs_utm: 'hs-webinar' })
  expect((await here(namesake)).name).toBe('Webinar')
  const sent = writes().length
  await sync()
  expect(writes()).toHaveLength(sent)
  expect(await world.items()).toEqual([])
})

test('two of one UTM value there are told, not mixed up here', async () => {
  const both = [0, 1].map((n) => ({
    id: GUID.replace(/.$/, String(n)),
    properties: { hs_name: `Sale ${n}`, hs_utm: 'sale' },
  }))
  sandbox.seed({ campaigns: [both[0]!] })
  await world.connect()
  await sync()
  sandbox.seed({ campaigns: [both[1]!] })
  expect((await world.run()).state).toBe('partial')
  expect(await world.items()).toMatchObject([{ code: 'match.already_linked', stream: 'campaigns' }])
  clock.advance(HOUR_MS)
  sandbox.editCampaign(both[1]!.id, { hs_utm: 'sale_2' })
  await world.run()
  expect((await listed()).map(({ key }: { key: string }) => key).toSorted()).toEqual([
    'sale',
    'sale_2',
  ])
  expect(await world.items()).toEqual([])
})

test('a change here goes out alone, and an edit there at the same time is kept', async () => {
  const { id, there: guid } = await linked()
  const before = writes().length
  await change(id, { status: 'paused' })
  sandbox.editCampaign(guid, { hs_end_date: '2026-12-24', hs_notes: 'by hand' })
  await sync()
  const [sent, ...more] = writes().slice(before)
  expect(more).toEqual([])
  expect(JSON.parse(sent?.body ?? '').inputs).toEqual([
    { id: guid, properties: { hs_campaign_status: 'paused' } },
  ])
  expect(await here(id)).toMatchObject({ status: 'paused', endsOn: '2026-12-24' })
  expect(there()).toMatchObject({
    hs_campaign_status: 'paused',
    hs_end_date: '2026-12-24',
    hs_notes: 'by hand',
  })
  await sync()
  expect(writes()).toHaveLength(before + 1)
})

test('when both sides rename it, the later name stands on both', async () => {
  const { id, there: guid } = await linked()
  sandbox.editCampaign(guid, { hs_name: 'Theirs' })
  clock.advance(HOUR_MS)
  await change(id, { name: 'Ours' })
  await sync()
  expect([(await here(id)).name, there()?.['hs_name']]).toEqual(['Ours', 'Ours'])
  await change(id, { name: 'Ours again' })
  clock.advance(HOUR_MS)
  sandbox.editCampaign(guid, { hs_name: 'Theirs again' })
  await sync()
  expect([(await here(id)).name, there()?.['hs_name']]).toEqual(['Theirs again', 'Theirs again'])
  expect(await world.items()).toEqual([])
})

test('a campaign that is deleted on one side stays on the other, and is not made again', async () => {
  const { id, there: guid } = await linked()
  const other = await campaign({ key: 'webinar', name: 'Webinar' })
  await sync()
  expect(sandbox.campaigns()).toHaveLength(2)
  sandbox.removeCampaign(guid)
  await sync()
  await change(id, { name: 'Other' })
  await sync()
  expect((await here(id)).name).toBe('Other')
  expect((await world.workspace.delete(`/api/v1/campaigns/${other}`)).status).toBe(204)
  await sync()
  await sync()
  expect(sandbox.campaigns().map(({ properties }) => properties['hs_name'])).toEqual(['Webinar'])
})

test('an answer that was lost after HubSpot wrote makes no second campaign', async () => {
  const ids = await Promise.all(
    Array.from({ length: 60 }, (_, n) => campaign({ key: `c${n}`, name: `C${n}` })),
  )
  await world.connect()
  sandbox.failNext({ kind: 'drop-after', path: '*/campaigns/*/batch/create' })
  await sync()
  expect(sandbox.campaigns()).toHaveLength(ids.length)
  clock.advance(DAY_MS)
  const sent = writes().length
  await sync()
  expect(writes()).toHaveLength(sent)
})

test('what HubSpot loses in silence is found by reading back, and sent again', async () => {
  const id = await campaign()
  await world.connect()
  sandbox.failNext({ kind: 'lose-rows', everyNth: 1, path: '*/campaigns/*/batch/create' })
  const first = await world.run()
  expect(first.state).toBe('partial')
  expect(await world.items()).toMatchObject([{ code: 'certificate.missing', stream: 'campaigns' }])
  await sync()
  expect(there()).toMatchObject({ hs_name: 'Spring fair' })
  expect(await world.items()).toEqual([])
  await change(id, { name: 'Autumn fair' })
  sandbox.failNext({ kind: 'lose-rows', everyNth: 1, path: '*/campaigns/*/batch/update' })
  await world.run()
  expect(await world.items()).toMatchObject([{ code: 'certificate.lost', stream: 'campaigns' }])
  await sync()
  expect(there()).toMatchObject({ hs_name: 'Autumn fair' })
  expect(await world.items()).toEqual([])
})

test('a campaign that HubSpot refuses is an item of its own, and the others are written', async () => {
  await campaign({ key: 'good', name: 'Good' })
  const bad = await campaign({ key: 'bad', name: 'Bad' })
  await world.connect()
  // Whoever is last of two, and whoever comes alone.
  sandbox.failNext({
    kind: 'refuse-rows',
    everyNth: 2,
    code: 'VALIDATION_ERROR',
    fields: ['hs_name'],
    path: '*/campaigns/*/batch/create',
  })
  sandbox.failNext({
    kind: 'refuse-rows',
    everyNth: 1,
    code: 'VALIDATION_ERROR',
    fields: ['hs_name'],
    path: '*/campaigns/*/batch/create',
  })
  expect((await world.run()).state).toBe('partial')
  const [item, ...more] = await world.items()
  expect(more).toEqual([])
  expect(item).toMatchObject({
    code: 'VALIDATION_ERROR',
    stream: 'campaigns',
    record: bad,
    detail: 'Properties: hs_name.',
  })
  expect(sandbox.campaigns()).toHaveLength(1)
  clock.advance(HOUR_MS)
  expect(await world.retry(item!)).toBe(1)
  await sync()
  expect(sandbox.campaigns()).toHaveLength(2)
  expect(await world.items()).toEqual([])
})

/** The account is one without Marketing Hub. */
async function without(scopes: readonly string[]): Promise<void> {
  await world.stop()
  token = { token: 'pat-na1-1', appId: 1, scopes: ['oauth', ...CRM_SCOPES, ...scopes] }
  await start()
}

test('without the scopes the stream has an item that names them, and all others go on at once', async () => {
  await without([])
  const id = await campaign()
  await world.capture('ada@example.com')
  await world.connect()
  for (const day of [1, 2]) {
    const run = await world.run()
    expect(run, JSON.stringify(run)).toMatchObject({ state: 'succeeded', fault: null })
    const [item, ...more] = await world.items()
    expect(more).toEqual([])
    expect(item).toMatchObject({ code: 'stream.not_granted', stream: 'campaigns', record: '' })
    expect(item?.occurrences).toBe(day)
    expect(item?.detail).toMatch(/HubSpot wants more rights: marketing\.campaigns\.read/)
    clock.advance(DAY_MS)
  }
  await world.run()
  // The account does not have it: nothing of it is late, and all else is in time.
  const late = syncWatches.find(({ name }) => name === 'sync.stream_late')!
  const { store } = hub.app
  const found = await store.read(world.workspace.id, (tx) => late.look(tx, clock.now()))
  expect(found).toEqual([])
  const health = (await world.workspace.get('/api/v1/sync/health')).body.data[0]
  expect(health).toMatchObject({ isStale: false, lastSuccessAt: expect.any(String) as string })
  const ages = await store.read(world.workspace.id, (tx) => syncKpis.measure(tx, clock.now()))
  expect(ages['daily_freshness']).toEqual({ value: 1 })
  expect(world.emailsThere()).toEqual(['ada@example.com'])
  // A lead still goes at once, without waiting for the schedule.
  await world.capture('bob@example.com')
  await hub.settle()
  expect(world.emailsThere()).toEqual(['ada@example.com', 'bob@example.com'])
  const refused = sandbox.requests().filter(({ url }) => url.startsWith('/marketing/'))
  expect(refused).toHaveLength(3)
  token.scopes?.push('marketing.campaigns.read', 'marketing.campaigns.write')
  await sync()
  expect(await world.items()).toEqual([])
  expect(there()).toMatchObject({ hs_utm: 'fair' })
  expect((await here(id)).key).toBe('fair')
})

test('the scope to read alone lets campaigns in, and the item names the one to write', async () => {
  await without(['marketing.campaigns.read'])
  sandbox.seed({ campaigns: [{ id: GUID, properties: { hs_name: 'Winter', hs_utm: 'winter' } }] })
  await campaign()
  await world.connect()
  expect(await world.run()).toMatchObject({ state: 'succeeded' })
  expect(await listed()).toHaveLength(2)
  const items = await world.items()
  expect(items).toMatchObject([{ code: 'stream.not_granted', stream: 'campaigns' }])
  expect(items[0]?.detail).toContain('marketing.campaigns.write')
})

test('an approved plan is carried out without the campaigns that may not be written', async () => {
  await without(['marketing.campaigns.read'])
  await campaign()
  await world.capture('ada@example.com')
  await world.connect()
  const path = `/api/v1/connections/${world.connectionId}`
  expect((await world.workspace.patch(path, { planAbove: 0 })).status).toBe(200)
  await world.run()
  const [plan] = (await world.workspace.get('/api/v1/sync/plans?state=proposed')).body.data
  const approved = await world.workspace.post(`/api/v1/sync/plans/${plan.id}/approval`, {})
  expect(approved.status, approved.text).toBe(200)
  await world.run()
  expect(world.emailsThere()).toEqual(['ada@example.com'])
  expect((await world.workspace.get(`/api/v1/sync/plans/${plan.id}`)).body.state).toBe('done')
  const left = await world.workspace.get(`/api/v1/sync/plans/${plan.id}/changes?state=outdated`)
  expect(left.body.data).toMatchObject([
    { stream: 'campaigns', note: expect.stringContaining('marketing.campaigns.write') },
  ])
})

test('an account without campaigns pauses the stream, and the item closes', async () => {
  await without([])
  await world.connect()
  await world.run()
  expect(await world.items()).toHaveLength(1)
  const path = `/api/v1/connections/${world.connectionId}/streams/campaigns`
  expect((await world.workspace.patch(path, { paused: true })).status).toBe(200)
  expect(await world.items()).toEqual([])
  await sync()
  expect(await world.items()).toEqual([])
})

test('the plan of calls counts a stream that may not be read as one call', async () => {
  await without([])
  await world.connect()
  const counted = await world.workspace.post(
    `/api/v1/connections/${world.connectionId}/call-plan`,
    {},
  )
  expect(counted.status, counted.text).toBe(200)
  const { streams } = counted.body.nextRun
  expect(streams.find((one: { stream: string }) => one.stream === 'campaigns')).toMatchObject({
    recordsThere: null,
    pullCalls: 1,
  })
})

test('the calls of the first run are as predicted', async () => {
  const campaigns = Array.from({ length: 230 }, (_, n) => ({
    id: `430318c4-abb7-4bf7-a75e-${String(n).padStart(12, '0')}`,
    properties: { hs_name: `There ${n}`, hs_utm: `there-${n}` },
  }))
  sandbox.seed({ campaigns })
  for (let n = 0; n < 120; n += 1) await campaign({ key: `here-${n}`, name: `Here ${n}` })
  await world.connect()
  const path = `/api/v1/connections/${world.connectionId}/call-plan`
  const { nextRun } = (await world.workspace.post(path, {})).body
  const planned = nextRun.streams.find((one: { stream: string }) => one.stream === 'campaigns')
  expect(planned).toMatchObject({ recordsThere: 230, newThere: 120, pullCalls: 3 })
  sandbox.clearCalls()
  await sync()
  const made = sandbox.requests().filter(({ url }) => url.startsWith('/marketing/'))
  expect(made).toHaveLength(planned.pullCalls + planned.calls + planned.checkCalls)
})

test('an undo deletes the campaign that the run made there, and says that it is for good', async () => {
  const id = await campaign()
  await world.connect()
  const run = await sync()
  const path = `/api/v1/sync/runs/${run.id}/undo`
  const preview = (await world.workspace.get(`${path}?removeCreated=true`)).body
  expect(preview.recycles).toMatchObject([
    { stream: 'campaigns', about: expect.stringContaining('for good') },
  ])
  const asked = await world.workspace.post(path, { removeCreated: true })
  expect(asked.status, asked.text).toBe(202)
  await hub.settle()
  const plan = `/api/v1/sync/plans/${asked.body.id}`
  expect((await world.workspace.post(`${plan}/approval`, {})).status).toBe(200)
  await hub.settle()
  expect((await world.workspace.get(plan)).body.state).toBe('done')
  expect(sandbox.campaigns()).toEqual([])
  expect((await here(id)).key).toBe('fair')
})
