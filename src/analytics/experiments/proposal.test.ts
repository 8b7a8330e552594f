import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allocate, regretOf, valueOf } from './allocation.ts'
import { jointOf, update } from './belief.ts'
import { liftVariance, powerOf, proposeExperiments, valueOfInformation } from './proposal.ts'

const response = { exponent: 0.5, moveLimit: 0.5 }
const options = {
  ...response,
  holdoutShares: [0.1, 0.5],
  durationsWeeks: [4, 8],
  horizonWeeks: 52,
}
const audience = { weeklyPeople: 1000, conversionRate: 0.02, weeklyRevenueMinor: 10_000_000 }

test('by hand: with square-root returns budgets go by effect² ⁄ spend, cut to their bounds', () => {
  const wide = { exponent: 0.5, moveLimit: 1 }
  // Marginal returns e ⁄ (2·√(x·b)) are equal at x = 64 : 36 of 100.
  const arms = [
    { spend: 50, effect: 0.4 },
    { spend: 50, effect: 0.3 },
  ]
  expect(allocate(arms, wide)[0]).toBeCloseTo(64, 6)
  expect(allocate(arms, { exponent: 0.5, moveLimit: 0.2 })[0]).toBeCloseTo(60, 6)
  expect(valueOf(arms, [50, 50], wide)).toBeCloseTo(0.7, 12)
  expect(regretOf(arms, [...arms].toReversed(), wide)).toBeCloseTo(
    valueOf(arms, [64, 36], wide) - valueOf(arms, [36, 64], wide),
    9,
  )
})

const armOf = (least: number) =>
  fc.record({
    spend: fc.double({ min: 1, max: 1000, noNaN: true }),
    effect: fc.double({ min: least, max: 0.3, noNaN: true }),
  })

test('whatever is believed, the total is kept, bounds hold, and no allocation beats that of the truth', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(armOf(0), armOf(-0.05)), { minLength: 1, maxLength: 8 }),
      (pairs) => {
        const truth = pairs.map(([one]) => one)
        const believed = pairs.map(([one, other]) => ({ spend: one.spend, effect: other.effect }))
        const budgets = allocate(believed, response)
        const total = truth.reduce((sum, { spend }) => sum + spend, 0)
        expect(budgets.reduce((a, b) => a + b, 0)).toBeCloseTo(total, 5)
        budgets.forEach((budget, i) => {
          expect(budget).toBeGreaterThan(truth[i]!.spend * 0.5 - 1e-6)
          expect(budget).toBeLessThan(truth[i]!.spend * 1.5 + 1e-6)
        })
        expect(regretOf(truth, believed, response)).toBeGreaterThan(-1e-9)
      },
    ),
  )
})

const belief = (
  channel: string,
  effect: number,
  deviation: number,
  { weeklySpendMinor = 100_000, isMeasured = false } = {},
) => ({ channel, effect, deviation, weeklySpendMinor, isMeasured })

const known = { isMeasured: true }
const spendsOf = (beliefs: readonly { weeklySpendMinor: number }[]) =>
  beliefs.map(({ weeklySpendMinor }) => weeklySpendMinor)

test('what is known is worth no test, what is doubtful is worth more the better it is measured', () => {
  const beliefs = [belief('a', 0.2, 0.1), belief('b', 0.2, 0, known), belief('c', 0.1, 0.05)]
  const worth = (index: number, variance: number) =>
    valueOfInformation(jointOf(beliefs), spendsOf(beliefs), index, variance, response)
  expect(worth(1, 0.001)).toBe(0)
  const values = [1, 0.1, 0.01, 0.0001].map((variance) => worth(0, variance))
  expect(values).toEqual(values.toSorted((a, b) => a - b))
  expect(values[3]).toBeGreaterThan(0)
})

