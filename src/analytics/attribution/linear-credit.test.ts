import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY_MS } from '#core/time.ts'
import { drawCount, drawJourneys, percentileInterval } from './bootstrap.ts'
import { handWorkedJourneys } from './credit.cases.ts'
import { linearCredit } from './linear-credit.ts'
import { attributionModels } from './models.ts'
import type { ModelOptions } from './models.ts'
import { journeysOf, workedCredit, workedPaths } from './path.cases.ts'
import { ruleModels, shareWriter } from './rules.ts'
import { shapleyWriter } from './shapley.ts'
import { TouchTable } from './touch-table.ts'

const OPTIONS: ModelOptions = { order: 1, workers: 1, bootstrap: null, seed: 1 }

test.each(workedCredit)('$model of order $order gives what paper gives', async (worked) => {
  const options = { ...OPTIONS, order: worked.order }
  const { credit } = await attributionModels[worked.model]!.run(journeysOf(workedPaths), options)
  for (const c of [0, 1]) {
    expect(credit.conversions[c]).toBeCloseTo(worked.conversions[c]!, 12)
    expect(credit.value[c]).toBeCloseTo(worked.value[c]!, 11)
  }
})

test('over the sixty hand-worked journeys each rule gives the cents of the ledger, before they are rounded', () => {
  for (const { name, amountMinor, windowDays, daysBefore, credit } of handWorkedJourneys) {
    const table = new TouchTable()
    for (const days of daysBefore)
      // each touch a channel of its own
      table.add(0, table.channels.numberOf(`c${table.size}`), -days * DAY_MS)
    const units = { count: 1, startedAtMs: null, endedAtMs: null, heldOut: null, cluster: null }
    const sold = {
      unit: Uint32Array.of(0),
      atMs: Float64Array.of(0),
      value: Float64Array.of(amountMinor),
    }
    const journeys = table.toJourneys(units, sold, windowDays)
    for (const model of ruleModels) {
      const { value, baseline } = linearCredit(journeys, shareWriter(model), null).credit
      expect(baseline.value, name).toBe(credit === null ? amountMinor : 0)
      for (let c = 0; c < daysBefore.length; c++) {
        const cents = credit?.[model][c] ?? 0
        expect(Math.abs(value[c]! - cents), `${name}, ${model}`).toBeLessThanOrEqual(1)
      }
    }
  }
})

const paths = fc.array(
  fc.record({
    path: fc
      .array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 8 })
      .map((touches) => touches.join(' > ')),
    conversions: fc.integer({ min: 0, max: 5 }),
    value: fc.integer({ min: 0, max: 500 }),
    nulls: fc.integer({ min: 0, max: 3 }),
  }),
  { minLength: 1, maxLength: 20 },
)

test('rules and Shapley equal a computation of another shape, and sum to all conversions and value', () => {
  const byHand: Record<string, (touches: string[], channel: string) => number> = {
    first: (touches, channel) => Number(touches[0] === channel),
    last: (touches, channel) => Number(touches.at(-1) === channel),
    linear: (touches, channel) =>
      touches.filter((touch) => touch === channel).length / touches.length,
    position: (touches, channel) =>
      touches.length < 3
        ? touches.filter((touch) => touch === channel).length / touches.length
        : 0.4 * Number(touches[0] === channel) +
          0.4 * Number(touches.at(-1) === channel) +
          (0.2 * touches.slice(1, -1).filter((touch) => touch === channel).length) /
            (touches.length - 2),
    shapley: (touches, channel) => Number(touches.includes(channel)) / new Set(touches).size,
  }
  fc.assert(
    fc.property(paths, fc.constantFrom(...Object.keys(byHand)), (rows, model) => {
      const journeys = journeysOf(rows)
      const write = model === 'shapley' ? shapleyWriter() : shareWriter(model as 'first')
      const { credit } = linearCredit(journeys, write, null)
      for (const [c, channel] of journeys.channels.entries()) {
        const expected = rows
          .filter(({ path }) => path !== '')
          .reduce(
            (sum, row) => sum + row.conversions * byHand[model]!(row.path.split(' > '), channel),
            0,
          )
        expect(credit.conversions[c]).toBeCloseTo(expected, 9)
      }
      const given = credit.value.reduce((sum, one) => sum + one, credit.baseline.value)
      const all = rows.reduce((sum, row) => sum + (row.conversions > 0 ? row.value : 0), 0)
      expect(given).toBeCloseTo(all, 8)
    }),
  )
})

