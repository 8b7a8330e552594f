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

test('a campaign gets its share of each won deal by week, and all campaigns with the rest make the total', async () => {
  const world = await smallWorld(store)
  const [spring, autumn, person] = [await world.campaign(), await world.campaign(), await world.person()]
  await world.touch(person, '2026-10-20T00:00:00Z', { campaignId: spring })
  await world.touch(person, '2026-10-25T00:00:00Z', { campaignId: autumn })
  await world.touch(person, '2026-11-01T00:00:00Z')
  await world.deal({ people: [person], amountMinor: 10_000, closedAt: '2026-11-10T12:00:00Z' })
  await world.deal({ people: [await world.person()], amountMinor: 5_000, closedAt: '2026-11-11T12:00:00Z' })
  await world.recompute()
  const report = await world.ask(getCampaignAttribution, { campaignId: spring })
  expect(report.totals).toMatchObject({ creditedMinor: 3334, n: 1 })
  expect(report.workspace).toMatchObject({ wonMinor: 15_000, uncreditedMinor: 5_000, uncreditedDeals: 1, wonDeals: 2 })
  expect(report.weeks.map((week: { week: string }) => week.week)).toEqual(['2026-11-09', '2026-11-16', '2026-11-23'])
  expect(report.weeks[0]).toMatchObject({ creditedMinor: 3334, isPartial: false })
  expect(report.weeks[2]).toMatchObject({ creditedMinor: 0, isPartial: true })
  expect(report.models.map((model: { creditedMinor: number }) => model.creditedMinor)).toEqual([10_000, 0, 3334, 4000, 1689])
  expect(report.freshness).toMatchObject({ dirtyDeals: 0, isStale: false, computedAt: new Date(NOW).toISOString() })
})
