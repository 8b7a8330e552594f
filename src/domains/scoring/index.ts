import type { Module } from '#module.ts'
import { getPipelineForecast } from './forecast.operations.ts'
import {
  getLearnedModel,
  listScoringModels,
  promoteScoringModel,
  retireScoringModel,
  trainScoringModel,
} from './model.operations.ts'
import { scoringKpis } from './kpis.ts'
import { scoringPersonal } from './personal-store.ts'
import {
  getLeadScore,
  getOpportunityProbability,
  listLeadProbabilities,
  listOpportunityProbabilities,
} from './score.operations.ts'
import { changedTimer, dailyTimer, modelFollower, scoreJob, trainJob } from './scoring.jobs.ts'
import { getScoringSuggestions } from './suggestion.operations.ts'

/** Scores learned from a workspace's own outcomes, and what follows from them. */
export const scoring: Module = {
  name: 'scoring',
  operations: [
    trainScoringModel,
    listScoringModels,
    getLearnedModel,
    promoteScoringModel,
    retireScoringModel,
    getLeadScore,
    getOpportunityProbability,
    listLeadProbabilities,
    listOpportunityProbabilities,
    getPipelineForecast,
    getScoringSuggestions,
  ],
  entities: [],
  jobs: [trainJob, scoreJob],
  subscribers: [modelFollower],
  timers: [dailyTimer, changedTimer],
  personal: scoringPersonal,
  kpis: scoringKpis,
}
