import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY_MS } from '#core/time.ts'
import { ruleModels, ruleShares } from './rules.ts'

const journey = fc
  .array(fc.integer({ min: 0, max: 400 * DAY_MS }), { maxLength: 60 })
  .map((times) => Float64Array.from(times).sort())

test('every model gives each touch a share in [0, 1], and the shares of a journey sum to 1', () => {
  fc.assert(
    fc.property(journey, fc.constantFrom(...ruleModels), (times, model) => {
      const shares = ruleShares(model, times)
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
