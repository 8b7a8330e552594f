import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ruleModels } from '#analytics/attribution/rules.ts'
import { addDays, daysBetween, mondayOf, mondaysBetween } from '#core/calendar.ts'
import { costBetween, returnOn } from '#reports/cost.rules.ts'
import { BuiltInModel } from '#reports/lens.schema.ts'
import { rateOf } from '#reports/rate.rules.ts'
import { restate, type LedgerCell } from '#reports/restatement.rules.ts'

test('the models on the wire are those of the kernel', () => {
  expect(BuiltInModel.options).toEqual([...ruleModels])
})

const day = fc.integer({ min: 0, max: 1500 }).map((n) => addDays('2024-01-01', n))

test('weeks begin on Mondays and follow each other without a gap', () => {
  expect(mondayOf('2026-01-01')).toBe('2025-12-29')
  expect(mondayOf('2026-11-23')).toBe('2026-11-23')
  expect(mondayOf('2026-11-29')).toBe('2026-11-23')
  fc.assert(
    fc.property(day, day, (a, b) => {
      const weeks = mondaysBetween(mondayOf(a), mondayOf(b))
      expect(weeks.length).toBe(Math.max(0, daysBetween(mondayOf(a), mondayOf(b)) / 7 + 1))
    }),
  )
})

describe('cost', () => {
  const budget = {
    budgetMinor: 1001,
    currency: 'EUR',
    startsOn: '2026-01-10',
    endsOn: '2026-02-08',
  }

  test('parts of periods that follow each other sum to the whole budget', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 28 })),
        fc.nat(100_000),
        (cuts, budgetMinor) => {
          const starts = [0, ...cuts.sort((a, b) => a - b), 30].map((n) =>
            addDays(budget.startsOn, n),
          )
          const parts = starts.slice(1).map((end, i) => {
            const cost = costBetween(
              { ...budget, budgetMinor },
              'EUR',
              starts[i]!,
              addDays(end, -1),
            )
            return cost.costMinor ?? 0
          })
          expect(parts.reduce((a, b) => a + b)).toBe(budgetMinor)
        },
      ),
    )
  })

  test('without a cost there is a reason and no return', () => {
    expect(costBetween({ ...budget, budgetMinor: null }, 'EUR', null, null).reason).toBe(
      'no_budget',
    )
    expect(costBetween(budget, 'USD', null, null).reason).toBe('other_currency')
    expect(costBetween({ ...budget, endsOn: null }, 'EUR', '2026-01-01', null).reason).toBe(
      'no_dates',
    )
    expect(costBetween(budget, 'EUR', '2026-03-01', '2026-03-31').reason).toBe('not_in_period')
    expect(costBetween({ ...budget, endsOn: null }, 'EUR', null, null)).toEqual({
      costMinor: 1001,
      reason: null,
    })
    expect([returnOn(500, null), returnOn(500, 0), returnOn(500, 250), returnOn(0, 250)]).toEqual([
      null,
      null,
      1,
      -1,
    ])
  })
})

describe('rates', () => {
  test('the interval is the published one of Wilson', () => {
    // Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 has (0.2553, 0.3662).
    const rate = rateOf(81, 263)
    expect(rate.low).toBeCloseTo(0.2553, 4)
    expect(rate.high).toBeCloseTo(0.3662, 4)
    expect(rateOf(0, 20)).toMatchObject({ rate: 0, low: 0, isSmall: true })
    expect(rateOf(0, 20).high).toBeCloseTo(0.1611, 4)
    expect(rateOf(0, 0)).toMatchObject({ rate: null, low: null, high: null, isSmall: true })
  })

  test('the interval covers the true rate about 95 times of 100', () => {
    for (const [n, p] of [
      [30, 0.2],
      [80, 0.05],
      [200, 0.5],
    ] as const) {
      let covered = 0
      let probability = (1 - p) ** n
      for (let k = 0; k <= n; k++) {
        const { low, high } = rateOf(k, n)
        if (low! <= p && p <= high!) covered += probability
        probability *= ((n - k) / (k + 1)) * (p / (1 - p))
      }
      expect(covered).toBeGreaterThan(0.92)
      expect(covered).toBeLessThan(0.98)
    }
  })
})

test('restatements sum to the change of each final week and leave open weeks alone', () => {
  const cell = fc.record({
    opportunityId: fc.constantFrom('opp_1', 'opp_2', 'opp_3'),
    week: fc.constantFrom('2026-11-02', '2026-11-09', '2026-11-16'),
    windowDays: fc.constantFrom(0, 90),
    model: fc.constantFrom('linear', 'first'),
    bucket: fc.constant('campaign' as const),
    campaignId: fc.constantFrom('cmp_1', 'cmp_2'),
    currency: fc.constant('EUR'),
    amountMinor: fc.integer({ min: -100, max: 100 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    cause: fc.constantFrom('late_deal' as const, 'amount_changed' as const),
  })
  fc.assert(
    fc.property(fc.array(cell), fc.array(cell), (before, after) => {
      const rows = restate(before, after, '2026-11-16')
      for (const week of ['2026-11-02', '2026-11-09', '2026-11-16']) {
        for (const campaignId of ['cmp_1', 'cmp_2']) {
          const of = (cells: LedgerCell[]) =>
            cells
              .filter((cell) => cell.week === week && cell.campaignId === campaignId)
              .reduce((sum, cell) => sum + cell.amountMinor, 0)
          const moved = rows
            .filter((row) => row.week === week && row.campaignId === campaignId)
            .reduce((sum, row) => sum + row.deltaMinor, 0)
          expect(moved).toBe(week === '2026-11-16' ? 0 : of(after) - of(before))
        }
      }
    }),
  )
})
