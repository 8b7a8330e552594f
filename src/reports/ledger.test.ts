import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS } from '#core/time.ts'
import { getCampaignAttribution } from '#reports/campaign-report.operations.ts'
import {
  getAttributionReceipt,
  getChannelAttribution,
  listAttributionCredits,
  listAttributionDeals,
  listAttributionRestatements,
  listCampaignAttribution,
} from '#reports/credit.operations.ts'
import { markDirty } from '#reports/dirty.store.ts'
import { refreshPage } from '#reports/refresh-page.ts'
import { putAttributionWindows, recomputeAttribution } from '#reports/settings.operations.ts'
import { smallWorld, type SmallWorld } from '#reports/small-world.ts'
import type { Store } from '#store/store.ts'
import { openTestStore } from '#tests/store.ts'

let store: Store
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

const MODELS = ['first', 'last', 'linear', 'position', 'time_decay'] as const
type Model = (typeof MODELS)[number]

interface Plan {
  people: number
  touches: { person: number; day: number; campaign: number; channel: number }[]
  deals: {
    people: number[]
    day: number
    amount: number | null
    currency: number
    status: number
  }[]
}

const plans: fc.Arbitrary<Plan> = fc.record({
  people: fc.constant(4),
  touches: fc.array(
    fc.record({
      person: fc.nat(3),
      day: fc.nat(300),
      campaign: fc.integer({ min: -1, max: 2 }),
      channel: fc.nat(2),
    }),
    { minLength: 5, maxLength: 40 },
  ),
  deals: fc.array(
    fc.record({
      people: fc.uniqueArray(fc.nat(3), { maxLength: 3 }),
      day: fc.nat(300),
      amount: fc.option(fc.integer({ min: -500, max: 1_000_000 }), { freq: 6 }),
      currency: fc.nat(5).map((n) => (n === 0 ? 1 : 0)),
      status: fc.nat(4),
    }),
    { minLength: 2, maxLength: 8 },
  ),
})

const START_MS = Date.UTC(2026, 0, 1)
const at = (day: number) => new Date(START_MS + day * DAY_MS).toISOString()
const CHANNELS = ['email', 'webinar', 'direct'] as const

/** The figures once more, by plain counting over the plan; shares as fractions, cents by largest remainder. */
function oracle(plan: Plan, order: readonly number[], windowDays: number, model: Model) {
  const credited = new Map<number, number>()
  let uncredited = 0
  let won = 0
  for (const deal of plan.deals) {
    if (deal.status !== 0 && deal.status !== 1) continue
    if (deal.currency !== 0) continue
    const amount = deal.amount ?? 0
    won += amount
    const journey = order
      .filter((i) => deal.people.includes(plan.touches[i]!.person))
      .filter((i) => plan.touches[i]!.day <= deal.day)
      .filter((i) => windowDays === 0 || deal.day - plan.touches[i]!.day <= windowDays)
      .sort((a, b) => plan.touches[a]!.day - plan.touches[b]!.day || a - b)
    if (journey.length === 0) {
      uncredited += amount
      continue
    }
    const cents = split(amount, weightsBy[model](journey.map((i) => plan.touches[i]!.day)))
    journey.forEach((touch, k) => {
      const { campaign } = plan.touches[touch]!
      credited.set(campaign, (credited.get(campaign) ?? 0) + cents[k]!)
    })
  }
  return { credited, uncredited, won }
}

const weightsBy: Record<Model, (days: number[]) => number[]> = {
  first: (days) => days.map((_, i) => Number(i === 0)),
  last: (days) => days.map((_, i) => Number(i === days.length - 1)),
  linear: (days) => days.map(() => 1),
  position: (days) =>
    days.map((_, i) =>
      days.length > 2 && (i === 0 || i === days.length - 1) ? 2 * (days.length - 2) : 1,
    ),
  time_decay: (days) => days.map((day) => 2 ** ((day - days.at(-1)!) / 7)),
}