test('the value of knowing is what simulated tests bring on the mean, what they tell of other channels included', () => {
  const beliefs = [belief('a', 0.2, 0.08), belief('b', 0.15, 0.02), belief('c', 0.1, 0.02, known)]
  const variance = 0.004
  const before = jointOf(beliefs)
  const armsOf = (effects: readonly number[]) =>
    beliefs.map(({ weeklySpendMinor: spend }, i) => ({ spend, effect: effects[i]! }))
  const now = allocate(armsOf(before.effects), response)
  const own = before.covariance[0]!
  let gained = 0
  let n = 0
  // Truth and error on a grid of normal quantiles, far finer than the rule under test; others are where the truth of a lets expect them.
  for (let i = -60; i <= 60; i++) {
    for (let j = -60; j <= 60; j++) {
      const [x, y] = [i / 15, j / 15]
      const weight = Math.exp((-x * x - y * y) / 2)
      const truth = before.effects.map((effect, c) => effect + (x * own[c]!) / Math.sqrt(own[0]!))
      const lift = truth[0]! + Math.sqrt(variance) * y
      const after = allocate(armsOf(update(before, 0, { lift, variance }).effects), response)
      const arms = armsOf(truth)
      gained += weight * (valueOf(arms, after, response) - valueOf(arms, now, response))
      n += weight
    }
  }
  expect(own[1]).toBeGreaterThan(0)
  const value = valueOfInformation(before, spendsOf(beliefs), 0, variance, response)
  expect(value).toBeCloseTo(gained / n, 4)
  expect(value).toBeGreaterThan(1e-3)
})

test('a noisy result moves a belief by its precision, and channels whose errors go together follow it', () => {
  const beliefs = [belief('a', 0.2, 0.04), belief('b', 0.1, 0.02), belief('c', 0.1, 0.02, known)]
  const before = jointOf(beliefs)
  const { effects, covariance } = update(before, 0, { lift: 0.1, variance: 0.01 })
  const weight = before.covariance[0]![0]! / (before.covariance[0]![0]! + 0.01)
  expect(effects[0]).toBeCloseTo(0.2 - weight * 0.1, 12)
  expect(1 / covariance[0]![0]!).toBeCloseTo(1 / before.covariance[0]![0]! + 100, 9)
  expect(effects[1]).toBeLessThan(0.1)
  expect(effects[1]! / 0.1).toBeGreaterThan(effects[0]! / 0.2)
  expect(effects[2]).toBe(0.1)
})

test('a proposal shows its arithmetic, and the channel whose budget hangs on doubt comes first', () => {
  const beliefs = [
    belief('sure', 0.2, 0.005, known),
    belief('doubtful', 0.2, 0.1),
    belief('small', 0.02, 0.02, { weeklySpendMinor: 1000 }),
  ]
  const smaller = { ...audience, weeklyRevenueMinor: 1_000_000 }
  const proposals = proposeExperiments(beliefs, smaller, options)
  expect(proposals[0]!.channel).toBe('doubtful')
  for (const each of proposals) {
    const { effect, weeklySpendMinor } = beliefs.find(({ channel }) => channel === each.channel)!
    expect(each.netMinor).toBe(each.valueMinor - each.costMinor)
    expect(each.peopleHeldOut + each.peopleOthers).toBe(1000 * each.weeks)
    const { variance } = liftVariance(each, smaller, effect)
    expect(each.measurementDeviation ** 2).toBeCloseTo(variance, 12)
    const precision = 1 / each.deviationBefore ** 2 + 1 / variance
    expect(each.deviationAfter ** 2 * precision).toBeCloseTo(1, 9)
    const lost =
      each.holdoutShare * each.weeks * (effect * smaller.weeklyRevenueMinor - weeklySpendMinor)
    expect(each.costMinor).toBe(Math.round(lost))
  }
})

test('power is 5 % without an effect and 80 % where it is meant to be', () => {
  expect(powerOf(0, 1)).toBeCloseTo(0.05, 4)
  expect(powerOf(2.8015852, 1)).toBeCloseTo(0.8, 4)
})
