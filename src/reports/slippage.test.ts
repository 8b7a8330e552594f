import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededRandom, type Random } from '#core/random.ts'
import { DAY_MS } from '#core/time.ts'
import { smallWorld, type SmallWorld } from '#reports/small-world.ts'
import { getSlippage, listSlippage } from '#reports/slippage.operations.ts'
import type { Store } from '#store/store.ts'
import { openTestStore } from '#tests/store.ts'

let store: Store
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

const PERIOD = { from: '2026-09-01', to: '2026-09-30' }
const AFTER = '2026-11-01T00:00:00Z'

/** The day on which the deal is expected to close, as it was told at each moment. */
type Told = readonly (readonly [knownAt: string, closesOn: string | null])[]

async function tell(world: SmallWorld, opportunityId: string, told: Told): Promise<void> {
  const rows = told.map(([knownAt, closesOn]) => ({ opportunityId, knownAt, closesOn }))
  await world.write((tx) =>
    tx.execute(sql`
      insert into opportunity_close_dates (workspace_id, opportunity_id, known_at, closes_on)
      select ${tx.workspaceId}, r."opportunityId", r."knownAt", r."closesOn"
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as r("opportunityId" text, "knownAt" timestamptz, "closesOn" date)`),
  )
}

interface Deal {
  told: Told
  amountMinor?: number
  currency?: string
  openedAt?: string
  status?: 'open' | 'won' | 'lost'
  closedAt?: string | null
}

async function plant(world: SmallWorld, { told, ...deal }: Deal): Promise<string> {
  const fields = { status: 'open', amountMinor: 100, openedAt: '2026-06-01T00:00:00Z' } as const
  const id = await world.deal({ ...fields, ...deal })
  await tell(world, id, told)
  return id
}

test('each deal that was expected in a period counts once, by what became of it within the period', async () => {
  const world = await smallWorld(store)
  const july = '2026-07-01T00:00:00Z'
  const september = '2026-09-15T00:00:00Z'
  const expected: Told = [[july, '2026-09-20']]
  const won = await plant(world, { told: expected, status: 'won', closedAt: september })
  const lost = await plant(world, { told: expected, status: 'lost', closedAt: september })
  const pushed = await plant(world, { told: [...expected, [september, '2026-10-20']] })
  const late = await plant(world, {
    told: expected,
    status: 'won',
    closedAt: '2026-10-02T00:00:00Z',
    amountMinor: 70,
  })
  const forgotten = await plant(world, { told: expected })
  const takenBack = await plant(world, { told: [...expected, [september, null]] })
  // Not expected in September when it began, whatever was said since.
  const pulledIn: Told = [
    [july, '2026-10-05'],
    [september, '2026-09-25'],
  ]
  await plant(world, { told: pulledIn })
  await plant(world, { told: [[september, '2026-09-20']] })
  await plant(world, { told: expected, openedAt: '2026-09-02T00:00:00Z' })
  await plant(world, { told: expected, status: 'won', closedAt: '2026-08-30T00:00:00Z' })
  await plant(world, { told: expected, currency: 'USD', amountMinor: 5 })

  const answer = await world.ask(getSlippage, PERIOD, AFTER)
  expect(answer).toMatchObject({
    expected: { deals: 6, amountMinor: 570 },
    won: { deals: 1, amountMinor: 100 },
    lost: { deals: 1 },
    slipped: { deals: 4, amountMinor: 370 },
    pending: { deals: 0 },
    withoutDay: { deals: 1, amountMinor: 100 },
    slipRate: { numerator: 4, denominator: 6, isSmall: true },
    pushes: { deals: 2, later: 1, earlier: 1, medianDaysLater: 30 },
    otherCurrencies: [{ currency: 'USD', deals: 1, amountMinor: 5 }],
    knownSince: '2026-07-01T00:00:00.000Z',
  })
  const slipped = await world.ask(listSlippage, { ...PERIOD, outcome: 'slipped' }, AFTER)
  expect(slipped.data.map((row: { opportunityId: string }) => row.opportunityId).sort()).toEqual(
    [pushed, late, forgotten, takenBack].sort(),
  )
  const others = await world.ask(listSlippage, { ...PERIOD, outcome: 'won' }, AFTER)
  expect(others.data).toMatchObject([{ opportunityId: won, expectedOn: '2026-09-20', pushes: 0 }])
  expect((await world.ask(listSlippage, { ...PERIOD, outcome: 'lost' }, AFTER)).data).toMatchObject(
    [{ opportunityId: lost }],
  )
  // While the period lasts, what is still expected in it is no slippage yet; a push counts from when it was told.
  const early = await world.ask(getSlippage, PERIOD, '2026-09-10T00:00:00Z')
  expect(early.slipped.deals).toBe(0)
  expect(early.pending.deals + early.won.deals + early.lost.deals).toBe(6)
})