function split(amount: number, parts: number[]): number[] {
  const size = Math.abs(amount)
  const total = parts.reduce((a, b) => a + b, 0)
  const exact = parts.map((part) => (size * part) / total)
  const cents = exact.map((value) => Math.floor(value + 1e-9))
  const rest = exact.map((value, i) => Math.round((value - cents[i]!) * 1e9) / 1e9)
  const byRest = rest.map((_, i) => i).sort((a, b) => rest[b]! - rest[a]! || a - b)
  const left = size - cents.reduce((a, b) => a + b, 0)
  for (const i of byRest.slice(0, left)) cents[i]! += 1
  return cents.map((value) => Math.sign(amount) * value)
}

async function build(
  plan: Plan,
): Promise<{ world: SmallWorld; campaigns: string[]; touches: string[] }> {
  const world = await smallWorld(store)
  const campaigns = [await world.campaign(), await world.campaign(), await world.campaign()]
  const people: string[] = []
  for (let i = 0; i < plan.people; i++) people.push(await world.person())
  const touches: string[] = []
  for (const { person, day, campaign, channel } of plan.touches) {
    const fields = { campaignId: campaigns[campaign] ?? null, channel: CHANNELS[channel]! }
    touches.push(await world.touch(people[person]!, at(day), fields))
  }
  for (const deal of plan.deals) {
    await world.deal({
      people: deal.people.map((i) => people[i]!),
      status: (['won', 'won', 'lost', 'open', 'won'] as const)[deal.status]!,
      deletedAt: deal.status === 4 ? at(300) : null,
      closedAt: at(deal.day),
      amountMinor: deal.amount,
      currency: deal.currency === 0 ? 'EUR' : 'USD',
    })
  }
  await world.recompute()
  return { world, campaigns, touches }
}

test('on random worlds every figure equals plain counting to the cent, and all of them add up to what was won', async () => {
  await fc.assert(
    fc.asyncProperty(
      plans,
      fc.constantFrom('90', 'all'),
      fc.constantFrom(...MODELS),
      async (plan, window, model) => {
        const { world, campaigns } = await build(plan)
        const order = plan.touches.map((_, i) => i)
        const expected = oracle(plan, order, window === 'all' ? 0 : 90, model)
        const list = await world.ask(listCampaignAttribution, { model, window })
        const byId = new Map<string | null, number>(
          list.data.map((row: { campaignId: string | null; creditedMinor: number }) => [
            row.campaignId,
            row.creditedMinor,
          ]),
        )
        campaigns.forEach((id, i) => expect(byId.get(id)).toBe(expected.credited.get(i) ?? 0))
        expect(byId.get(null) ?? 0).toBe(expected.credited.get(-1) ?? 0)
        expect(list.workspace).toMatchObject({
          wonMinor: expected.won,
          uncreditedMinor: expected.uncredited,
        })

        const channels = await world.ask(getChannelAttribution, { model, window })
        for (const figures of [list.data, channels.channels]) {
          const credited = sum(figures, 'creditedMinor')
          expect(credited + list.workspace.uncreditedMinor).toBe(expected.won)
        }
        const report = await world.ask(getCampaignAttribution, {
          campaignId: campaigns[0],
          model,
          window,
        })
        expect(report.totals.creditedMinor).toBe(expected.credited.get(0) ?? 0)
        expect(sum(report.weeks, 'creditedMinor')).toBe(report.totals.creditedMinor)
        const lines = await world.ask(listAttributionCredits, {
          campaignId: campaigns[0],
          model,
          window,
          limit: 500,
        })
        expect(sum(lines.data, 'creditedMinor')).toBe(report.totals.creditedMinor)
        expect(lines.total.creditedMinor).toBe(report.totals.creditedMinor)
        expect(lines.total.n).toBe(report.totals.n)
      },
    ),
    { numRuns: 15 },
  )
})

function sum(rows: Record<string, number>[], field: string): number {
  return rows.reduce((total, row) => total + row[field]!, 0)
}

