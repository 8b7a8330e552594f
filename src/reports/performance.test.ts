import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS } from '#core/time.ts'
import { getChannelAttribution, listCampaignAttribution } from '#reports/credit.operations.ts'
import { getOverview } from '#reports/overview.operations.ts'
import { createSalesPerformance } from '#reports/performance.operations.ts'
import { smallWorld } from '#reports/small-world.ts'
import type { Store } from '#store/store.ts'
import { newId } from '#core/id.ts'
import { openTestStore } from '#tests/store.ts'

const getSalesPerformance = createSalesPerformance(0)

let store: Store
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

const amount = (deals: number, amountMinor: number) => ({ deals, amountMinor })

test('open pipeline is divided into sourced, influenced and untouched without counting a deal twice', async () => {
  const world = await smallWorld(store)
  const [one, two, person, other] = [
    await world.campaign(),
    await world.campaign(),
    await world.person(),
    await world.person(),
  ]
  await world.touch(person, '2026-01-01T00:00:00Z', { campaignId: one })
  await world.touch(person, '2026-09-01T00:00:00Z', { campaignId: two, channel: 'webinar' })
  await world.touch(other, '2026-01-01T00:00:00Z', { channel: 'direct' })
  await world.touch(other, '2026-09-01T00:00:00Z', { campaignId: two })
  const open = { status: 'open', openedAt: '2026-06-01T00:00:00Z' } as const
  await world.deal({ ...open, people: [person], amountMinor: 100 })
  await world.deal({ ...open, people: [other], amountMinor: 20 })
  await world.deal({ ...open, people: [], amountMinor: 3 })
  await world.deal({ ...open, people: [person], amountMinor: null, currency: 'EUR' })
  await world.deal({ ...open, people: [person], amountMinor: 9, currency: 'USD' })
  await world.recompute()
  const { pipeline } = await world.ask(getSalesPerformance)
  expect(pipeline).toMatchObject({
    ...amount(4, 123),
    sourced: amount(2, 100),
    influenced: amount(1, 20),
    untouched: amount(1, 3),
    dealsWithoutAmount: 1,
    otherCurrencies: [{ currency: 'USD', deals: 1, amountMinor: 9 }],
  })
  const rows = new Map(
    pipeline.campaigns.map((row: { campaignId: string }) => [row.campaignId, row]),
  )
  expect(rows.get(one)).toMatchObject({ influenced: amount(2, 100), sourced: amount(2, 100) })
  expect(rows.get(two)).toMatchObject({ influenced: amount(3, 120), sourced: amount(0, 0) })
  expect(pipeline.channels.map((row: { channel: string }) => row.channel)).toEqual([
    'email',
    'webinar',
    'direct',
  ])
})

interface LeadPlan {
  capturedDay: number
  channel: number
  mqlAfter: number | null
  decision: number
  deals: { openedAfter: number; closedAfter: number | null; isWon: boolean }[]
}

const leadPlans: fc.Arbitrary<LeadPlan[]> = fc.array(
  fc.record({
    capturedDay: fc.nat(120),
    channel: fc.nat(1),
    mqlAfter: fc.option(fc.nat(40)),
    decision: fc.nat(2),
    deals: fc.array(
      fc.record({
        openedAfter: fc.integer({ min: -5, max: 40 }),
        closedAfter: fc.option(fc.nat(40)),
        isWon: fc.boolean(),
      }),
      { maxLength: 2 },
    ),
  }),
  { minLength: 3, maxLength: 14 },
)

const START_MS = Date.UTC(2026, 6, 1)
const at = (day: number) => new Date(START_MS + day * DAY_MS).toISOString()
const dateOf = (day: number) => at(day).slice(0, 10)

/** The steps of one channel, or all, by plain counting. */
function countSteps(plans: readonly LeadPlan[], from: number, to: number) {
  const within = (day: number | null) => day !== null && day >= from && day <= to
  const reached = plans.map((plan) => {
    const own = plan.deals.filter((deal) => deal.openedAfter >= 0)
    const days = (deals: (number | null)[]) =>
      deals.filter((day) => day !== null).sort((a, b) => a - b)[0] ?? null
    return {
      captured: plan.capturedDay,
      mql: plan.mqlAfter === null ? null : plan.capturedDay + plan.mqlAfter,
      opened: days(own.map((deal) => plan.capturedDay + deal.openedAfter)),
      won: days(
        own
          .filter((deal) => deal.isWon)
          .map((deal) =>
            deal.closedAfter === null
              ? null
              : plan.capturedDay + deal.openedAfter + deal.closedAfter,
          ),
      ),
    }
  })
  const cohort = reached.filter((lead) => within(lead.captured))
  return {
    cohort: {
      leads: cohort.length,
      mqls: cohort.filter((lead) => lead.mql !== null).length,
      opportunities: cohort.filter((lead) => lead.opened !== null).length,
      won: cohort.filter((lead) => lead.won !== null).length,
    },
    period: {
      leads: cohort.length,
      mqls: reached.filter((lead) => within(lead.mql)).length,
      opportunities: reached.filter((lead) => within(lead.opened)).length,
      won: reached.filter((lead) => within(lead.won)).length,
    },
  }
}

