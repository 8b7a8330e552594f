import type { Module } from '#module.ts'
import { getCampaignAttribution } from '#reports/campaign-report.operations.ts'
import {
  getAttributionReceipt,
  getChannelAttribution,
  listAttributionCredits,
  listAttributionDeals,
  listAttributionRestatements,
  listCampaignAttribution,
} from '#reports/credit.operations.ts'
import { getOverview } from '#reports/overview.operations.ts'
import { createSalesPerformance } from '#reports/performance.operations.ts'
import { dirtySubscriber, refreshJob, refreshTimer } from '#reports/refresh.ts'
import {
  getAttributionWindows,
  putAttributionWindows,
  recomputeAttribution,
} from '#reports/settings.operations.ts'

/**
 * The credit ledger and what is read from it.
 * @param keptMs  for how long the dearest report may be given again, in milliseconds.
 */
export function createReports(keptMs: number): Module {
  return {
    name: 'reports',
    operations: [
      getCampaignAttribution,
      createSalesPerformance(keptMs),
      getOverview,
      listAttributionCredits,
      listAttributionDeals,
      getAttributionReceipt,
      getChannelAttribution,
      listCampaignAttribution,
      listAttributionRestatements,
      getAttributionWindows,
      putAttributionWindows,
      recomputeAttribution,
    ],
    entities: [],
    jobs: [refreshJob],
    subscribers: [dirtySubscriber],
    timers: [refreshTimer],
  }
}

export { seedReports } from '#reports/ledger.store.ts'
