import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { SECOND_MS } from '#core/time.ts'
import { LeadDetail, LeadFlip } from '#domains/sales/lead.schema.ts'
import {
  LeadProbabilities,
  LearnedModelDetail,
  ModelPage,
  OpportunityProbability,
  ScorePage,
  type ModelStatus,
  type Target,
} from '#domains/scoring/model.schema.ts'
import { act, read } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'

export type ModelRow = z.output<typeof ModelPage>['data'][number]
export type ModelDetail = z.output<typeof LearnedModelDetail>
export type ModelReport = NonNullable<ModelDetail['report']>
export type ScoreRow = z.output<typeof ScorePage>['data'][number]
export type Flip = z.output<typeof LeadFlip>
export type LeadScores = z.output<typeof LeadProbabilities>
export type LeadTarget = Exclude<Target, 'opportunity_won'>

/** What an act on models reads again. */
export const AREA = 'scores'

const MODELS = '/api/v1/scoring/models'

export function modelsExport(fields: {
  target: Target | undefined
  status: ModelStatus | undefined
}) {
  return { path: MODELS, fields, isList: false }
}

export function modelsQuery(fields: {
  target: Target | undefined
  status: ModelStatus | undefined
}) {
  // A training ends while one looks on.
  return { ...listQuery([AREA], ModelPage, MODELS, fields), refetchInterval: 10 * SECOND_MS }
}

function modelPath(modelId: string): string {
  return `${MODELS}/${encodeURIComponent(modelId)}`
}

export function modelExport(modelId: string) {
  return { path: modelPath(modelId), fields: {}, isList: false }
}

export function modelQuery(modelId: string) {
  return queryOptions({
    queryKey: [AREA, 'model', modelId],
    queryFn: ({ signal }) => read(LearnedModelDetail, modelPath(modelId), {}, signal),
  })
}

export function trainModel(target: Target, horizonDays: number): Promise<unknown> {
  return act('POST', MODELS, { target, horizonDays })
}

export function promoteModel(modelId: string): Promise<unknown> {
  return act('POST', `${modelPath(modelId)}/promote`, {})
}

export function retireModel(modelId: string): Promise<unknown> {
  return act('POST', `${modelPath(modelId)}/retire`, {})
}

export function leadScoresExport(target: LeadTarget) {
  return { path: '/api/v1/scoring/lead-probabilities', fields: { target } }
}

export function leadScoresQuery(target: LeadTarget) {
  const { path, fields } = leadScoresExport(target)
  return listQuery([AREA], ScorePage, path, fields)
}

function leadPath(leadId: string): string {
  return `/api/v1/leads/${encodeURIComponent(leadId)}`
}

export function leadScoreExport(leadId: string) {
  return { path: `${leadPath(leadId)}/score`, fields: {}, isList: false }
}

export function leadScoreQuery(leadId: string) {
  return queryOptions({
    queryKey: [AREA, 'lead', leadId],
    queryFn: ({ signal }) => read(LeadProbabilities, `${leadPath(leadId)}/score`, {}, signal),
  })
}

/** The points of the rule score, one by one. */
export function leadRulesQuery(leadId: string) {
  return queryOptions({
    queryKey: [AREA, 'rules', leadId],
    queryFn: async ({ signal }) =>
      (await read(LeadDetail.pick({ scoring: true }), leadPath(leadId), {}, signal)).scoring,
  })
}

export function leadFlipQuery(leadId: string) {
  return queryOptions({
    queryKey: [AREA, 'flip', leadId],
    queryFn: ({ signal }) => read(LeadFlip, `${leadPath(leadId)}/score-flip`, {}, signal),
  })
}

function dealPath(opportunityId: string): string {
  return `/api/v1/opportunities/${encodeURIComponent(opportunityId)}/win-probability`
}

export function dealScoreExport(opportunityId: string) {
  return { path: dealPath(opportunityId), fields: {}, isList: false }
}

export function dealScoreQuery(opportunityId: string) {
  return queryOptions({
    queryKey: [AREA, 'deal', opportunityId],
    queryFn: ({ signal }) => read(OpportunityProbability, dealPath(opportunityId), {}, signal),
  })
}