test('conversion from lead to won equals plain counting, by cohort and by period, in this period and the one before', async () => {
  await fc.assert(
    fc.asyncProperty(leadPlans, async (plans) => {
      const world = await smallWorld(store)
      for (const plan of plans) {
        const person = await world.person()
        const decided = (['new', 'qualified', 'disqualified'] as const)[plan.decision]!
        await world.lead(person, {
          channel: ['email', 'webinar'][plan.channel]!,
          capturedAt: at(plan.capturedDay),
          mqlAt: plan.mqlAfter === null ? null : at(plan.capturedDay + plan.mqlAfter),
          status: decided,
          disposition: plan.decision === 0 ? null : 'other',
        })
        for (const { openedAfter, closedAfter, isWon } of plan.deals) {
          const opened = plan.capturedDay + openedAfter
          await world.deal({
            people: [person],
            openedAt: at(opened),
            status: closedAfter === null ? 'open' : isWon ? 'won' : 'lost',
            closedAt: closedAfter === null ? null : at(opened + closedAfter),
          })
        }
      }
      const report = await world.ask(
        getSalesPerformance,
        { from: dateOf(60), to: dateOf(119), compare: 'previous' },
        at(300),
      )
      for (const [figures, from, to] of [
        [report.current, 60, 119],
        [report.previous, 0, 59],
      ] as const) {
        expect([figures.from, figures.to]).toEqual([dateOf(from), dateOf(to)])
        const expected = countSteps(plans, from, to)
        expect(figures.conversion.cohort.total).toMatchObject(expected.cohort)
        expect(figures.conversion.period.total).toMatchObject(expected.period)
        for (const [i, channel] of ['email', 'webinar'].entries()) {
          const own = countSteps(
            plans.filter((plan) => plan.channel === i),
            from,
            to,
          )
          const row = figures.conversion.cohort.channels.find(
            (row: { channel: string }) => row.channel === channel,
          )
          expect(row ?? { leads: 0, mqls: 0, opportunities: 0, won: 0 }).toMatchObject(own.cohort)
        }
        const cohort = plans.filter((plan) => plan.capturedDay >= from && plan.capturedDay <= to)
        expect(figures.leads).toMatchObject({
          accepted: cohort.filter((plan) => plan.decision === 1).length,
          rejected: cohort.filter((plan) => plan.decision === 2).length,
        })
      }
    }),
    { numRuns: 15 },
  )
})

test('closed deals have a win rate with its interval, a cycle, and a velocity', async () => {
  const world = await smallWorld(store)
  const closed = { openedAt: '2026-10-01T00:00:00Z', closedAt: '2026-10-11T00:00:00Z' }
  await world.deal({ ...closed, amountMinor: 1000 })
  await world.deal({ ...closed, amountMinor: 3000, closedAt: '2026-10-31T00:00:00Z' })
  await world.deal({ ...closed, status: 'lost', amountMinor: 500 })
  await world.deal({ ...closed, status: 'lost', closedAt: '2026-01-01T00:00:00Z' })
  for (let i = 0; i < 3; i++) await world.deal({ status: 'open', amountMinor: 1 })
  await world.recompute()
  const report = await world.ask(getSalesPerformance)
  const { closed: figures } = report.current
  expect(figures).toMatchObject({
    won: { ...amount(2, 4000), untouched: amount(2, 4000) },
    lost: amount(1, 500),
    averageWonMinor: 2000,
    cycle: { n: 2, medianDays: 20, isSmall: true },
  })
  expect(figures.winRate).toMatchObject({ numerator: 2, denominator: 3, isSmall: true })
  expect(report.pipelineVelocityMinorPerDay).toBe(Math.round((3 * (2 / 3) * 2000) / 20))
})

test('stage days run from entry to the next stage or the close, and end in the period', async () => {
  const world = await smallWorld(store)
  const [pipeline, first, second] = [newId('pip'), newId('stg'), newId('stg')]
  await world.write(async (tx) => {
    await tx.execute(
      sql`insert into pipelines (id, workspace_id, label, updated_at) values (${pipeline}, ${tx.workspaceId}, 'Sales', now())`,
    )
    await tx.execute(sql`insert into stages (id, workspace_id, pipeline_id, label, position, probability, outcome)
      values (${first}, ${tx.workspaceId}, ${pipeline}, 'First', 1, 0.1, 'open'), (${second}, ${tx.workspaceId}, ${pipeline}, 'Second', 2, 0.5, 'open')`)
  })
  for (const days of [2, 4, 9]) {
    const deal = await world.deal({
      openedAt: '2026-10-01T00:00:00Z',
      closedAt: '2026-10-20T00:00:00Z',
    })
    await world.write((tx) =>
      tx.execute(sql`insert into opportunity_stages (workspace_id, opportunity_id, entered_at, stage_id)
      values (${tx.workspaceId}, ${deal}, '2026-10-01T00:00:00Z', ${first}),
        (${tx.workspaceId}, ${deal}, timestamptz '2026-10-01T00:00:00Z' + ${days}::int * interval '1 day', ${second})`),
    )
  }
  await world.recompute()
  const { stages } = (await world.ask(getSalesPerformance)).current
  expect(stages).toMatchObject([
    { stageId: first, label: 'First', n: 3, medianDays: 4, meanDays: 5, isSmall: true },
    { stageId: second, label: 'Second', n: 3, medianDays: 15, meanDays: 14 },
  ])
})

