import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linearCredit } from './linear-credit.ts'
import { journeysOf } from './path.cases.ts'
import type { PathRow } from './path.cases.ts'
import { markovShapleyCredit, shapleyValues, shapleyWriter } from './shapley.ts'
import type { Game } from './shapley.ts'

const CHANNELS = ['a', 'b', 'c', 'd', 'e', 'f']
const paths = fc.array(
  fc.record({
    path: fc
      .array(fc.constantFrom(...CHANNELS), { minLength: 1, maxLength: 7 })
      .map((touches) => touches.join(' > ')),
    conversions: fc.integer({ min: 1, max: 4 }),
    value: fc.integer({ min: 0, max: 500 }),
    nulls: fc.constant(0),
  }),
  { minLength: 1, maxLength: 20 },
)
const EXACT = { exactUpTo: 12, pairs: 2, seed: 1 }

/** A coalition is worth the journeys that only its members touched. */
function gameOf(rows: readonly PathRow[], channels: readonly string[]): Game {
  return (coalitions) => {
    const worth = (part: 'conversions' | 'value') =>
      Float64Array.from(coalitions, (takesPart) =>
        rows
          .filter(({ path }) =>
            path.split(' > ').every((touch) => takesPart[channels.indexOf(touch)] === 1),
          )
          .reduce((sum, row) => sum + row[part], 0),
      )
    return { conversions: worth('conversions'), value: worth('value') }
  }
}

test('the closed form is the value over all coalitions, and sums to all revenue', () => {
  fc.assert(
    fc.property(paths, (rows) => {
      const journeys = journeysOf(rows)
      const closed = linearCredit(journeys, shapleyWriter(), null).credit
      const exact = shapleyValues(journeys.channels.length, gameOf(rows, journeys.channels), EXACT)
      for (let c = 0; c < journeys.channels.length; c++) {
        expect(closed.conversions[c]).toBeCloseTo(exact.conversions[c]!, 9)
        expect(closed.value[c]).toBeCloseTo(exact.value[c]!, 8)
      }
      const sum = closed.value.reduce((total, one) => total + one, 0)
      expect(sum).toBeCloseTo(
        rows.reduce((total, row) => total + row.value, 0),
        8,
      )
    }),
    { numRuns: 60 },
  )
})

test('drawn values lie within four of their stated errors of the exact ones, and still sum', () => {
  const rows = Array.from({ length: 200 }, (_, i) => ({
    path: CHANNELS.filter((_channel, c) => (i >> c) % 2 === 1 || c === i % 6).join(' > '),
    conversions: 1 + (i % 3),
    value: (i * 37) % 91,
    nulls: i % 2,
  }))
  const journeys = journeysOf(rows)
  const game = gameOf(rows, journeys.channels)
  const exact = shapleyValues(6, game, EXACT)
  let outside = 0
  for (let seed = 0; seed < 20; seed++) {
    const drawn = shapleyValues(6, game, { exactUpTo: 0, pairs: 50, seed })
    for (let c = 0; c < 6; c++) {
      const error = drawn.standardError!.value[c]!
      expect(Math.abs(drawn.value[c]! - exact.value[c]!)).toBeLessThan(4 * error + 1e-9)
      if (Math.abs(drawn.value[c]! - exact.value[c]!) > 2 * error + 1e-9) outside += 1
    }
    const sum = drawn.value.reduce((total, one) => total + one, 0)
    expect(sum).toBeCloseTo(
      rows.reduce((total, row) => total + row.value, 0),
      6,
    )
  }
  expect(outside / 120).toBeLessThan(0.15)
})

test('players that are alike get alike, and one that adds nothing gets nothing', () => {
  const game: Game = (coalitions) => {
    const worth = Float64Array.from(
      coalitions,
      ([a, b]) => 12 * Number(a === 1 && b === 1) + Number(a !== b),
    )
    return { conversions: worth, value: worth }
  }
  expect([...shapleyValues(3, game, EXACT).value]).toEqual([6, 6, 0])
})

test('Shapley of a chain sums to all conversions without scaling, exact and drawn', () => {
  fc.assert(
    fc.property(
      paths,
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom(0, 12),
      (rows, order, exactUpTo) => {
        const settings = { exactUpTo, pairs: 3, seed: 9 }
        const lost = rows.map((row, i) => ({ ...row, nulls: i % 3 }))
        const { credit, standardError } = markovShapleyCredit(journeysOf(lost), order, settings)
        expect(standardError === null).toBe(exactUpTo === 12)
        const sum = (values: Float64Array) => values.reduce((total, one) => total + one, 0)
        expect(sum(credit.conversions)).toBeCloseTo(
          rows.reduce((total, row) => total + row.conversions, 0),
          7,
        )
        expect(sum(credit.value)).toBeCloseTo(
          rows.reduce((total, row) => total + row.value, 0),
          5,
        )
      },
    ),
    { numRuns: 40 },
  )
})
