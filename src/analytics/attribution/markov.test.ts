import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { seededRandom } from '#core/random.ts'
import { estimateChain } from './chain.ts'
import { remainingByElimination } from './dense-chain.cases.ts'
import { markovCredit, markovCreditOn, WORTH_A_THREAD } from './markov.ts'
import { journeysOf, workedCredit, workedPaths } from './path.cases.ts'
import type { PathRow } from './path.cases.ts'
import { singleRemovals, solveRemovals } from './removal.ts'

const paths = fc.array(
  fc.record({
    path: fc
      .array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 8 })
      .map((touches) => touches.join(' > ')),
    conversions: fc.integer({ min: 0, max: 3 }),
    value: fc.integer({ min: 1, max: 500 }),
    nulls: fc.integer({ min: 0, max: 3 }),
  }),
  { minLength: 1, maxLength: 30 },
)
const priced = paths.map((rows) =>
  rows.map((row) => (row.conversions === 0 ? { ...row, value: 0 } : row)),
)

function remainingOf(rows: readonly PathRow[], order: number) {
  const journeys = journeysOf(rows)
  const count = journeys.channels.length
  const chain = estimateChain(journeys, order)
  return { journeys, ...solveRemovals(chain, singleRemovals(count, 0, count)) }
}

test.each(workedCredit.filter(({ model }) => model === 'markov'))(
  'order $order gives what paper gives',
  ({ order, conversions, value }) => {
    const credit = markovCredit(journeysOf(workedPaths), order)
    for (const c of [0, 1]) {
      expect(credit.conversions[c]).toBeCloseTo(conversions[c]!, 12)
      expect(credit.value[c]).toBeCloseTo(value[c]!, 11)
    }
  },
)

test('what remains without a channel is what elimination gives, at orders 1 to 5', () => {
  fc.assert(
    fc.property(priced, fc.integer({ min: 1, max: 5 }), (rows, order) => {
      const { journeys, conversions, value } = remainingOf(rows, order)
      for (const [c, channel] of journeys.channels.entries()) {
        const exact = remainingByElimination(rows, order, channel)
        expect(Math.abs(conversions[c]! - exact.conversions)).toBeLessThan(1e-9)
        expect(Math.abs(value[c]! - exact.value)).toBeLessThan(1e-9 * 500)
      }
    }),
  )
})

test('long chains that hardly end are solved too', () => {
  const rows = [
    {
      path: Array.from({ length: 4001 }, (_, i) => 'ab'[i % 2]).join(' > '),
      conversions: 1,
      value: 1,
      nulls: 0,
    },
    { path: 'c > a', conversions: 0, value: 0, nulls: 1 },
  ]
  const { conversions } = remainingOf(rows, 1)
  for (const [c, channel] of ['a', 'b', 'c'].entries())
    expect(conversions[c]).toBeCloseTo(remainingByElimination(rows, 1, channel).conversions, 9)
})

test('touching the same channel again at once changes nothing at order 1', () => {
  fc.assert(
    fc.property(priced, (rows) => {
      const doubled = rows.map((row) => ({
        ...row,
        path: row.path
          .split(' > ')
          .flatMap((touch) => [touch, touch])
          .join(' > '),
      }))
      expect(markovCredit(journeysOf(doubled), 1)).toEqual(markovCredit(journeysOf(rows), 1))
    }),
  )
})

test('credit and baseline sum to all conversions and all value, whatever the order', () => {
  fc.assert(
    fc.property(priced, fc.integer({ min: 1, max: 4 }), (rows, order) => {
      const untouched = { path: '', conversions: 2, value: 30, nulls: 1 }
      const credit = markovCredit(journeysOf([...rows, untouched]), order)
      const sum = (values: Float64Array) => values.reduce((total, one) => total + one, 0)
      const all = (part: 'conversions' | 'value') =>
        rows.reduce((total, row) => total + row[part], 0)
      expect(credit.baseline).toEqual({ conversions: 2, value: 30 })
      expect(sum(credit.conversions)).toBeCloseTo(all('conversions'), 8)
      expect(sum(credit.value)).toBeCloseTo(all('value'), 6)
    }),
  )
})

test('tables too large for memory give way to hashing with the same answer', () => {
  const rows = randomPaths(2000, 6)
  const wide = journeysOf(rows)
  const order = 3
  // With 700 more channels that nobody met, the keys no longer fit a table.
  const padded = {
    ...wide,
    channels: [...wide.channels, ...Array.from({ length: 700 }, (_, i) => `x${i}`)],
  }
  const [dense, hashed] = [markovCredit(wide, order), markovCredit(padded, order)]
  for (let c = 0; c < 6; c++) expect(hashed.value[c]).toBeCloseTo(dense.value[c]!, 9)
  expect(() => markovCredit(padded, 7)).toThrow(RangeError)
  expect(() => markovCredit(wide, 0)).toThrow(RangeError)
  expect(() => markovCredit(wide, 1.5)).toThrow(RangeError)
})

