import { cutPage, decodeCursor, PageQuery } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { explainCase, scoreCases } from './explain.rules.ts'
import { leadFeatures, opportunityFeatures } from './feature.rules.ts'
import {
  LeadPath,
  LeadProbabilities,
  LeadScoreQuery,
  OpportunityPath,
  OpportunityProbability,
  ScorePage,
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
import { findOpportunityOwner } from './opportunity-case.store.ts'
import { findRuleScore } from './rule-score.store.ts'
import { findCase, isOpenFor } from './score-cases.ts'

export const getLeadScore = defineOperation({
  id: 'getLeadScore',
  method: 'GET',
  path: '/api/v1/leads/{leadId}/score',
  scope: 'leads:read',
  tag: 'Learned scores',
  summary: 'The rule score of a lead, and its probabilities with their reasons',
  description:
    'The rule score is what routing and the threshold go by. A promoted model adds a probability with an interval and the ' +
    'reasons that sum to it; it is of the last scoring, or of now when there was none yet.',
  input: LeadPath,
  output: LeadProbabilities,
  async perform({ leadId }, { tx, now }) {
    const found = await findRuleScore(tx, leadId, now)
    if (found === null) throw new Problem('resource.not_found', 'There is no lead with this id.')
    const { ownerId, ...rules } = found
    const learned: Probability[] = []
    for (const target of await listPromotedTargets(tx)) {
      if (target === 'opportunity_won') continue
      const one = await probabilityFor(tx, target, leadId, now)
      if (one !== null) learned.push(one)
    }
    return { id: leadId, ownerId, rules, learned }
  },
})

export const getOpportunityProbability = defineOperation({
  id: 'getOpportunityProbability',
  method: 'GET',
  path: '/api/v1/opportunities/{opportunityId}/win-probability',
  scope: 'opportunities:read',
  tag: 'Learned scores',
  summary: 'The win probability of an open opportunity with its reasons',
  input: OpportunityPath,
  output: OpportunityProbability,
  async perform({ opportunityId }, { tx, now }) {
    const found = await findOpportunityOwner(tx, opportunityId)
    if (found === null)
      throw new Problem('resource.not_found', 'There is no opportunity with this id.')
    return {
      id: opportunityId,
      ownerId: found.ownerId,
      learned: await probabilityFor(tx, 'opportunity_won', opportunityId, now),
    }
  },
})

const csv = [
  { title: 'Id', field: 'id' },
  { title: 'Owner', field: 'ownerId' },
  { title: 'Probability', field: 'probability', type: 'number' },
  { title: 'Low', field: 'low', type: 'number' },
  { title: 'High', field: 'high', type: 'number' },
  { title: 'Model', field: 'modelId' },
  { title: 'Scored', field: 'scoredAt' },
] as const

export const listLeadProbabilities = defineOperation({
  id: 'listLeadProbabilities',
  method: 'GET',
  path: '/api/v1/scoring/lead-probabilities',
  scope: 'leads:read',
  tag: 'Learned scores',
  summary: 'Leads by probability, highest first',
  input: LeadScoreQuery,
  output: ScorePage,
  csv,
  perform: ({ target, ...page }, { tx }) => scorePage(tx, target, page),
})

export const listOpportunityProbabilities = defineOperation({
  id: 'listOpportunityProbabilities',
  method: 'GET',
  path: '/api/v1/scoring/opportunity-probabilities',
  scope: 'opportunities:read',
  tag: 'Learned scores',
  summary: 'Open opportunities by win probability, highest first',
  input: PageQuery,
  output: ScorePage,
  csv,
  perform: (page, { tx }) => scorePage(tx, 'opportunity_won', page),
})

async function scorePage(tx: Transaction, target: Target, { limit, cursor }: PageQuery) {
  const [probability, id] = cursor === undefined ? [] : decodeCursor(cursor, 2)
  const after = id === undefined ? null : { probability: Number(probability), id: String(id) }
  const rows = await listScores(tx, target, { limit, after })
  return cutPage(rows, limit, (row) => [row.probability, row.id])
}

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
