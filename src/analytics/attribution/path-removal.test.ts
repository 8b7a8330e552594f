import fc from 'fast-check'
import { expect, test } from 'vitest'
import { estimateChain } from './chain.ts'
import { JourneyBuilder } from './journeys.ts'
import { markovCredit } from './markov.ts'
import { pathRemovalOf, pathWriter } from './path-removal.ts'

interface Row {
  path: string[]
  conversions: number
  nulls: number
}

function journeysOf(rows: readonly Row[]) {
  const builder = new JourneyBuilder()
  for (const { path, conversions, nulls } of rows) {
    for (const channel of path) builder.addTouch(channel)
    builder.endJourney({ conversions, nulls, value: conversions })
  }
  return builder.build()
}

test('by hand: a channel that half of the ways lead through counts half before it is met, and fully once it is', () => {
  // From a, half of what converts goes through b.
  const journeys = journeysOf([
    { path: ['a'], conversions: 1, nulls: 1 },
    { path: ['a', 'b'], conversions: 1, nulls: 0 },
  ])
  const model = pathRemovalOf(estimateChain(journeys, 1), journeys.channels)
  expect(model.overall).toEqual([1, 0.5])
  const out = new Float64Array(2)
  pathWriter(model, journeys.channels)(Uint16Array.of(0, 1), 0, 2, out)
  // a: in its own state 1; from b on nothing leads through a. b: one half from a on, then 1.
  expect([...out]).toEqual([0.5, 0.75])
})

test('the effects of the first states of converting journeys make up the removal effects of the chain, at every order', () => {
  const row = fc.record({
    path: fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 6 }),
    conversions: fc.integer({ min: 0, max: 3 }),
    nulls: fc.integer({ min: 0, max: 3 }),
  })
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 2, maxLength: 20 }),
      fc.constantFrom(1, 2, 3),
      (rows, order) => {
        const journeys = journeysOf([...rows, { path: ['a', 'b'], conversions: 1, nulls: 1 }])
        const { overall } = pathRemovalOf(estimateChain(journeys, order), journeys.channels)
        const { conversions } = markovCredit(journeys, order)
        const all = overall.reduce((a, b) => a + b, 0)
        const credited = conversions.reduce((a, b) => a + b, 0)
        overall.forEach((effect, c) =>
          expect(effect / all).toBeCloseTo(conversions[c]! / credited, 7),
        )
      },
    ),
  )
})

test('touches of one channel weigh alike, and a channel that was never seen still has its own moments', () => {
  const journeys = journeysOf([{ path: ['a', 'b', 'a'], conversions: 2, nulls: 1 }])
  const model = pathRemovalOf(estimateChain(journeys, 2), journeys.channels)
  const out = new Float64Array(4)
  pathWriter(model, ['new', 'a', 'b'])(Uint16Array.of(1, 2, 1, 0), 0, 4, out)
  expect(out[0]).toBe(out[2])
  expect(out[3]).toBeGreaterThan(0)
  expect(out.every((weight) => weight <= 1)).toBe(true)
})