test('the replicates of one pass are the credit of the journeys drawn again', () => {
  fc.assert(
    fc.property(paths, fc.integer({ min: 0, max: 1e6 }), (rows, seed) => {
      const journeys = journeysOf(rows)
      const bootstrap = { level: 0.9, replicates: 4, seed }
      const { replicates } = linearCredit(journeys, shareWriter('linear'), bootstrap)
      for (const [b, replicate] of replicates.entries()) {
        const drawn = linearCredit(
          drawJourneys(journeys, seed, b),
          shareWriter('linear'),
          null,
        ).credit
        for (let c = 0; c < journeys.channels.length; c++)
          expect(replicate.conversions[c]).toBeCloseTo(drawn.conversions[c]!, 9)
      }
    }),
  )
})

test.each([0.4, 1, 7, 30, 31, 500])(
  'counts drawn around %d have its mean and its variance',
  (mean) => {
    const draws = Array.from({ length: 40_000 }, (_, key) => drawCount(3, 1, key, mean))
    const average = draws.reduce((sum, draw) => sum + draw, 0) / draws.length
    const variance = draws.reduce((sum, draw) => sum + (draw - average) ** 2, 0) / draws.length
    expect(Math.abs(average - mean)).toBeLessThan(4 * Math.sqrt(mean / draws.length))
    expect(variance / mean).toBeGreaterThan(0.96)
    expect(variance / mean).toBeLessThan(1.04)
    expect(drawCount(3, 1, 5, 0)).toBe(0)
  },
)

test('a 90 % interval holds the truth in 90 ± 5 % of samples of journeys', () => {
  // Half of all journeys touch b after a; each converts with probability 0.3. Credit by last touch to b: a rate of 0.15.
  const samples = 400
  let covered = 0
  for (let sample = 0; sample < samples; sample++) {
    const rows = Array.from({ length: 300 }, (_, i) => {
      const hasConverted = drawCount(11, sample, i, 0.3) > 0
      const path = drawCount(12, sample, i, Math.LN2) > 0 ? 'a > b' : 'a'
      return {
        path,
        conversions: Number(hasConverted),
        value: Number(hasConverted),
        nulls: Number(!hasConverted),
      }
    })
    const journeys = journeysOf(rows)
    const { replicates } = linearCredit(journeys, shareWriter('last'), {
      level: 0.9,
      replicates: 200,
      seed: sample,
    })
    const { low, high } = percentileInterval(replicates, 0.9)
    const b = journeys.channels.indexOf('b')
    const truth = (300 * (1 - Math.exp(-0.3))) / 2
    covered += Number(low.conversions[b]! <= truth && truth <= high.conversions[b]!)
  }
  expect(covered / samples).toBeGreaterThan(0.85)
  expect(covered / samples).toBeLessThan(0.95)
})

test('people of one account are drawn together', () => {
  const journeys = { ...journeysOf(workedPaths), cluster: Uint32Array.of(5, 5, 9, 9) }
  for (let b = 0; b < 20; b++) {
    const { conversions, nulls } = drawJourneys(journeys, 1, b)
    expect(conversions[0]).toBe(nulls[1])
    expect(conversions[2]).toBe(conversions[3])
  }
})

test('every model of the registry sums to all there is, with a baseline, within its bounds', async () => {
  const table = new TouchTable()
  for (let i = 0; i < 600; i++)
    table.add(
      i % 90,
      table.channels.numberOf('abcde'[(i * 7 + (i >> 3)) % 5]!),
      ((i * 37) % 100) * DAY_MS,
    )
  const units = {
    count: 100,
    startedAtMs: new Float64Array(100),
    endedAtMs: new Float64Array(100).fill(120 * DAY_MS),
    heldOut: null,
    cluster: null,
  }
  const sold = {
    unit: Uint32Array.from({ length: 40 }, (_, i) => i * 2 + 20),
    atMs: new Float64Array(40).fill(100 * DAY_MS),
    value: Float64Array.from({ length: 40 }, (_, i) => 10 + i),
  }
  const journeys = table.toJourneys(units, sold, null)
  for (const [name, model] of Object.entries(attributionModels)) {
    const { credit, interval } = await model.run(journeys, {
      ...OPTIONS,
      bootstrap: { level: 0.9, replicates: 20, seed: 4 },
      weights: { milestones: [1, 1], rest: 1 },
      directChannel: 0,
    })
    const sum = (values: Float64Array) => values.reduce((total, one) => total + one, 0)
    expect(sum(credit.value) + credit.baseline.value, name).toBeCloseTo(sum(sold.value), 6)
    expect(sum(credit.conversions) + credit.baseline.conversions, name).toBeCloseTo(40, 6)
    for (let c = 0; c < 5; c++)
      expect(interval!.low.value[c]!, name).toBeLessThanOrEqual(interval!.high.value[c]!)
  }
})
