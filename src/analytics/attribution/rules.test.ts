import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY_MS } from '#core/time.ts'
import { ruleModels, rules, ruleShares } from './rules.ts'
import type { Rule, RuleSettings } from './rules.ts'

const journey = fc
  .array(fc.integer({ min: 0, max: 400 * DAY_MS }), { maxLength: 60 })
  .map((times) => Float64Array.from(times).sort())

const weights = fc
  .array(fc.integer({ min: 0, max: 9 }), { minLength: 3, maxLength: 6 })
  .filter((all) => all.some((weight) => weight > 0))
  .map((all) => ({ milestones: all.slice(1), rest: all[0]! }))
const channelsOf = (times: Float64Array) => ({
  channel: Uint16Array.from(times, (_, i) => (i * 7) % 3),
  directChannel: 0,
})

test('every model gives each touch a share in [0, 1], and the shares of a journey sum to 1', () => {
  fc.assert(
    fc.property(journey, fc.constantFrom(...rules), weights, (times, model, weights) => {
      const shares = ruleShares(model, times, { ...channelsOf(times), weights })
      expect(shares).toHaveLength(times.length)
      expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true)
      if (shares.length === 0) return
      expect(Math.abs(shares.reduce((sum, share) => sum + share) - 1)).toBeLessThan(1e-12)
    }),
  )
})

test('time decay halves with every half-life and gives a later touch no less than an earlier one', () => {
  expect([...ruleShares('time_decay', Float64Array.of(0, 7 * DAY_MS))]).toEqual([1 / 3, 2 / 3])
  expect([
    ...ruleShares('time_decay', Float64Array.of(0, 2 * DAY_MS), { halfLifeMs: DAY_MS }),
  ]).toEqual([0.2, 0.8])
  fc.assert(
    fc.property(journey, (times) => {
      const shares = ruleShares('time_decay', times)
      for (let i = 1; i < shares.length; i++)
        expect(shares[i]!).toBeGreaterThanOrEqual(shares[i - 1]!)
    }),
  )
})

test('moving a whole journey in time changes no share', () => {
  fc.assert(
    fc.property(
      journey,
      fc.constantFrom(...ruleModels),
      fc.integer({ min: 0, max: 1e12 }),
      (times, model, by) => {
        expect(
          ruleShares(
            model,
            times.map((at) => at + by),
          ),
        ).toEqual(ruleShares(model, times))
      },
    ),
  )
})

test('position-based gives 100, then 50-50, then 40-20-40', () => {
  expect([...ruleShares('position', Float64Array.of(1))]).toEqual([1])
  expect([...ruleShares('position', Float64Array.of(1, 2))]).toEqual([0.5, 0.5])
  expect([...ruleShares('position', Float64Array.of(1, 2, 3))]).toEqual([0.4, 0.2, 0.4])
  expect([...ruleShares('position', Float64Array.of(1, 2, 3, 4))]).toEqual([0.4, 0.1, 0.1, 0.4])
})

test('times that do not ascend and a half-life of nothing are refused', () => {
  for (const model of ruleModels) {
    expect(() => ruleShares(model, Float64Array.of(2, 1, 3))).toThrow(RangeError)
    expect(() => ruleShares(model, Float64Array.of(1, Number.NaN, 3))).toThrow(RangeError)
  }
  expect(() => ruleShares('time_decay', Float64Array.of(1), { halfLifeMs: 0 })).toThrow(RangeError)
  expect(() => ruleShares('time_decay', Float64Array.of(1), { halfLifeMs: Number.NaN })).toThrow(
    RangeError,
  )
})

interface Case {
  rule: Rule
  /** Days of the touches. */
  days: number[]
  settings?: RuleSettings & { channel?: Uint16Array; moments?: number[] }
  shares: number[]
}