async function twoTouchWorld() {
  const world = await smallWorld(store)
  const [first, second, person] = [
    await world.campaign(),
    await world.campaign(),
    await world.person(),
  ]
  await world.touch(person, '2026-10-01T00:00:00Z', { campaignId: first })
  const deal = await world.deal({
    people: [person],
    amountMinor: 10_000,
    closedAt: '2026-10-15T00:00:00Z',
  })
  await world.recompute('2026-11-01T00:00:00Z')
  const credited = async (campaignId: string, at?: string) =>
    (await world.ask(getCampaignAttribution, { campaignId }, at)).totals.creditedMinor
  return { world, first, second, person, deal, credited }
}

test('a late touch restates the ended week of its deal, and the restatement says by how much and why', async () => {
  const { world, first, second, person, deal, credited } = await twoTouchWorld()
  const touch = await world.touch(person, '2026-10-10T00:00:00Z', { campaignId: second })
  const causes = { opportunityIds: [], touchpointIds: [touch], personIds: [], campaignIds: [] }
  expect(await world.write((tx) => markDirty(tx, causes, new Date('2026-11-02T00:00:00Z')))).toBe(1)
  const before = await world.ask(
    getCampaignAttribution,
    { campaignId: first },
    '2026-11-02T01:00:00Z',
  )
  expect(before.freshness).toMatchObject({ dirtyDeals: 1, isStale: true })
  expect(await world.refresh('2026-11-02T02:00:00Z')).toBe(1)
  expect([await credited(first), await credited(second)]).toEqual([5000, 5000])
  const restated = await world.ask(listAttributionRestatements, { campaignId: first })
  expect(restated.data).toMatchObject([
    {
      week: '2026-10-12',
      cause: 'touches_changed',
      deltaMinor: -5000,
      opportunityIds: [deal],
      bucket: 'campaign',
    },
  ])
  const report = await world.ask(getCampaignAttribution, { campaignId: second })
  expect(report.weeks.find((week: { week: string }) => week.week === '2026-10-12')).toMatchObject({
    creditedMinor: 5000,
    restatedMinor: 5000,
  })
})

test('a touch after the close of a deal marks nothing', async () => {
  const { world, person } = await twoTouchWorld()
  const touch = await world.touch(person, '2026-10-16T00:00:00Z')
  const causes = { opportunityIds: [], touchpointIds: [touch], personIds: [], campaignIds: [] }
  expect(await world.write((tx) => markDirty(tx, causes, new Date()))).toBe(0)
})

test('a deal that is reopened, lost or deleted loses its credit, and the restatement says so', async () => {
  for (const [change, cause] of [
    [sql`status = 'open', closed_at = null`, 'deal_not_won'],
    [sql`status = 'lost'`, 'deal_not_won'],
    [sql`deleted_at = now()`, 'deal_deleted'],
  ] as const) {
    const { world, first, deal, credited } = await twoTouchWorld()
    await world.write((tx) =>
      tx.execute(sql`update opportunities set ${change} where id = ${deal}`),
    )
    await world.recompute('2026-11-02T00:00:00Z')
    expect(await credited(first)).toBe(0)
    const deals = await world.ask(listAttributionDeals)
    expect(deals).toMatchObject({ data: [], total: { deals: 0, amountMinor: 0 } })
    const restated = await world.ask(listAttributionRestatements, { campaignId: first })
    expect(restated.data).toMatchObject([{ cause, deltaMinor: -10_000, deltaDeals: -1 }])
  }
})

test('restatements of a week sum to the change of its figure, whatever changed', async () => {
  const { world, first, person, deal } = await twoTouchWorld()
  await world.write((tx) =>
    tx.execute(sql`update opportunities set amount_minor = 12345 where id = ${deal}`),
  )
  await world.deal({ people: [person], amountMinor: 700, closedAt: '2026-10-16T00:00:00Z' })
  await world.deal({ people: [], amountMinor: 33, closedAt: '2026-10-16T00:00:00Z' })
  await world.recompute('2026-11-02T00:00:00Z')
  const restated = await world.ask(listAttributionRestatements, {
    campaignId: first,
    week: '2026-10-12',
  })
  expect(restated.total.deltaMinor).toBe(12_345 + 700 - 10_000)
  const all = await world.ask(listAttributionRestatements)
  const uncredited = all.data.filter((row: { bucket: string }) => row.bucket === 'uncredited')
  expect(uncredited).toMatchObject([{ cause: 'late_deal', deltaMinor: 33 }])
  await world.recompute('2026-11-03T00:00:00Z')
  expect((await world.ask(listAttributionRestatements)).data).toEqual(all.data)
})

