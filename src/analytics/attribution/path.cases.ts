import { JourneyBuilder } from './journeys.ts'
import type { Journeys } from './journeys.ts'

/** A path as a file states it: channels with " > " between them. */
export interface PathRow {
  path: string
  conversions: number
  value: number
  nulls: number
}

/** Small enough for paper; every figure in `workedCredit` is a fraction that was worked out there. */
export const workedPaths: PathRow[] = [
  { path: 'a > b', conversions: 1, value: 10, nulls: 0 },
  { path: 'a', conversions: 0, value: 0, nulls: 1 },
  { path: 'b', conversions: 1, value: 4, nulls: 1 },
  { path: 'b > a', conversions: 1, value: 6, nulls: 0 },
]

interface Worked {
  model: string
  order: number
  /** Of a, then b. */
  conversions: [number, number]
  value: [number, number]
}

/**
 * Order 1: a is entered 3 times (2 starts, 1 from b), b 4 times (3 starts, 1 from a). Without a: 3 visits of b, of which 2⁄4 convert: 3⁄2
 * of 3 conversions remain, value 3 · 14⁄4 = 21⁄2 of 20. Without b: 2 visits of a, 1⁄3 convert: 2⁄3 remain, value 2 · 6⁄3 = 4. Effects
 * 1⁄2 and 7⁄9, in value 19⁄40 and 4⁄5.
 * Order 2: the states ab, a, b and ba, without a transition. Without a only b is left: 1 conversion, value 4. Without b nothing is.
 * Shapley: the conversions of a > b and b > a are halved; that of b is its own.
 * Shapley of the chain of order 1: alone, a converts 2⁄3 with value 4, b 3⁄2 with value 21⁄2; together 3 and 20.
 */
export const workedCredit: Worked[] = [
  { model: 'first', order: 1, conversions: [1, 2], value: [10, 10] },
  { model: 'last', order: 1, conversions: [1, 2], value: [6, 14] },
  { model: 'linear', order: 1, conversions: [1, 2], value: [8, 12] },
  { model: 'shapley', order: 1, conversions: [1, 2], value: [8, 12] },
  { model: 'markov', order: 1, conversions: [27 / 23, 42 / 23], value: [380 / 51, 640 / 51] },
  { model: 'markov', order: 2, conversions: [6 / 5, 9 / 5], value: [80 / 9, 100 / 9] },
  {
    model: 'markov_shapley',
    order: 1,
    conversions: [(2 / 3 + 3 / 2) / 2, (3 / 2 + 7 / 3) / 2],
    value: [(4 + 19 / 2) / 2, (21 / 2 + 16) / 2],
  },
]

export function journeysOf(rows: readonly PathRow[]): Journeys {
  const builder = new JourneyBuilder()
  for (const { path, conversions, value, nulls } of rows) {
    for (const channel of path === '' ? [] : path.split(' > ')) builder.addTouch(channel)
    builder.endJourney({ conversions, value, nulls })
  }
  return builder.build()
}
