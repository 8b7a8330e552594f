import { cutPage } from '#core/page.ts'
import { defineOperation } from '#gateway/operation.ts'
import { withDealNames } from '#reports/deal-name.ts'
import { readSetting } from '#reports/lens.store.ts'
import { otherCurrencies, sumByOwner, sumOutcomes } from '#reports/slippage.rules.ts'
import {
  Slippage,
  SlippageDealPage,
  SlippageDealsQuery,
  SlippageQuery,
} from '#reports/slippage.schema.ts'
import {
  countPushes,
  findKnownSince,
  listOutcomes,
  listSlippageDeals,
  type SlippagePeriod,
} from '#reports/slippage.store.ts'
import type { Transaction } from '#store/store.ts'

export const getSlippage = defineOperation({
  id: 'getSlippage',
  method: 'GET',
  path: '/api/v1/reports/slippage',
  scope: 'performance:read',
  tag: 'Performance',
  summary: 'What was expected to close in a period, and how much of it slipped',
  description:
    'By the expected days as they were known when the period began: what sales changed since is the slippage, and no later ' +
    'change makes it look smaller. The deals are at /api/v1/reports/slippage/deals.',
  input: SlippageQuery,
  output: Slippage,
  async perform(query, { tx, now }) {
    const { timeZone, ...period } = await readPeriod(tx, query, now)
    const { currency } = period
    const [rows, pushes, knownSince] = await Promise.all([
      listOutcomes(tx, period),
      countPushes(tx, period),
      findKnownSince(tx),
    ])
    const own = rows.filter((row) => row.currency === currency)
    return {
      definition:
        'Slipped: open and expected to close in the period when it began, but then neither won nor lost in it.',
      from: query.from,
      to: query.to,
      timeZone,
      currency,
      knownSince,
      ...sumOutcomes(own),
      pushes,
      owners: sumByOwner(own),
      otherCurrencies: otherCurrencies(rows, currency),
    }
  },
})

export const listSlippage = defineOperation({
  id: 'listSlippageDeals',
  method: 'GET',
  path: '/api/v1/reports/slippage/deals',
  scope: 'performance:read',
  tag: 'Performance',
  summary: 'The deals that were expected to close in a period, and what became of each',
  input: SlippageDealsQuery,
  output: SlippageDealPage,
  csv: [
    { title: 'Id', field: 'opportunityId' },
    { title: 'Name', field: 'name' },
    { title: 'Owner', field: 'ownerId' },
    { title: 'Outcome', field: 'outcome' },
    { title: 'Amount in minor units', field: 'amountMinor', type: 'number' },
    { title: 'Currency', field: 'currency' },
    { title: 'Expected on', field: 'expectedOn' },
    { title: 'Expected by the end', field: 'closesOn' },
    { title: 'Closed', field: 'closedAt' },
    { title: 'Pushes', field: 'pushes', type: 'number' },
  ],
  async perform({ limit, cursor, outcome, ...query }, { tx, now }) {
    const period = await readPeriod(tx, query, now)
    const rows = await listSlippageDeals(tx, period, { outcome, limit, cursor })
    const page = cutPage(rows, limit, (row) => [row.expectedOn, row.opportunityId])
    return withDealNames(tx, page)
  },
})

async function readPeriod(
  tx: Transaction,
  query: SlippageQuery,
  now: Date,
): Promise<SlippagePeriod & { timeZone: string }> {
  const setting = await readSetting(tx, query, now)
  const { currency = setting.currency } = query
  // Both days are given, so that both moments are.
  const [fromAt, toAt] = [setting.fromAt!, setting.toAt!]
  return { query, currency, fromAt, toAt, now, timeZone: setting.timeZone }
}