test('merged people keep the order of their touches, also while a deal still lists the person that was merged away', async () => {
  const world = await smallWorld(store)
  const [early, late] = [await world.campaign(), await world.campaign()]
  const survivor = await world.person()
  const merged = await world.person(survivor)
  await world.touch(survivor, '2026-10-09T00:00:00Z', { campaignId: late })
  await world.touch(survivor, '2026-10-01T00:00:00Z', { campaignId: early })
  const deal = await world.deal({
    people: [merged],
    amountMinor: 999,
    closedAt: '2026-10-15T00:00:00Z',
  })
  const causes = {
    opportunityIds: [],
    touchpointIds: [],
    personIds: [merged, survivor],
    campaignIds: [],
  }
  expect(await world.write((tx) => markDirty(tx, causes, new Date()))).toBe(1)
  await world.refresh()
  const receipt = await world.ask(getAttributionReceipt, { opportunityId: deal })
  expect(receipt.touches.map((touch: { campaignId: string }) => touch.campaignId)).toEqual([
    early,
    late,
  ])
  expect(receipt.touches[0].creditedMinor.first).toBe(999)
  expect(receipt.touches[1].creditedMinor.last).toBe(999)
})

test('a receipt lists every touch before the close, and its sums are the amount under every model', async () => {
  const world = await smallWorld(store)
  const [campaign, person, colleague] = [
    await world.campaign(),
    await world.person(),
    await world.person(),
  ]
  const old = await world.touch(person, '2026-01-01T00:00:00Z')
  await world.touch(colleague, '2026-10-01T00:00:00Z', { campaignId: campaign })
  await world.touch(person, '2026-10-05T00:00:00Z', { channel: 'webinar' })
  await world.touch(person, '2026-10-16T00:00:00Z')
  const deal = await world.deal({
    people: [person, colleague],
    amountMinor: 101,
    closedAt: '2026-10-15T00:00:00Z',
  })
  await world.recompute()
  const receipt = await world.ask(getAttributionReceipt, { opportunityId: deal })
  expect(receipt.touches).toHaveLength(3)
  expect(receipt.touches[0]).toMatchObject({ touchpointId: old, isInWindow: false })
  expect(receipt.sums).toEqual({
    first: 101,
    last: 101,
    linear: 101,
    position: 101,
    time_decay: 101,
  })
  expect(receipt).toMatchObject({ isCredited: true, uncreditedMinor: 0, note: null })
  await expect(
    world.ask(getAttributionReceipt, { opportunityId: 'opp_none' }),
  ).rejects.toMatchObject({ code: 'resource.not_found' })
})

test('a mark that comes during a refresh is not lost', async () => {
  const { world, deal } = await twoTouchWorld()
  const mark = () =>
    world.write((tx) =>
      markDirty(
        tx,
        { opportunityIds: [deal], touchpointIds: [], personIds: [], campaignIds: [] },
        new Date(),
      ),
    )
  await mark()
  await store.transaction(world.workspaceId, async (tx) => {
    const { deals } = await world.ask(recomputeAttribution)
    expect(deals).toBe(1)
    expect(await refreshPage(tx, new Date())).toBe(1)
  })
  expect(await world.refresh()).toBe(0)
  let marked: Promise<number> | undefined
  await mark()
  await store.transaction(world.workspaceId, async (tx) => {
    expect(await refreshPage(tx, new Date())).toBe(1)
    marked = mark()
  })
  await marked
  expect(await world.refresh()).toBe(1)
})

test('two refreshes at once leave the same ledger as one', async () => {
  const { world, first, credited } = await twoTouchWorld()
  const person = await world.person()
  await world.touch(person, '2026-10-01T00:00:00Z', { campaignId: first })
  for (let i = 0; i < 20; i++) {
    await world.deal({ people: [person], amountMinor: 100, closedAt: '2026-10-15T00:00:00Z' })
  }
  await world.ask(recomputeAttribution)
  const pages = await Promise.all([1, 2, 3].map(() => world.refresh()))
  expect(pages.reduce((a, b) => a + b)).toBe(21)
  expect(await credited(first)).toBe(12_000)
})

