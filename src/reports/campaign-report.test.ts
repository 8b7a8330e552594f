import { afterAll, beforeAll, expect, test } from 'vitest'
import { getCampaignAttribution } from '#reports/campaign-report.operations.ts'
import { NOW, smallWorld } from '#reports/small-world.ts'
import type { Store } from '#store/store.ts'
import { openTestStore } from '#tests/store.ts'

let store: Store
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

interface Week {
  week: string
  creditedMinor: number
  isPartial: boolean
  costMinor: number | null
}

test('a campaign gets its share of each won deal by week, next to all models and to what nobody touched', async () => {
  const world = await smallWorld(store)
  const [spring, autumn, person] = [
    await world.campaign(),
    await world.campaign(),
    await world.person(),
  ]
  await world.touch(person, '2026-10-20T00:00:00Z', { campaignId: spring })
  await world.touch(person, '2026-10-25T00:00:00Z', { campaignId: autumn })
  await world.touch(person, '2026-11-01T00:00:00Z')
  await world.deal({ people: [person], amountMinor: 10_000, closedAt: '2026-11-10T12:00:00Z' })
  await world.deal({
    people: [await world.person()],
    amountMinor: 5_000,
    closedAt: '2026-11-11T12:00:00Z',
  })
  await world.recompute()
  const report = await world.ask(getCampaignAttribution, { campaignId: spring, compare: 'models' })
  expect(report.totals).toMatchObject({
    creditedMinor: 3334,
    n: 1,
    value: 3334,
    share: 3334 / 15_000,
  })
  expect(report.workspace).toMatchObject({
    wonMinor: 15_000,
    uncreditedMinor: 5_000,
    uncreditedDeals: 1,
    wonDeals: 2,
  })
  expect(report.weeks.map((week: Week) => week.week)).toEqual([
    '2026-11-09',
    '2026-11-16',
    '2026-11-23',
  ])
  expect(report.weeks[0]).toMatchObject({ creditedMinor: 3334, isPartial: false })
  expect(report.weeks[1]).toMatchObject({ creditedMinor: 0, isPartial: false })
  expect(report.weeks[2]).toMatchObject({ creditedMinor: 0, isPartial: true })
  // Ages of 12, 7 and 0 days before the last touch: weights 2^(−12⁄7), ½ and 1.
  expect(report.models.map((model: { creditedMinor: number }) => model.creditedMinor)).toEqual([
    10_000, 0, 3334, 4000, 1689,
  ])
  expect(report.weeks[0].models).toMatchObject([
    { creditedMinor: 10_000 },
    {},
    { creditedMinor: 3334 },
    {},
    {},
  ])
  expect(report.freshness).toMatchObject({
    dirtyDeals: 0,
    isStale: false,
    computedAt: new Date(NOW).toISOString(),
  })
  expect(report.reach).toEqual({ touches: 1, people: 1 })
})

test('counted in deals, the value is the sum of shares and the whole is the number of won deals', async () => {
  const world = await smallWorld(store)
  const [campaign, person] = [await world.campaign(), await world.person()]
  await world.touch(person, '2026-10-20T00:00:00Z', { campaignId: campaign })
  await world.touch(person, '2026-10-21T00:00:00Z')
  await world.deal({ people: [person], amountMinor: null })
  await world.deal({ people: [person], amountMinor: 100 })
  await world.recompute()
  const report = await world.ask(getCampaignAttribution, { campaignId: campaign, unit: 'deals' })
  expect(report.totals).toMatchObject({ value: 1, deals: 1, n: 2, creditedMinor: 50, share: 0.5 })
  expect(report.workspace.dealsWithoutAmount).toBe(1)
  expect(report.notes.join(' ')).toContain('no amount in the CRM')
})

test('weeks run over the new year by ISO weeks, cut weeks are flagged, and weeks sum to the total', async () => {
  const world = await smallWorld(store)
  const [campaign, person] = [await world.campaign(), await world.person()]
  await world.touch(person, '2025-12-01T00:00:00Z', { campaignId: campaign })
  for (const closedAt of [
    '2025-12-28T23:59:59Z',
    '2025-12-29T00:00:00Z',
    '2026-01-04T23:00:00Z',
    '2026-01-05T00:00:00Z',
  ]) {
    await world.deal({ people: [person], amountMinor: 100, closedAt })
  }
  await world.recompute()
  const report = await world.ask(getCampaignAttribution, {
    campaignId: campaign,
    from: '2025-12-24',
    to: '2026-01-11',
  })
  expect(report.weeks.map((week: Week) => [week.week, week.creditedMinor, week.isPartial])).toEqual(
    [
      ['2025-12-22', 100, true],
      ['2025-12-29', 200, false],
      ['2026-01-05', 100, false],
    ],
  )
  expect(report.totals).toMatchObject({ creditedMinor: 400, n: 4 })
})