interface History {
  id: string
  openedAt: number
  closedAt: number | null
  status: 'open' | 'won' | 'lost'
  amountMinor: number
  told: [at: number, day: string | null][]
}

const FIRST = Date.parse('2026-05-01T00:00:00Z')
const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10)

function randomDeal(random: Random): Omit<History, 'id'> {
  const openedAt = FIRST + random.integer(150) * DAY_MS + 1000
  const told: History['told'] = []
  let at = openedAt
  let day = openedAt + random.integer(90) * DAY_MS
  for (let left = random.integer(5); left > 0; left -= 1) {
    told.push([at, random.uniform() < 0.1 ? null : dayOf(day)])
    at += (1 + random.integer(30)) * DAY_MS
    day += (random.integer(60) - 15) * DAY_MS
  }
  const isOpen = random.uniform() < 0.4
  return {
    openedAt,
    closedAt: isOpen ? null : at,
    status: isOpen ? 'open' : random.uniform() < 0.5 ? 'won' : 'lost',
    amountMinor: random.integer(1e6),
    told,
  }
}

/** The same by walking through each deal. */
function plainly(deals: readonly History[], fromAt: number, toAt: number, lastDay: string) {
  const known = (deal: History, at: number) => deal.told.findLast(([when]) => when <= at)?.[1]
  const sums = new Map<string, [deals: number, amountMinor: number]>()
  for (const deal of deals) {
    const isOpenThen =
      deal.openedAt <= fromAt && (deal.closedAt === null || deal.closedAt >= fromAt)
    if (!isOpenThen) continue
    const expectedOn = known(deal, fromAt)
    const isIn = expectedOn != null && expectedOn >= dayOf(fromAt) && expectedOn <= lastDay
    if (expectedOn != null && !isIn) continue
    const isClosed = deal.closedAt !== null && deal.closedAt < toAt
    const kind = expectedOn == null ? 'withoutDay' : isClosed ? deal.status : 'slipped'
    const [count, amount] = sums.get(kind) ?? [0, 0]
    sums.set(kind, [count + 1, amount + deal.amountMinor])
  }
  return Object.fromEntries(
    ['won', 'lost', 'slipped', 'withoutDay'].map((kind) => {
      const [count, amountMinor] = sums.get(kind) ?? [0, 0]
      return [kind, { deals: count, amountMinor }]
    }),
  )
}

test('random histories give what walking through each deal gives, and the list holds every one that is counted', async () => {
  const random = seededRandom(64, 1)
  const world = await smallWorld(store)
  const deals: History[] = []
  for (let i = 0; i < 120; i += 1) {
    const deal = randomDeal(random)
    const id = await plant(world, {
      told: deal.told.map(([at, day]) => [new Date(at).toISOString(), day]),
      amountMinor: deal.amountMinor,
      status: deal.status,
      openedAt: new Date(deal.openedAt).toISOString(),
      closedAt: deal.closedAt === null ? null : new Date(deal.closedAt).toISOString(),
    })
    deals.push({ ...deal, id })
  }
  let counted = 0
  for (const month of ['06', '07', '08', '09', '10']) {
    const period = { from: `2026-${month}-01`, to: `2026-${month}-30` }
    const [fromAt, toAt] = [Date.parse(period.from), Date.parse(period.to) + DAY_MS]
    const at = '2027-06-01T00:00:00Z'
    const answer = await world.ask(getSlippage, period, at)
    const truth = plainly(deals, fromAt, toAt, period.to)
    expect(answer).toMatchObject(truth)
    for (const outcome of ['won', 'lost', 'slipped'] as const) {
      const ids: string[] = []
      for (let cursor: string | undefined; ;) {
        const page = await world.ask(listSlippage, { ...period, outcome, limit: 3, cursor }, at)
        ids.push(...page.data.map((row: { opportunityId: string }) => row.opportunityId))
        cursor = page.nextCursor ?? undefined
        if (cursor === undefined) break
      }
      expect(new Set(ids).size).toBe(ids.length)
      expect(ids.length).toBe(truth[outcome]?.deals)
      counted += ids.length
    }
  }
  expect(counted).toBeGreaterThan(30)
})