test('pages are cut by deals and by touches, and small pages give the same ledger', async () => {
  const { world, first, credited } = await twoTouchWorld()
  const person = await world.person()
  for (let day = 1; day <= 9; day++)
    await world.touch(person, `2026-10-0${day}T00:00:00Z`, { campaignId: first })
  for (let i = 0; i < 4; i++)
    await world.deal({ people: [person], amountMinor: 100, closedAt: '2026-10-15T00:00:00Z' })
  await world.ask(recomputeAttribution)
  const page = (limits: { maxDeals?: number; maxTouches?: number }) =>
    world.write((tx) => refreshPage(tx, new Date(), limits))
  expect(await page({ maxDeals: 2 })).toBe(2)
  expect(await page({ maxTouches: 5 })).toBe(1)
  expect(await page({ maxTouches: 18 })).toBe(2)
  expect(await page({})).toBe(0)
  expect(await credited(first)).toBe(10_400)
})

test('a new window is computed for all deals and restates nothing; an unknown one is refused with what to do', async () => {
  const { world, first } = await twoTouchWorld()
  await expect(
    world.ask(getCampaignAttribution, { campaignId: first, window: '7' }),
  ).rejects.toMatchObject({
    code: 'attribution.window_unknown',
    message: expect.stringContaining('PUT /api/v1/attribution/windows'),
  })
  const put = await world.ask(
    putAttributionWindows,
    { windows: ['7', '90', 'all', '30'] },
    '2026-11-02T00:00:00Z',
  )
  expect(put.windows).toEqual(['all', '7', '30', '90'])
  await world.refresh('2026-11-02T00:00:00Z')
  const narrow = await world.ask(getCampaignAttribution, { campaignId: first, window: '7' })
  expect(narrow).toMatchObject({
    totals: { creditedMinor: 0, n: 0 },
    workspace: { uncreditedMinor: 10_000 },
  })
  expect((await world.ask(listAttributionRestatements, { window: '7' })).data).toEqual([])
  await world.ask(putAttributionWindows, { windows: ['all'] })
  await expect(world.ask(getCampaignAttribution, { campaignId: first })).rejects.toMatchObject({
    code: 'attribution.window_unknown',
  })
})

test('a list of credits goes on after its cursor without a gap or a repeat', async () => {
  const world = await smallWorld(store)
  const person = await world.person()
  for (let day = 1; day <= 5; day++) await world.touch(person, `2026-10-0${day}T00:00:00Z`)
  await world.deal({ people: [person], closedAt: '2026-10-15T00:00:00Z' })
  await world.deal({ people: [person], closedAt: '2026-10-15T00:00:00.123456Z' })
  await world.recompute()
  const all = await world.ask(listAttributionCredits, { limit: 500 })
  const seen: unknown[] = []
  let cursor: string | undefined
  do {
    const page = await world.ask(listAttributionCredits, { limit: 3, ...(cursor && { cursor }) })
    seen.push(...page.data)
    cursor = page.nextCursor ?? undefined
  } while (cursor)
  expect(seen).toEqual(all.data)
  expect(seen).toHaveLength(10)
})

test('the first computation restates nothing, however many pages it takes', async () => {
  const world = await smallWorld(store)
  for (let i = 0; i < 3; i++) await world.deal({ closedAt: '2026-01-15T00:00:00Z' })
  await world.ask(recomputeAttribution)
  const page = () => world.write((tx) => refreshPage(tx, new Date(), { maxDeals: 1 }))
  expect([await page(), await page()]).toEqual([1, 1])
  const halfway = await world.ask(listAttributionDeals)
  expect(halfway.total.deals).toBe(2)
  expect([await page(), await page()]).toEqual([1, 0])
  expect((await world.ask(listAttributionRestatements)).data).toEqual([])
})
