import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { explainCase, scoreCases } from './explain.rules.ts'
import { leadFeatures, opportunityFeatures } from './feature.rules.ts'
import {
  LeadPath,
  LeadProbabilities,
  OpportunityPath,
  OpportunityProbability,
  ScorePage,
  ScoreQuery,
  type Probability,
  type Target,
} from './model.schema.ts'
import {
  findPromoted,
  findScore,
  listPromotedTargets,
  listScores,
  openModel,
} from './model.store.ts'
import { hasOpportunity } from './opportunity-case.store.ts'
import { findRuleScore } from './rule-score.store.ts'
import { findCase, isOpenFor } from './score-cases.ts'

export const getLeadScore = defineOperation({
  id: 'getLeadScore',
  method: 'GET',
  path: '/api/v1/leads/{leadId}/score',
  scope: 'scoring:read',
  tag: 'Learned scores',
  summary: 'The rule score of a lead, and its probabilities with their reasons',
  description:
    'The rule score is what routing and the threshold go by. A promoted model adds a probability with an interval and the ' +
    'reasons that sum to it; it is of the last scoring, or of now when there was none yet.',
  input: LeadPath,
  output: LeadProbabilities,
  async perform({ leadId }, { tx, now }) {
    const rules = await findRuleScore(tx, leadId, now)
    if (rules === null) throw new Problem('resource.not_found', 'There is no lead with this id.')
    const learned: Probability[] = []
    for (const target of await listPromotedTargets(tx)) {
      if (target === 'opportunity_won') continue
      const one = await probabilityFor(tx, target, leadId, now)
      if (one !== null) learned.push(one)
    }
    return { leadId, rules, learned }
  },
})

export const getOpportunityProbability = defineOperation({
  id: 'getOpportunityProbability',
  method: 'GET',
  path: '/api/v1/opportunities/{opportunityId}/win-probability',
  scope: 'scoring:read',
  tag: 'Learned scores',
  summary: 'The win probability of an open opportunity with its reasons',
  input: OpportunityPath,
  output: OpportunityProbability,
  async perform({ opportunityId }, { tx, now }) {
    if (!(await hasOpportunity(tx, opportunityId)))
      throw new Problem('resource.not_found', 'There is no opportunity with this id.')
    return {
      opportunityId,
      learned: await probabilityFor(tx, 'opportunity_won', opportunityId, now),
    }
  },
})

export const listProbabilities = defineOperation({
  id: 'listProbabilities',
  method: 'GET',
  path: '/api/v1/scoring/probabilities',
  scope: 'scoring:read',
  tag: 'Learned scores',
  summary: 'Leads or opportunities by probability, highest first',
  input: ScoreQuery,
  output: ScorePage,
  csv: [
    { title: 'Id', field: 'subjectId' },
    { title: 'Probability', field: 'probability', type: 'number' },
    { title: 'Low', field: 'low', type: 'number' },
    { title: 'High', field: 'high', type: 'number' },
    { title: 'Model', field: 'modelId' },
    { title: 'Scored', field: 'scoredAt' },
  ],
  async perform({ target, limit, cursor }, { tx }) {
    const [probability, id] = cursor === undefined ? [] : decodeCursor(cursor, 2)
    const after =
      id === undefined ? null : { probability: Number(probability), subjectId: String(id) }
    const rows = await listScores(tx, target, { limit, after })
    const page = cutPage(rows, limit, (row) => [row.probability, row.subjectId])
    return {
      data: page.data.map((row) => ({ ...row, modelId: row.modelId as `mdl_${string}` })),
      nextCursor: page.nextCursor,
    }
  },
})

/** The probability by the model in use, with its reasons; null without one, or when the outcome has come. */
async function probabilityFor(
  tx: Transaction,
  target: Target,
  id: string,
  now: Date,
): Promise<Probability | null> {
  const promoted = await findPromoted(tx, target)
  if (promoted === null || !(await isOpenFor(tx, target, id))) return null
  const model = await openModel(tx, promoted)
  const kept = await findScore(tx, target, id)
  const isKept = kept !== null && kept.modelId === promoted.id
  const row = isKept ? kept.features : (await findCase(tx, target, id, now))?.features
  if (row === undefined) return null
  const score = isKept ? kept : scoreCases(model, [row])[0]!
  const { probability, low, high } = score
  const features = target === 'opportunity_won' ? opportunityFeatures : leadFeatures
  return {
    target,
    modelId: promoted.id,
    probability,
    low,
    high,
    scoredAt: isKept ? kept.scoredAt : now,
    ...explainCase(model, row, features),
  }
}
