import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allotMinor } from '#core/money.ts'
import { DAY_MS } from '#core/time.ts'
import { handWorkedJourneys } from './credit.cases.ts'
import { creditDeals, sumByKey } from './credit.ts'
import type { DealColumns } from './credit.ts'
import { ruleModels } from './rules.ts'

const CLOSE_MS = Date.UTC(2026, 9, 15)

interface Deal {
  amountMinor: number
  /** Days from each touch to the close, oldest first. */
  daysBefore: number[]
}

function columnsOf(deals: readonly Deal[]): DealColumns {
  const offsets = [0]
  for (const deal of deals) offsets.push(offsets.at(-1)! + deal.daysBefore.length)
  return {
    amountMinor: Float64Array.from(deals, (deal) => deal.amountMinor),
    closedAtMs: new Float64Array(deals.length).fill(CLOSE_MS),
    touchOffsets: Uint32Array.from(offsets),
    touchedAtMs: Float64Array.from(
      deals.flatMap((deal) => deal.daysBefore.map((days) => CLOSE_MS - days * DAY_MS)),
    ),
  }
}

const deals = fc.array(
  fc.record({
    amountMinor: fc.integer({ min: -1e9, max: 1e9 }),
    daysBefore: fc
      .array(fc.integer({ min: -10, max: 200 }), { maxLength: 20 })
      .map((days) => days.sort((a, b) => b - a)),
  }),
  { maxLength: 12 },
)
const windowDays = fc.option(fc.integer({ min: 0, max: 120 }))
const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0)

test.each(handWorkedJourneys)('hand-worked to the cent: $name', (journey) => {
  const result = creditDeals(columnsOf([journey]), { windowDays: journey.windowDays })
  for (const model of ruleModels) {
    const none = journey.daysBefore.map(() => 0)
    expect([...result.byModel.get(model)!.creditMinor], model).toEqual(
      journey.credit?.[model] ?? none,
    )
  }
  expect(result.uncreditedDeals).toBe(journey.credit ? 0 : 1)
  expect(result.uncreditedMinor).toBe(journey.credit ? 0 : journey.amountMinor)
})

test('there are at least sixty hand-worked journeys, each with its own name', () => {
  expect(new Set(handWorkedJourneys.map((journey) => journey.name)).size).toBe(
    handWorkedJourneys.length,
  )
  expect(handWorkedJourneys.length).toBeGreaterThanOrEqual(60)
})

test('each credited deal is given away to the cent, and credited plus uncredited is all that was won', () => {
  fc.assert(
    fc.property(deals, windowDays, (deals, windowDays) => {
      const columns = columnsOf(deals)
      const result = creditDeals(columns, { windowDays })
      const won = sum(columns.amountMinor)
      expect(result.creditedMinor + result.uncreditedMinor).toBe(won)
      expect(result.creditedDeals + result.uncreditedDeals).toBe(deals.length)
      for (const { shares, creditMinor } of result.byModel.values()) {
        expect(sum(creditMinor)).toBe(result.creditedMinor)
        expect(sum(shares)).toBeCloseTo(result.creditedDeals, 9)
        for (let i = 0; i < deals.length; i++) {
          const [from, to] = [columns.touchOffsets[i]!, columns.touchOffsets[i + 1]!]
          const given = sum(creditMinor.subarray(from, to))
          expect(given).toBe(result.isCredited[i] ? deals[i]!.amountMinor : 0)
          expect(shares.subarray(from, to).every((share) => share >= 0 && share <= 1)).toBe(true)
        }
      }
    }),
  )
})

test('a touch outside the window gets nothing, and what is inside gets what it would get alone', () => {
  fc.assert(
    fc.property(deals, fc.integer({ min: 0, max: 120 }), (deals, windowDays) => {
      const inside = deals.map((deal) => ({
        ...deal,
        daysBefore: deal.daysBefore.filter((days) => days >= 0 && days <= windowDays),
      }))
      const all = creditDeals(columnsOf(deals), { windowDays })
      const alone = creditDeals(columnsOf(inside), { windowDays: null })
      const isInside = deals.flatMap((deal) =>
        deal.daysBefore.map((days) => days >= 0 && days <= windowDays),
      )
      for (const model of ruleModels) {
        const credit = all.byModel.get(model)!
        expect([...credit.creditMinor].filter((_, i) => isInside[i])).toEqual([
          ...alone.byModel.get(model)!.creditMinor,
        ])
        expect(sum([...credit.shares].filter((_, i) => !isInside[i]))).toBe(0)
      }
    }),
  )
})

