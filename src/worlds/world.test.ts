import { expect, test } from 'vitest'
import { creditDeals, sumByKey } from '#analytics/attribution/credit.ts'
import { channelKeys } from './causes.ts'
import { simulateWorld } from './world.ts'
import type { World, WorldOptions } from './world.ts'

const small: WorldOptions = {
  seed: 7,
  weeks: 40,
  people: 500,
  startAt: new Date('2025-11-03T00:00:00Z'),
}
const world = simulateWorld(small)
const harvest = new Set(world.channels.filter((channel) => channel.isHarvest).map(({ key }) => key))

function byId<T extends { id: string }>(items: readonly T[]): Map<string, T> {
  const map = new Map(items.map((item) => [item.id, item]))
  expect(map.size).toBe(items.length)
  return map
}

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0)
const isAscending = (values: number[]) =>
  values.every((value, i) => i === 0 || value >= values[i - 1]!)

test('the same options give the same world, and another seed another', () => {
  expect(simulateWorld(small)).toEqual(world)
  expect(simulateWorld({ ...small, seed: 8 }).deals).not.toEqual(world.deals)
})

test('a world has about as many people, campaigns and won deals as it was asked for', () => {
  const won = world.deals.filter((deal) => deal.status === 'won').length
  expect(world.people).toHaveLength(500)
  expect(world.campaigns).toHaveLength(12)
  expect(world.truth.expectedDeals).toBeCloseTo((500 * 8.5 * 40) / 5200, 6)
  expect(Math.abs(won - world.truth.expectedDeals)).toBeLessThan(
    5 * Math.sqrt(world.truth.expectedDeals),
  )
  expect(new Set(world.touches.map((touch) => touch.campaignKey)).size).toBe(13)
})

test('everything refers to something that exists, under one id', () => {
  const people = byId(world.people)
  const companies = byId(world.companies)
  const owners = byId(world.owners)
  const touches = byId(world.touches)
  const campaigns = new Map(world.campaigns.map((campaign) => [campaign.key, campaign]))
  expect(world.people.every((person) => companies.has(person.companyId))).toBe(true)
  expect(new Set(world.people.map((person) => person.email)).size).toBe(500)
  expect(world.people.every((person) => person.email.endsWith('.example'))).toBe(true)
  for (const touch of world.touches) {
    expect(people.has(touch.personId)).toBe(true)
    expect(campaigns.get(touch.campaignKey ?? '')?.channel ?? 'direct').toBe(touch.channel)
    expect(touch.utmCampaign).toBe(touch.campaignKey)
  }
  for (const lead of byId(world.leads).values()) {
    expect(lead.touchIds.every((id) => touches.get(id)?.personId === lead.personId)).toBe(true)
    expect(touches.get(lead.touchIds[0]!)?.at).toEqual(lead.capturedAt)
  }
  for (const deal of byId(world.deals).values()) {
    expect(owners.get(deal.ownerId)?.territory).toBe(companies.get(deal.companyId)?.territory)
    expect(deal.personIds.length).toBeGreaterThan(0)
    expect(deal.personIds.every((id) => people.get(id)?.companyId === deal.companyId)).toBe(true)
  }
})

test('each deal passes its stages forward in time, within the world, and ends as its status says', () => {
  expect(isAscending(world.deals.map((deal) => deal.createdAt.getTime()))).toBe(true)
  expect(new Set(world.deals.map((deal) => deal.companyId)).size).toBe(world.deals.length)
  for (const { stages, status, createdAt, closedAt, amountMinor } of world.deals) {
    const times = stages.map((entry) => entry.enteredAt.getTime())
    const last = stages.at(-1)!
    expect(times.every((at, i) => i === 0 || at > times[i - 1]!)).toBe(true)
    expect(stages[0]!.enteredAt).toEqual(createdAt)
    expect(createdAt >= world.startAt && last.enteredAt < world.endAt).toBe(true)
    expect(last.stage === 'won' || last.stage === 'lost' ? last.stage : 'open').toBe(status)
    expect(closedAt).toEqual(status === 'open' ? null : last.enteredAt)
    expect(Number.isSafeInteger(amountMinor) && amountMinor > 0).toBe(true)
    expect(last.amountMinor).toBe(amountMinor)
    if (status === 'won')
      expect(stages.slice(0, 4).map(({ stage }) => stage)).toEqual([
        'qualification',
        'discovery',
        'proposal',
        'negotiation',
      ])
  }
})

