import { describe, expect, test } from 'vitest'
import { drawSpec } from '#worlds/journeys/kinds.ts'
import type { JourneyKind } from '#worlds/journeys/kinds.ts'
import { simulateJourneys } from '#worlds/journeys/world.ts'
import type { JourneyWorld } from '#worlds/journeys/world.ts'
import { calibrateByExperiments } from './adjust.ts'
import { toAccounts } from './from-journeys.ts'
import { combine, readExperiments } from './holdouts.ts'
import { attributeCausally } from './model.ts'

const SLOW_MS = 240_000

/** True shares of all revenue: channels, then the baseline. */
function truthOf({ truth }: JourneyWorld): Float64Array {
  const sum = truth.removedMinor.reduce((total, minor) => total + Math.max(0, minor), 0)
  const moved = 1 - truth.baselineShare
  return Float64Array.from([
    ...truth.removedMinor.map((minor) => (moved * Math.max(0, minor)) / sum),
    truth.baselineShare,
  ])
}

/** Three like channels, of which the last does nothing; intent draws two of them. */
function plantedWorld(): JourneyWorld {
  const spec = drawSpec('mixed', 7)
  const [model] = spec.channels
  const channel = (key: string, effect: number, pull: number) => ({
    ...model!,
    key,
    effect,
    pull,
    dailyRate: 0.02,
    needs: 'nothing' as const,
    halfLifeDays: 7,
    halfSaturation: 1,
    fatigue: 0,
  })
  return simulateJourneys({
    ...spec,
    units: 9000,
    days: 90,
    form: 'multiplicative',
    expectedConversions: 900,
    baselineShare: 0.5,
    intent: { lasting: 0.7, market: 0, marketShare: 0, effect: 0.8 },
    channels: [channel('strong', 2, 0), channel('weak', 1, 0.3), channel('nothing', 0, 0.3)],
  })
}

const planted = plantedWorld()
const answer = attributeCausally(planted.columns)

describe(
  'a world whose causes are planted',
  () => {
    test('effects come out in their order, the planted zero near zero, the baseline where it is', () => {
      const truth = truthOf(planted)
      const [strong, weak, nothing, baseline] = answer.shares as unknown as [
        number,
        number,
        number,
        number,
      ]
      expect(truth[2]).toBe(0)
      expect(strong).toBeGreaterThan(weak)
      expect(weak).toBeGreaterThan(nothing)
      expect(nothing).toBeLessThan(0.1)
      expect(Math.abs(baseline - truth[3]!)).toBeLessThan(0.15)
    })

    test('every conversion is credited to the cent, and shares sum to 1', () => {
      const width = planted.columns.channels.length + 1
      planted.columns.revenueMinor.forEach((minor, i) => {
        const row = answer.creditMinor.subarray(i * width, (i + 1) * width)
        expect(row.reduce((sum, part) => sum + part, 0)).toBe(minor)
        expect(row.every((part) => part >= 0 && Number.isInteger(part))).toBe(true)
      })
      expect(answer.shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9)
      const campaigns = answer.campaignShares.reduce((sum, share) => sum + share, 0)
      expect(campaigns).toBeCloseTo(1 - answer.shares.at(-1)!, 6)
    })

    test('the same seed gives the same answer, another one a little other', () => {
      expect(attributeCausally(planted.columns).shares).toEqual(answer.shares)
      const other = attributeCausally(planted.columns, { seed: 2 }).shares
      expect(other).not.toEqual(answer.shares)
      other.forEach((share, c) => expect(Math.abs(share - answer.shares[c]!)).toBeLessThan(0.1))
    })

    test('intervals hold their share, and are not all of [0, 1]', () => {
      answer.shares.forEach((share, c) => {
        expect(answer.low[c]).toBeLessThanOrEqual(share)
        expect(answer.high[c]).toBeGreaterThanOrEqual(share)
        expect(answer.high[c]! - answer.low[c]!).toBeLessThan(0.6)
      })
    })
  },
  SLOW_MS,
)

test(
  'about nine in ten 90 % intervals hold the truth, on worlds that nothing was learnt from',
  () => {
    const kinds: JourneyKind[] = ['even', 'mixed', 'short_memory', 'small']
    let [hits, of] = [0, 0]
    for (const kind of kinds) {
      const world = simulateJourneys(drawSpec(kind, 77, kind === 'small' ? 0.5 : 0.12))
      const { low, high } = attributeCausally(world.columns)
      truthOf(world).forEach((share, c) => {
        of += 1
        if (share >= low[c]! && share <= high[c]!) hits += 1
      })
    }
    expect(hits / of).toBeGreaterThan(0.75)
  },
  SLOW_MS,
)

