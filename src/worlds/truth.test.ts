import { expect, test } from 'vitest'
import { campaignPlans } from './campaigns.ts'
import { channelCauses, channelKeys } from './causes.ts'
import type { ChannelKey } from './causes.ts'
import { runDeals } from './deals.ts'
import { createScene, simulateExposure } from './exposure.ts'
import type { Exposure } from './exposure.ts'
import { calibrateScale, integrateHazard } from './hazard.ts'
import { createPopulation } from './population.ts'
import { measureTruth } from './truth.ts'
import { simulateWorld } from './world.ts'

const small = { seed: 11, weeks: 40, people: 400, startAt: new Date('2025-11-03T00:00:00Z') }
const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0)
const nothing = Object.fromEntries(channelKeys.map((key) => [key, 0])) as Record<ChannelKey, number>

test('the true shares of channels, and of campaigns, sum to 1 with the baseline', () => {
  const { truth } = simulateWorld(small)
  const channels = Object.values(truth.channels).map((effect) => effect.share)
  const campaigns = Object.values(truth.campaigns).map((effect) => effect.share)
  expect(truth.baseline.share + sum(channels)).toBeCloseTo(1, 12)
  expect(truth.baseline.share + sum(campaigns)).toBeCloseTo(1, 12)
  expect([...channels, ...campaigns].every((share) => share >= 0 && share <= 1)).toBe(true)
})

test('in a world where nothing works, all revenue would have come anyway', () => {
  const { truth } = simulateWorld({ ...small, effects: nothing })
  expect(truth.baseline.share).toBe(1)
  expect(
    Object.values(truth.channels).every(
      (effect) => effect.incrementalRevenueMinor === 0 && effect.share === 0,
    ),
  ).toBe(true)
})

test('a planted effect is the only one that the truth shows, and doubling it shows more', () => {
  const one = simulateWorld({ ...small, effects: { ...nothing, webinar: 4 } }).truth
  const two = simulateWorld({ ...small, effects: { ...nothing, webinar: 8 } }).truth
  expect(one.channels.webinar.share).toBeCloseTo(1 - one.baseline.share, 12)
  expect(one.channels.webinar.share).toBeGreaterThan(0.05)
  expect(two.channels.webinar.share).toBeGreaterThan(1.3 * one.channels.webinar.share)
})

test('a channel that leads to another is credited for what the other then brings', () => {
  const { truth } = simulateWorld({ ...small, effects: { ...nothing, retargeting: 5 } })
  expect(truth.channels.paid_search.incrementalRevenueMinor).toBeGreaterThan(0)
  expect(truth.channels.display.incrementalRevenueMinor).toBeLessThan(
    truth.channels.retargeting.incrementalRevenueMinor,
  )
})

test('switching channels off brings no deal and no deal earlier, and leaves the truth as it was', () => {
  const factual = simulateWorld(small)
  const off = simulateWorld({ ...small, without: ['webinar', 'paid_social'] })
  const opened = new Map(factual.deals.map((deal) => [deal.companyId, deal.createdAt]))
  expect(off.deals.length).toBeLessThan(factual.deals.length)
  for (const deal of off.deals) expect(deal.createdAt >= opened.get(deal.companyId)!).toBe(true)
  expect(
    off.touches.some((touch) => touch.channel === 'webinar' || touch.channel === 'paid_social'),
  ).toBe(false)
  expect(off.truth).toEqual(factual.truth)
})

test('the deals that really open with a channel on and off agree with its true effect', () => {
  const population = createPopulation(5, 400, 40)
  const scene = createScene(5, 40, population, channelCauses, campaignPlans)
  const { sources } = scene
  const everything = simulateExposure(scene, new Uint8Array(sources.length))
  const sums = integrateHazard(scene, everything)
  const scale = calibrateScale(scene, sums, 30)
  const truth = measureTruth(scene, campaignPlans, everything, sums, scale)

  // The same company and touches, 300 times with other luck in what opens and what is won.
  const wonOn = (exposure: Exposure) => {
    const hazard = integrateHazard(scene, exposure)
    let won = 0
    for (let luck = 0; luck < 300; luck++) {
      const runs = runDeals({ ...scene, seed: 1000 + luck }, hazard, scale, 0, exposure)
      won += sum(
        runs.map(
          ({ company }) =>
            population.hidden.winProbability[company]! * population.hidden.amountMinor[company]!,
        ),
      )
    }
    return won / 300
  }
  const isOff = (keys: readonly ChannelKey[]) =>
    Uint8Array.from(sources, ({ channel }) => (keys.includes(channelKeys[channel]!) ? 1 : 0))
  const whole = wonOn(everything)
  expect(whole / truth.expectedRevenueMinor).toBeCloseTo(1, 1)
  for (const key of ['webinar', 'paid_search', 'event', 'direct'] as const) {
    const lost = whole - wonOn(simulateExposure(scene, isOff([key])))
    expect(Math.abs(lost - truth.channels[key].incrementalRevenueMinor) / whole).toBeLessThan(0.01)
  }
  const baseline = wonOn(simulateExposure(scene, isOff(channelKeys)))
  expect(Math.abs(baseline / whole - truth.baseline.share)).toBeLessThan(0.03)
})
