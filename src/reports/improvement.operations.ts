import { cutPage } from '#core/page.ts'
import { defineOperation } from '#gateway/operation.ts'
import { withDealNames } from '#reports/deal-name.ts'
import { durationChange, rateChange } from '#reports/improvement.rules.ts'
import {
  Improvement,
  ImprovementDealPage,
  ImprovementDealsQuery,
  ImprovementLeadPage,
  ImprovementLeadsQuery,
  ImprovementQuery,
} from '#reports/improvement.schema.ts'
import {
  listCycles,
  listImprovementDeals,
  listImprovementLeads,
  listLeadQuality,
  type CycleRow,
} from '#reports/improvement.store.ts'
import { readSetting } from '#reports/lens.store.ts'
import { rateOf } from '#reports/rate.rules.ts'

export const getImprovement = defineOperation({
  id: 'getImprovement',
  method: 'GET',
  path: '/api/v1/reports/improvement',
  scope: 'performance:read',
  tag: 'Performance',
  summary: 'Whether lead quality and the sales cycle changed since a baseline, with intervals',
  description:
    'The leads and deals of each period are at /api/v1/reports/improvement/leads and /api/v1/reports/improvement/deals.',
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

export const listLeadsOfImprovement = defineOperation({
  id: 'listImprovementLeads',
  method: 'GET',
  path: '/api/v1/reports/improvement/leads',
  scope: 'performance:read',
  tag: 'Performance',
  summary: 'The leads that the lead quality of a period counts, and what each counts as',
  input: ImprovementLeadsQuery,
  output: ImprovementLeadPage,
  csv: [
    { title: 'Id', field: 'leadId' },
    { title: 'Captured', field: 'capturedAt' },
    { title: 'Qualified', field: 'qualifiedAt' },
    { title: 'Qualified in time', field: 'isQualified' },
    { title: 'Accepted', field: 'isAccepted' },
  ],
  async perform(query, { tx, now }) {
    const { timeZone } = await readSetting(tx, {}, now)
    const rows = await listImprovementLeads(tx, query, timeZone, now)
    return cutPage(rows, query.limit, (row) => [row.capturedAt.toISOString(), row.leadId])
  },
})

export const listDealsOfImprovement = defineOperation({
  id: 'listImprovementDeals',
  method: 'GET',
  path: '/api/v1/reports/improvement/deals',
  scope: 'performance:read',
  tag: 'Performance',
  summary: 'The won deals that the sales cycle of a period counts, with the days each took',
  input: ImprovementDealsQuery,
  output: ImprovementDealPage,
  csv: [
    { title: 'Id', field: 'opportunityId' },
    { title: 'Name', field: 'name' },
    { title: 'Opened', field: 'openedAt' },
    { title: 'Won', field: 'closedAt' },
    { title: 'Days', field: 'days', type: 'number' },
    { title: 'Amount in minor units', field: 'amountMinor', type: 'number' },
    { title: 'Currency', field: 'currency' },
  ],
  async perform(query, { tx, now }) {
    const { timeZone } = await readSetting(tx, {}, now)
    const rows = await listImprovementDeals(tx, query, timeZone)
    const page = cutPage(rows, query.limit, (row) => [row.days, row.opportunityId])
    return withDealNames(tx, page)
  },
})

const NO_CYCLE = { n: 0, medianDays: null, mean: null, variance: null }

function daysOf({ n, medianDays, mean }: Omit<CycleRow, 'which'>) {
  return { n, medianDays, geometricMeanDays: mean === null ? null : Math.exp(mean) }
}