test('renaming the channels renames the credit and changes none of it', () => {
  fc.assert(
    fc.property(deals, fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }), (deals, renamed) => {
      const columns = columnsOf(deals)
      const keys = Uint16Array.from(columns.touchedAtMs, (_, i) => (i * 7) % 5)
      for (const { creditMinor } of creditDeals(columns, { windowDays: 90 }).byModel.values()) {
        const before = sumByKey(creditMinor, keys, 5)
        const after = sumByKey(
          creditMinor,
          keys.map((key) => renamed[key]!),
          5,
        )
        for (let key = 0; key < 5; key++) expect(after[renamed[key]!]).toBe(before[key])
        expect(sum(before)).toBe(sum(creditMinor))
      }
    }),
  )
})

test('a deal of nothing counts as a deal: its shares sum to 1 and its cents to 0', () => {
  const result = creditDeals(columnsOf([{ amountMinor: 0, daysBefore: [9, 4, 2] }]), {
    windowDays: 30,
  })
  for (const { shares, creditMinor } of result.byModel.values()) {
    expect(sum(shares)).toBeCloseTo(1, 12)
    expect([...creditMinor]).toEqual([0, 0, 0])
  }
  expect(result.creditedDeals).toBe(1)
})

test('a refund takes back exactly what the sale gave', () => {
  fc.assert(
    fc.property(deals, (deals) => {
      const sold = creditDeals(columnsOf(deals), { windowDays: 90 })
      const refunds = deals.map((deal) => ({ ...deal, amountMinor: -deal.amountMinor }))
      const returned = creditDeals(columnsOf(refunds), { windowDays: 90 })
      for (const model of ruleModels) {
        const [plus, minus] = [sold, returned].map(
          (result) => result.byModel.get(model)!.creditMinor,
        )
        expect(plus!.every((value, i) => Object.is(value + minus![i]!, 0))).toBe(true)
      }
    }),
  )
})

test('an amount is allotted to the last unit at any size', () => {
  const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
    minLength: 1,
    maxLength: 30,
  })
  fc.assert(
    fc.property(fc.maxSafeInteger(), shares, (amountMinor, shares) => {
      const parts = allotMinor(amountMinor, shares)
      const isPositive = shares.some((share) => share > 0)
      const total = parts.reduce((total, part) => total + BigInt(part), 0n)
      expect(total).toBe(isPositive ? BigInt(amountMinor) : 0n)
      expect(
        parts.every((part, i) => part === 0 || (shares[i]! > 0 && part > 0 === amountMinor > 0)),
      ).toBe(true)
    }),
  )
})

test('columns that do not fit together are refused', () => {
  const columns = columnsOf([{ amountMinor: 100, daysBefore: [2, 1] }])
  const refused: Partial<DealColumns>[] = [
    { amountMinor: Float64Array.of(1.5) },
    { amountMinor: Float64Array.of(2 ** 53) },
    { closedAtMs: new Float64Array(2) },
    { closedAtMs: Float64Array.of(Number.NaN) },
    { touchOffsets: Uint32Array.of(0, 1) },
    { touchOffsets: Uint32Array.of(1, 2) },
    { touchedAtMs: Float64Array.of(CLOSE_MS, CLOSE_MS - DAY_MS) },
  ]
  for (const part of refused) {
    expect(() => creditDeals({ ...columns, ...part }, { windowDays: null })).toThrow(RangeError)
  }
  expect(() => creditDeals(columns, { windowDays: -1 })).toThrow(RangeError)
  expect(() => sumByKey(Float64Array.of(1), Uint16Array.of(3), 3)).toThrow(RangeError)
})