const DIRECT = 0
const at = (...channels: number[]) => ({
  channel: Uint16Array.from(channels),
  directChannel: DIRECT,
})
const custom = (milestones: number[], rest: number) => ({ weights: { milestones, rest } })
/** Worked by hand: fractions of the definition, not of the code. */
const cases: Case[] = [
  { rule: 'last_non_direct', days: [1, 2, 3], settings: at(1, 2, 0), shares: [0, 1, 0] },
  { rule: 'last_non_direct', days: [1, 2, 3], settings: at(0, 0, 0), shares: [0, 0, 1] },
  { rule: 'last_non_direct', days: [1, 2, 3], settings: at(2, 0, 0), shares: [1, 0, 0] },
  { rule: 'last_non_direct', days: [1, 2], settings: at(0, 3), shares: [0, 1] },
  { rule: 'w_shaped', days: [1], shares: [1] },
  { rule: 'w_shaped', days: [1, 2], shares: [1 / 2, 1 / 2] },
  { rule: 'w_shaped', days: [1, 2, 3], shares: [1 / 3, 1 / 3, 1 / 3] },
  { rule: 'w_shaped', days: [1, 2, 3, 4], shares: [0.3, 0.1, 0.3, 0.3] },
  { rule: 'w_shaped', days: [1, 2, 3, 4, 5], shares: [0.3, 0.05, 0.3, 0.05, 0.3] },
  // The lead on day 2, the deal on day 4: touches 2 and 4; the last touch is one of the others.
  {
    rule: 'w_shaped',
    days: [1, 2, 3, 4, 5],
    settings: { moments: [2, 4] },
    shares: [0.3, 0.3, 0.05, 0.3, 0.05],
  },
  // Both moments after the last touch: it takes both of their parts.
  { rule: 'w_shaped', days: [1, 2, 3], settings: { moments: [8, 9] }, shares: [0.3, 0.1, 0.6] },
  // Nothing is left for the rest: 0.3 and 0.6 of 0.9.
  { rule: 'w_shaped', days: [1, 2], settings: { moments: [8, 9] }, shares: [1 / 3, 2 / 3] },
  // Both moments before the first touch: it stands for them.
  { rule: 'w_shaped', days: [5, 6], settings: { moments: [1, 2] }, shares: [0.9, 0.1] },
  { rule: 'full_path', days: [1], shares: [1] },
  { rule: 'full_path', days: [1, 2, 3], shares: [1 / 3, 1 / 3, 1 / 3] },
  { rule: 'full_path', days: [1, 2, 3, 4], shares: [1 / 4, 1 / 4, 1 / 4, 1 / 4] },
  {
    rule: 'full_path',
    days: [1, 2, 3, 4, 5],
    settings: { moments: [2, 4] },
    shares: [0.225, 0.225, 0.1, 0.225, 0.225],
  },
  {
    rule: 'full_path',
    days: [1, 2, 3, 4],
    settings: { moments: [2, 2] },
    shares: [0.225, 0.45, 0.1, 0.225],
  },
  { rule: 'custom', days: [1, 2, 3, 4], settings: custom([5, 3], 2), shares: [0.5, 0.1, 0.1, 0.3] },
  { rule: 'custom', days: [1, 2, 3], settings: custom([0, 0], 1), shares: [0, 1, 0] },
  { rule: 'custom', days: [1, 2], settings: custom([0, 0], 1), shares: [1 / 2, 1 / 2] },
  { rule: 'custom', days: [1, 2], settings: custom([1, 3], 9), shares: [1 / 4, 3 / 4] },
]

test.each(cases)('hand-worked: $rule over days $days', ({ rule, days, settings, shares }) => {
  const given = ruleShares(rule, Float64Array.from(days), settings)
  for (const [i, share] of shares.entries()) expect(given[i]).toBeCloseTo(share, 14)
})

test('rules that lack what they need refuse', () => {
  const times = Float64Array.of(1, 2)
  expect(() => ruleShares('custom', times)).toThrow(RangeError)
  expect(() => ruleShares('custom', times, custom([1], 1))).toThrow(RangeError)
  expect(() => ruleShares('custom', times, custom([0, 0], 0))).toThrow(RangeError)
  expect(() => ruleShares('custom', times, custom([1, -1], 1))).toThrow(RangeError)
  expect(() => ruleShares('last_non_direct', times)).toThrow(RangeError)
})
