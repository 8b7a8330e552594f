import { createReportKpis } from '#reports/kpis.ts'
import type { Module } from '#module.ts'
import { getAttributionChanges } from '#reports/change-report.operations.ts'
import { getCampaignAttribution } from '#reports/campaign-report.operations.ts'
import {
  getAttributionReceipt,
  getChannelAttribution,
  listAttributionCredits,
  listAttributionDeals,
  listAttributionRestatements,
  listCampaignAttribution,
} from '#reports/credit.operations.ts'
import {
  cancelExperiment,
  createExperiment,
  getExperiment,
  listExperiments,
  listProposals,
  recordExperimentResult,
} from '#reports/experiment.operations.ts'
import { fitJob, fitSubscriber, fitTimer } from '#reports/fit.ts'
import {
  deleteModel,
  fitModel,
  listModels,
  listModelVersions,
  putModel,
} from '#reports/model.operations.ts'
import { getOverview } from '#reports/overview.operations.ts'
import { createSalesPerformance } from '#reports/performance.operations.ts'
import { previewAttribution } from '#reports/preview.operations.ts'
import { dirtySubscriber, refreshJob, refreshTimer } from '#reports/refresh.ts'
import {
  getAttributionWindows,
  putAttributionWindows,
  recomputeAttribution,
} from '#reports/settings.operations.ts'
import { createAttributionAccuracy, createReadProfile } from '#reports/accuracy.operations.ts'
import { createCompareAttribution } from '#reports/compare.operations.ts'
import { getPipelineInfluence } from '#reports/influence.operations.ts'
import {
  getImprovement,
  listDealsOfImprovement,
  listLeadsOfImprovement,
} from '#reports/improvement.operations.ts'
import { reportsPersonal } from '#reports/personal-store.ts'
import {
  comparePlans,
  getPlan,
  getPlanProgress,
  listPlans,
  listQuarters,
  putPlan,
} from '#reports/plan.operations.ts'
import { getSlippage, listSlippage } from '#reports/slippage.operations.ts'
import {
  listDisagreements,
  listSourceClaims,
  putSourceClaim,
} from '#reports/source-claim.operations.ts'
import {
  addAgendaItem,
  addComment,
  changeAgendaItem,
  createWeekly,
  getWeekly,
  listReportComments,
  listWeeklyReports,
} from '#reports/weekly.operations.ts'
import { cellOperations } from '#reports/cell.operations.ts'
import type { ListOrigins } from '#sync/origin.ts'
import { weeklyCalendar, weeklyTimer } from '#reports/weekly.ts'

/**
 * The credit ledger and what is read from it.
 * @param keptMs  for how long the dearest report may be given again, in milliseconds.
 * @param listOrigins  says what set the fields that figures stand on.
 */
export function createReports(keptMs: number, listOrigins: ListOrigins): Module {
  const readProfile = createReadProfile(keptMs)
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
      ...cellOperations(listOrigins),
      getAttributionChanges,
      listModels,
      listModelVersions,
      putModel,
      deleteModel,
      fitModel,
      listProposals,
      createExperiment,
      recordExperimentResult,
      cancelExperiment,
      getExperiment,
      listExperiments,
      previewAttribution,
      createCompareAttribution(readProfile),
      createAttributionAccuracy(readProfile),
      listDisagreements,
      putSourceClaim,
      listSourceClaims,
      getPipelineInfluence,
      getImprovement,
      listLeadsOfImprovement,
      listDealsOfImprovement,
      getSlippage,
      listSlippage,
      createWeekly,
      listWeeklyReports,
      getWeekly,
      addAgendaItem,
      changeAgendaItem,
      addComment,
      listReportComments,
      putPlan,
      getPlan,
      getPlanProgress,
      listQuarters,
      listPlans,
      comparePlans,
      getAttributionWindows,
      putAttributionWindows,
      recomputeAttribution,
    ],
    entities: [],
    jobs: [refreshJob, fitJob],
    subscribers: [dirtySubscriber, fitSubscriber],
    timers: [refreshTimer, fitTimer, weeklyTimer],
    rawRoutes: [weeklyCalendar],
    personal: reportsPersonal,
    kpis: createReportKpis(readProfile),
  }
}

export { seedReports } from '#reports/ledger.store.ts'
