import type { Module } from '#module.ts'
import {
  assignLeads,
  captureLead,
  disposeLead,
  disposeLeads,
  getLead,
  getLeadFlip,
  liftScoreOverride,
  listLeads,
  overrideScore,
  rerouteLead,
  updateLead,
} from './lead.operations.ts'
import { accountEntity, activityEntity } from './kept.entity.ts'
import { contactEntity, leadEntity } from './lead.entity.ts'
import { leadImport } from './lead.import.ts'
import { opportunityEntity } from './opportunity.entity.ts'
import {
  getOpportunity,
  listOpportunities,
  listPipelines,
  setOpportunityPeople,
} from './opportunity.operations.ts'
import { ownerEntity } from './owner.entity.ts'
import { changeOwner, createOwner, listOwners } from './owner.operations.ts'
import { salesPersonal } from './personal-store.ts'
import { salesRetained } from './retained-store.ts'
import { pipelineEntity, stageEntity } from './pipeline.entity.ts'
import { getRouting, publishRouting, simulateRouting } from './routing.operations.ts'
import {
  decayTimer,
  peopleFollower,
  rescoreAll,
  routeWaiting,
  settingsFollower,
  slaTimer,
  waitingTimer,
} from './sales.jobs.ts'
import { getScoringModel, publishScoringModel } from './scoring.operations.ts'
import { changeTask, listTasks } from './task.operations.ts'
import { salesWatches } from './watches.ts'

/** Leads, scores, routing, follow-up, opportunities. */
export const sales: Module = {
  name: 'sales',
  operations: [
    captureLead,
    listLeads,
    getLead,
    getLeadFlip,
    updateLead,
    disposeLead,
    disposeLeads,
    assignLeads,
    rerouteLead,
    overrideScore,
    liftScoreOverride,
    getScoringModel,
    publishScoringModel,
    getRouting,
    publishRouting,
    simulateRouting,
    listOwners,
    createOwner,
    changeOwner,
    listTasks,
    changeTask,
    listOpportunities,
    getOpportunity,
    setOpportunityPeople,
    listPipelines,
  ],
  entities: [
    leadEntity,
    contactEntity,
    ownerEntity,
    pipelineEntity,
    stageEntity,
    opportunityEntity,
    accountEntity,
    activityEntity,
  ],
  jobs: [rescoreAll, routeWaiting],
  subscribers: [peopleFollower, settingsFollower],
  timers: [decayTimer, waitingTimer, slaTimer],
  importTargets: [leadImport],
  personal: salesPersonal,
  retained: salesRetained,
  watches: salesWatches,
}