describe(
  'holdouts',
  () => {
    /** 1,000 people in no holdout with 100 conversions, 500 left out of channel 0 with 40. */
    function experiment() {
      const units = 1500
      const conversionUnit = Uint32Array.from({ length: 140 }, (_, i) => (i < 100 ? i : 900 + i))
      return {
        channels: ['a', 'b'],
        campaigns: ['a', 'b'],
        campaignChannel: Uint16Array.from([0, 1]),
        firstSeenMs: new Float64Array(units),
        observedUntilMs: new Float64Array(units).fill(90 * 86_400_000),
        segments: [],
        personOffsets: Uint32Array.from({ length: units + 1 }, (_, i) => i),
        heldOut: Int16Array.from({ length: units }, (_, i) => (i < 1000 ? -1 : 0)),
        touchOffsets: new Uint32Array(units + 1),
        touchMs: new Float64Array(0),
        touchChannel: new Uint16Array(0),
        touchCampaign: new Uint32Array(0),
        conversionUnit,
        conversionMs: new Float64Array(140).fill(86_400_000),
        revenueMinor: new Float64Array(140).fill(1000),
      }
    }

    test('lift is 1 − the ratio of rates, its variance by the delta method', () => {
      const [found, ...more] = readExperiments(experiment())
      expect(more).toEqual([])
      // 40 ⁄ 500 = 0.08 beside 100 ⁄ 1,000 = 0.1: a ratio of 0.8.
      expect(found!.lift).toBeCloseTo(0.2, 12)
      expect(found!.variance).toBeCloseTo(0.64 * (1 / 40 + 1 / 100), 12)
    })

    test('model and experiment weigh by their precision', () => {
      // Variances 0.04 and 0.01: a fifth to the model, four fifths to the experiment.
      const { share, variance } = combine(0.5, 0.04, { share: 0.1, variance: 0.01 })
      expect(share).toBeCloseTo(0.2 * 0.5 + 0.8 * 0.1, 12)
      expect(variance).toBeCloseTo(1 / (1 / 0.04 + 1 / 0.01), 12)
      expect(combine(0.1, 0.01, { share: -0.5, variance: 0.01 }).share).toBe(0)
    })

    test('a second experiment of a channel weighs against what the first left open, as both in one would', () => {
      const estimate = {
        shares: Float64Array.of(0.2, 0.1, 0.7),
        deviation: Float64Array.of(0.05, 0.05, 0.05),
      }
      const of = (lift: number, variance: number) => ({
        channel: 0,
        lift,
        variance,
        heldOut: 1000,
        conversionsHeldOut: 50,
        others: 1000,
        conversionsOthers: 50,
      })
      const pulls = new Float64Array(2)
      const [apart, together] = [[of(0.1, 0.002), of(0.2, 0.001)], [of(0.5 / 3, 0.002 / 3)]].map(
        (experiments) => calibrateByExperiments(estimate, experiments, 1, pulls),
      )
      expect(apart!.shares[0]).toBeCloseTo(together!.shares[0]!, 12)
      expect(apart!.deviation[0]).toBeCloseTo(together!.deviation[0]!, 12)
    })

    test('without touches all is baseline, and nothing breaks', () => {
      const { shares, creditMinor } = attributeCausally(experiment(), { usesHoldouts: false })
      expect([...shares]).toEqual([0, 0, 1])
      expect(creditMinor.reduce((sum, minor) => sum + minor, 0)).toBe(140_000)
    })
  },
  SLOW_MS,
)

test('journeys of one account become one account, in order of time', () => {
  const accounts = toAccounts({
    channels: ['a', 'b'],
    offsets: Uint32Array.from([0, 1, 3]),
    channel: Uint16Array.from([1, 0, 1]),
    touchedAtMs: Float64Array.from([50, 10, 20]),
    conversions: Float64Array.from([0, 1]),
    value: Float64Array.from([0, 12.5]),
    nulls: Float64Array.from([1, 0]),
    startedAtMs: Float64Array.from([30, 0]),
    endedAtMs: Float64Array.from([90, 30]),
    heldOut: null,
    cluster: Uint32Array.from([4, 4]),
  })
  expect([...accounts.touchMs]).toEqual([10, 20, 50])
  expect([...accounts.touchChannel]).toEqual([0, 1, 1])
  expect([...accounts.conversionMs]).toEqual([30])
  expect([...accounts.revenueMinor]).toEqual([1250])
  expect([accounts.firstSeenMs[0], accounts.observedUntilMs[0]]).toEqual([0, 90])
})