test('days and weeks are those of the workspace, not of UTC', async () => {
  const world = await smallWorld(store, 'EUR', 'America/New_York')
  const [campaign, person] = [await world.campaign(), await world.person()]
  await world.touch(person, '2026-10-01T00:00:00Z', { campaignId: campaign })
  await world.deal({ people: [person], amountMinor: 100, closedAt: '2026-11-02T04:30:00Z' }) // Sunday evening there
  await world.recompute()
  const report = await world.ask(getCampaignAttribution, { campaignId: campaign, to: '2026-11-01' })
  expect(report.weeks).toMatchObject([{ week: '2026-10-26', creditedMinor: 100 }])
  expect(report.timeZone).toBe('America/New_York')
})

test('deals of other currencies are told of and never added', async () => {
  const world = await smallWorld(store)
  const [campaign, person] = [await world.campaign(), await world.person()]
  await world.touch(person, '2026-10-01T00:00:00Z', { campaignId: campaign })
  await world.deal({ people: [person], amountMinor: 100 })
  await world.deal({ people: [person], amountMinor: 7000, currency: 'JPY' })
  await world.recompute()
  const euros = await world.ask(getCampaignAttribution, { campaignId: campaign })
  expect(euros.totals.creditedMinor).toBe(100)
  expect(euros.workspace.otherCurrencies).toEqual([
    { currency: 'JPY', deals: 1, amountMinor: 7000 },
  ])
  const yen = await world.ask(getCampaignAttribution, { campaignId: campaign, currency: 'JPY' })
  expect(yen.totals.creditedMinor).toBe(7000)
})

test('an unknown campaign is 404, a deleted one 410, and one without deals has zeros and says so', async () => {
  const world = await smallWorld(store)
  const gone = await world.campaign({ deletedAt: '2026-11-01T00:00:00Z' })
  const quiet = await world.campaign()
  const ask = (campaignId: string) => world.ask(getCampaignAttribution, { campaignId })
  await expect(ask('cmp_unknown')).rejects.toMatchObject({
    code: 'resource.not_found',
    status: 404,
  })
  await expect(ask(gone)).rejects.toMatchObject({ code: 'resource.gone', status: 410 })
  const report = await ask(quiet)
  expect(report.totals).toEqual({ creditedMinor: 0, deals: 0, n: 0, value: 0, share: null })
  expect(report.weeks).toMatchObject([{ week: '2026-11-23', n: 0, isPartial: true }])
  expect(report.cost).toMatchObject({ costMinor: null, reason: 'no_budget', roi: null })
  expect(report.notes.join(' ')).toContain('No won deal in this period has credit')
  expect(report.freshness.computedAt).toBeNull()
})

test('a campaign of another workspace does not exist', async () => {
  const [mine, theirs] = [await smallWorld(store), await smallWorld(store)]
  const campaignId = await theirs.campaign()
  await expect(mine.ask(getCampaignAttribution, { campaignId })).rejects.toMatchObject({
    code: 'resource.not_found',
  })
})

test('the cost of the weeks of a period sums to the cost of the period, and return is over cost', async () => {
  const world = await smallWorld(store)
  const campaign = await world.campaign({
    budgetMinor: 10_000,
    startsOn: '2026-10-01',
    endsOn: '2026-10-30',
  })
  const person = await world.person()
  await world.touch(person, '2026-10-05T00:00:00Z', { campaignId: campaign })
  await world.deal({ people: [person], amountMinor: 30_000, closedAt: '2026-10-20T00:00:00Z' })
  await world.recompute()
  const report = await world.ask(getCampaignAttribution, {
    campaignId: campaign,
    from: '2026-10-01',
    to: '2026-10-30',
  })
  expect(report.cost).toMatchObject({ costMinor: 10_000, reason: null, roi: 2 })
  const weeks: Week[] = report.weeks
  expect(weeks.reduce((sum, week) => sum + week.costMinor!, 0)).toBe(10_000)
})