test('threads give the figures of one thread to the last bit', async () => {
  const journeys = journeysOf(randomPaths(60_000, 40))
  expect(estimateChain(journeys, 3).source.length * 40).toBeGreaterThan(WORTH_A_THREAD)
  expect(await markovCreditOn(journeys, 3, 2)).toEqual(markovCredit(journeys, 3))
})

/**
 * The public sample of 5,000 paths and what ChannelAttribution and an exact solver say of it lie in THROUGHLINE_DATA (../shared/data
 * unless set) and are not part of the project. Where they are absent, the same is held to paths of our own, without published figures.
 */
describe('the public sample, or paths of our own where it is absent', () => {
  const folder = join(process.env['THROUGHLINE_DATA'] ?? '../shared/data', 'attribution')
  let rows: PathRow[] = []
  let isPublic = false

  beforeAll(async () => {
    const file = await readTable(join(folder, 'pathdata_half.csv'))
    isPublic = file !== null
    rows = file
      ? file.map(([path = '', conversions, value, nulls]) => ({
          path,
          conversions: Number(conversions),
          value: Number(value),
          nulls: Number(nulls),
        }))
      : randomPaths(4000, 10)
  })

  test.each([1, 2, 3, 4])('order %i agrees with elimination to 1e-9', (order) => {
    const { journeys, conversions, value } = remainingOf(rows, order)
    const all = rows.reduce((sum, row) => sum + row.conversions, 0)
    let compared = 0
    // Elimination is cubic: at order 4 the channels whose removal leaves most states are passed over.
    const affordable = order === 4 ? mostUsed(rows).slice(0, 3) : journeys.channels
    for (const channel of affordable) {
      const exact = remainingByElimination(rows, order, channel)
      const c = journeys.channels.indexOf(channel)
      expect(Math.abs(conversions[c]! - exact.conversions) / all).toBeLessThan(1e-9)
      expect(Math.abs(value[c]! - exact.value) / all).toBeLessThan(1e-9)
      compared += 1
    }
    expect(compared).toBeGreaterThanOrEqual(3)
  })

  test('orders 1 to 3 agree with the published figures, where there are some', async () => {
    const journeys = journeysOf(rows)
    const total = rows.reduce((sum, row) => sum + row.conversions, 0)
    for (const order of isPublic ? [1, 2, 3] : []) {
      const credit = markovCredit(journeys, order)
      const exact = await readTable(
        join(folder, 'reference', `pathdata_half_exact_markov_order${order}.csv`),
      )
      for (const [channel = '', , , conversions, value] of exact!) {
        const c = journeys.channels.indexOf(channel)
        expect(credit.conversions[c]).toBeCloseTo(Number(conversions), 6)
        expect(credit.value[c]).toBeCloseTo(Number(value), 6)
      }
      const drawn = await readTable(
        join(folder, 'reference', `pathdata_half_markov_order${order}.csv`),
      )
      const distance = (column: number, figures: Float64Array) =>
        drawn!.reduce(
          (sum, row) =>
            sum + Math.abs(Number(row[column]) - figures[journeys.channels.indexOf(row[0]!)]!),
          0,
        ) / 2
      const valueTotal = rows.reduce((sum, row) => sum + row.value, 0)
      expect(distance(1, credit.conversions) / total).toBeLessThan(0.003)
      expect(distance(2, credit.value) / valueTotal).toBeLessThan(0.003)
    }
    const sum = markovCredit(journeys, 2).conversions.reduce((all, one) => all + one, 0)
    expect(sum).toBeCloseTo(total, 6)
  })
})

function mostUsed(rows: readonly PathRow[]): string[] {
  const uses = new Map<string, number>()
  for (const { path } of rows)
    for (const touch of path.split(' > ')) uses.set(touch, (uses.get(touch) ?? 0) + 1)
  return [...uses].sort((a, b) => b[1] - a[1]).map(([channel]) => channel)
}

async function readTable(path: string): Promise<string[][] | null> {
  const text = await readFile(path, 'utf8').catch(() => null)
  if (text === null) return null
  const lines = text.trim().split(/\r?\n/).slice(1)
  return lines.map((line) => line.replaceAll('"', '').split(','))
}

function randomPaths(count: number, channels: number): PathRow[] {
  const random = seededRandom(7, 1)
  return Array.from({ length: count }, () => {
    const touches = [random.integer(channels)]
    while (random.uniform() < 0.7) touches.push(random.integer(channels))
    const conversions = random.integer(3)
    return {
      path: touches.map((c) => `c${c}`).join(' > '),
      conversions,
      value: conversions * random.integer(1000),
      nulls: random.integer(5),
    }
  })
}
