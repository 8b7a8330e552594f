import { z } from 'zod'
import { CurrencyCode } from '#core/money.ts'
import { defineOperation } from '#gateway/operation.ts'
import { readSetting } from '#reports/lens.store.ts'
import { overviewOf } from '#reports/overview.rules.ts'
import { Overview } from '#reports/overview.schema.ts'
import { listOverviewCounts, listOverviewDeals } from '#reports/overview.store.ts'

const DAYS = 30

export const getOverview = defineOperation({
  id: 'getOverview',
  method: 'GET',
  path: '/api/v1/overview',
  scope: 'performance:read',
  tag: 'Performance',
  summary: 'The chain from touch to revenue in figures: the last 30 days against the 30 before',
  input: z.object({ currency: CurrencyCode.optional() }),
  output: Overview,
  async perform(query, { tx, now }) {
    const [setting, counts, deals] = await Promise.all([
      readSetting(tx, {}, now),
      listOverviewCounts(tx, now, DAYS),
      listOverviewDeals(tx, now, DAYS),
    ])
    const { currency = setting.currency } = query
    return overviewOf(counts, deals, currency, setting.freshness, now, DAYS)
  },
})
