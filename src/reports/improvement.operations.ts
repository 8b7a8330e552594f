import { defineOperation } from '#gateway/operation.ts'
import { durationChange, rateChange } from '#reports/improvement.rules.ts'
import { Improvement, ImprovementQuery } from '#reports/improvement.schema.ts'
import { listCycles, listLeadQuality, type CycleRow } from '#reports/improvement.store.ts'
import { readSetting } from '#reports/lens.store.ts'
import { rateOf } from '#reports/rate.rules.ts'

export const getImprovement = defineOperation({
  id: 'getImprovement',
  method: 'GET',
  path: '/api/v1/reports/improvement',
  scope: 'performance:read',
  tag: 'Performance',
  summary: 'Whether lead quality and the sales cycle changed since a baseline, with intervals',
  input: ImprovementQuery,
  output: Improvement,
  async perform(query, { tx, now }) {
    const { timeZone } = await readSetting(tx, {}, now)
    const [quality, cycles] = await Promise.all([
      listLeadQuality(tx, query, timeZone, now),
      listCycles(tx, query, timeZone),
    ])
    const rates = (which: 'baseline' | 'current') => {
      const row = quality.find((each) => each.which === which)
      return {
        quality: rateOf(row?.qualified ?? 0, row?.leads ?? 0),
        acceptance: rateOf(row?.accepted ?? 0, row?.decided ?? 0),
      }
    }
    const cycle = (which: 'baseline' | 'current') =>
      cycles.find((each) => each.which === which) ?? NO_CYCLE
    const [before, after] = [rates('baseline'), rates('current')]
    return {
      leadQuality: {
        definition: `Leads that qualified within ${query.maturityDays} days of their capture, of all that are as old.`,
        baseline: before.quality,
        current: after.quality,
        change: rateChange(before.quality, after.quality),
      },
      acceptance: {
        definition: 'Leads that sales took, of all that sales decided on.',
        baseline: before.acceptance,
        current: after.acceptance,
        change: rateChange(before.acceptance, after.acceptance),
      },
      salesCycle: {
        definition: 'Days from opened to won, by the close; the change is of the geometric mean.',
        baseline: daysOf(cycle('baseline')),
        current: daysOf(cycle('current')),
        change: durationChange(cycle('baseline'), cycle('current')),
      },
      notes: [
        'A change since a baseline is no proof of its cause: seasons, prices and markets change too.',
      ],
    }
  },
})

const NO_CYCLE = { n: 0, medianDays: null, mean: null, variance: null }

function daysOf({ n, medianDays, mean }: Omit<CycleRow, 'which'>) {
  return { n, medianDays, geometricMeanDays: mean === null ? null : Math.exp(mean) }
}