test('no touch comes before its cause: e-mail follows consent, retargeting a visit, nothing a won deal', () => {
  expect(isAscending(world.touches.map((touch) => touch.at.getTime()))).toBe(true)
  const leads = new Map(world.leads.map((lead) => [lead.personId, lead]))
  const companyOf = new Map(world.people.map((person) => [person.id, person.companyId]))
  const wonAt = new Map(
    world.deals
      .filter((deal) => deal.status === 'won')
      .map((deal) => [deal.companyId, deal.closedAt!]),
  )
  const visitors = new Set<string>()
  for (const touch of world.touches) {
    const lead = leads.get(touch.personId)
    if (touch.channel === 'email') {
      expect(lead?.consent).toBe('granted')
      expect(lead!.capturedAt < touch.at).toBe(true)
    }
    if (touch.channel === 'retargeting') expect(visitors.has(touch.personId)).toBe(true)
    if (touch.channel !== 'display') visitors.add(touch.personId)
    const end = wonAt.get(companyOf.get(touch.personId)!)
    expect(end === undefined || touch.at <= end).toBe(true)
  }
  expect(world.touches.filter((touch) => touch.channel === 'email').length).toBeGreaterThan(100)
})

test('spend stays near its budget, week by week', () => {
  for (const { budgetMinor, spend } of world.campaigns) {
    expect(isAscending(spend.map((week) => week.weekStartAt.getTime()))).toBe(true)
    const spentMinor = sum(spend.map((week) => week.spendMinor))
    expect(spentMinor).toBeGreaterThan(0.5 * budgetMinor)
    expect(spentMinor).toBeLessThan(1.4 * budgetMinor)
  }
})

test('rule models credit the harvest channels many times what they bring, and the baseline not at all', () => {
  const { touches, amounts, offsets, closes, keys } = journeysOf(world)
  const columns = {
    amountMinor: amounts,
    closedAtMs: closes,
    touchOffsets: offsets,
    touchedAtMs: touches,
  }
  const { byModel, creditedMinor } = creditDeals(columns, { windowDays: null })
  const trueHarvest = sum(
    channelKeys.map((key) => (harvest.has(key) ? world.truth.channels[key].share : 0)),
  )
  for (const model of ['last', 'linear'] as const) {
    const credit = sumByKey(byModel.get(model)!.creditMinor, keys, channelKeys.length)
    const harvested =
      sum(channelKeys.map((key, i) => (harvest.has(key) ? credit[i]! : 0))) / creditedMinor
    const truth = channelKeys.map((key) => world.truth.channels[key].share)
    const distance =
      sum(channelKeys.map((_, i) => Math.abs(credit[i]! / creditedMinor - truth[i]!))) +
      world.truth.baseline.share
    expect(harvested).toBeGreaterThan(5 * trueHarvest)
    expect(1 - distance / 2).toBeLessThan(0.5)
  }
})

/** The won deals with the touches of all people of the company, as columns. */
function journeysOf({ people, deals, touches }: World) {
  const companyOf = new Map(people.map((person) => [person.id, person.companyId]))
  const byCompany = Map.groupBy(touches, (touch) => companyOf.get(touch.personId))
  const won = deals.filter((deal) => deal.status === 'won')
  const journeys = won.map((deal) => byCompany.get(deal.companyId) ?? [])
  const offsets = [0]
  for (const journey of journeys) offsets.push(offsets.at(-1)! + journey.length)
  return {
    amounts: Float64Array.from(won, (deal) => deal.amountMinor),
    closes: Float64Array.from(won, (deal) => deal.closedAt!.getTime()),
    offsets: Uint32Array.from(offsets),
    touches: Float64Array.from(journeys.flat(), (touch) => touch.at.getTime()),
    keys: Uint16Array.from(journeys.flat(), (touch) => channelKeys.indexOf(touch.channel)),
  }
}

test('a world of no weeks or half a person is refused', () => {
  expect(() => simulateWorld({ ...small, weeks: 0 })).toThrow(RangeError)
  expect(() => simulateWorld({ ...small, people: 0.5 })).toThrow(RangeError)
})