test('lead velocity compares full months, and months without MQLs are there', async () => {
  const world = await smallWorld(store)
  for (const mqlAt of [
    '2026-08-31T23:59:59Z',
    '2026-10-01T00:00:00Z',
    '2026-10-15T00:00:00Z',
    '2026-11-02T00:00:00Z',
  ]) {
    await world.lead(await world.person(), { capturedAt: '2026-08-01T00:00:00Z', mqlAt })
  }
  const { leadVelocity } = await world.ask(getSalesPerformance)
  expect(leadVelocity.months).toHaveLength(12)
  expect(leadVelocity.months.slice(-4)).toEqual([
    { month: '2026-08-01', mqls: 1, growth: null, isPartial: false },
    { month: '2026-09-01', mqls: 0, growth: -1, isPartial: false },
    { month: '2026-10-01', mqls: 2, growth: null, isPartial: false },
    { month: '2026-11-01', mqls: 1, growth: -0.5, isPartial: true },
  ])
})

test('revenue is the same number in performance, by campaign, by channel and in the ledger', async () => {
  const world = await smallWorld(store)
  const [campaign, person, owner] = [await world.campaign(), await world.person(), newId('own')]
  await world.write((tx) =>
    tx.execute(sql`insert into owners (id, workspace_id, personal, created_at, updated_at)
    values (${owner}, ${tx.workspaceId}, 'sealed', now(), now())`),
  )
  await world.touch(person, '2026-10-01T00:00:00Z', { campaignId: campaign })
  await world.touch(person, '2026-10-02T00:00:00Z', { channel: 'direct' })
  await world.deal({ people: [person], amountMinor: 1001, ownerId: owner })
  await world.deal({ people: [person], amountMinor: 500 })
  await world.deal({ amountMinor: 7 })
  await world.recompute()
  const period = { from: '2026-11-01', to: '2026-11-30' }
  const { revenue } = (await world.ask(getSalesPerformance, period)).current
  const campaigns = await world.ask(listCampaignAttribution, period)
  const channels = await world.ask(getChannelAttribution, period)
  const credited = (rows: { creditedMinor: number }[]) =>
    rows.reduce((sum, row) => sum + row.creditedMinor, 0)
  expect(revenue.workspace).toEqual(campaigns.workspace)
  expect(credited(revenue.campaigns)).toBe(credited(campaigns.data))
  expect(credited(revenue.channels)).toBe(credited(channels.channels))
  expect(credited(channels.channels) + revenue.workspace.uncreditedMinor).toBe(1508)
  const owned = (await world.ask(getSalesPerformance, { ...period, ownerId: owner })).current
    .revenue
  expect([owned.workspace.wonMinor, credited(owned.campaigns)]).toEqual([1001, 1001])
  const direct = (await world.ask(getSalesPerformance, { ...period, channel: 'direct' })).current
    .revenue
  expect([
    credited(direct.campaigns),
    credited(direct.channels),
    direct.workspace.wonMinor,
  ]).toEqual([750, 750, 1501])
})

test('the overview counts the last 30 days against the 30 before', async () => {
  const world = await smallWorld(store)
  const person = await world.person()
  for (const at of [
    '2026-11-20T00:00:00Z',
    '2026-11-01T00:00:00Z',
    '2026-10-01T00:00:00Z',
    '2026-09-01T00:00:00Z',
  ]) {
    await world.touch(person, at)
    await world.deal({ people: [person], amountMinor: 100, closedAt: at })
  }
  await world.deal({ status: 'open', amountMinor: 40, openedAt: '2026-11-01T00:00:00Z' })
  await world.deal({ amountMinor: 5, currency: 'USD' })
  const overview = await world.ask(getOverview)
  expect(overview).toMatchObject({
    touches: { current: 2, previous: 1, change: 1 },
    won: { deals: { current: 2, previous: 1 }, amountMinor: { current: 200, previous: 100 } },
    openPipeline: {
      deals: { current: 1, previous: 2 },
      amountMinor: { current: 40, previous: 200 },
    },
    synced: { current: 0, previous: 0, change: null },
    otherCurrencies: [{ currency: 'USD', deals: 1, amountMinor: 5 }],
  })
})
