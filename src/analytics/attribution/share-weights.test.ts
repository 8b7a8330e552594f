import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JourneyBuilder } from './journeys.ts'
import { fitShareWeights } from './share-weights.ts'

function journeysOf(rows: readonly { path: string[]; value: number }[]) {
  const builder = new JourneyBuilder()
  for (const { path, value } of rows) {
    for (const channel of path) builder.addTouch(channel)
    builder.endJourney({ conversions: value > 0 ? 1 : 0, nulls: value > 0 ? 0 : 1, value })
  }
  return builder.build()
}

function totals(rows: readonly { path: string[]; value: number }[], weight: Map<string, number>) {
  const sums = new Map<string, number>()
  for (const { path, value } of rows) {
    const whole = path.reduce((sum, channel) => sum + weight.get(channel)!, 0)
    for (const channel of path)
      sums.set(channel, (sums.get(channel) ?? 0) + (value * weight.get(channel)!) / whole)
  }
  return sums
}

test('weights that made totals are found again from the totals', () => {
  const path = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 4 })
  const row = fc.record({ path, value: fc.integer({ min: 1, max: 1000 }) })
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 3, maxLength: 30 }),
      fc.array(fc.double({ min: 0.1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
      (some, weights) => {
        // A journey of all channels ties their weights together, so that there is one answer.
        const rows = [...some, { path: ['a', 'b', 'c', 'd'], value: 500 }]
        const truth = new Map(['a', 'b', 'c', 'd'].map((name, i) => [name, weights[i]!]))
        const target = totals(rows, truth)
        const journeys = journeysOf(rows)
        const found = fitShareWeights(
          journeys,
          journeys.channels.map((name) => target.get(name) ?? 0),
        )
        const again = totals(rows, new Map(journeys.channels.map((name, i) => [name, found[i]!])))
        for (const name of journeys.channels)
          expect(again.get(name)!).toBeCloseTo(target.get(name)!, 0)
      },
    ),
  )
})

test('a channel that is to get nothing gets nothing, and without any target all touches are alike', () => {
  const journeys = journeysOf([{ path: ['a', 'b'], value: 100 }])
  expect([...fitShareWeights(journeys, [100, 0])]).toEqual([1, 0, 0])
  expect([...fitShareWeights(journeys, [0, 0])]).toEqual([1, 1, 0])
})

test('a baseline gets its part, less of it from journeys with more touches', () => {
  const journeys = journeysOf([
    { path: ['a'], value: 100 },
    { path: ['a', 'b', 'b'], value: 100 },
  ])
  const [a, b, baseline] = fitShareWeights(journeys, [80, 60], 60) as unknown as number[]
  const parts = [a! + baseline!, a! + 2 * b! + baseline!].map((whole) => (100 * baseline!) / whole)
  expect(parts[0]! + parts[1]!).toBeCloseTo(60, 2)
  expect(parts[0]!).toBeGreaterThan(parts[1]!)
})
