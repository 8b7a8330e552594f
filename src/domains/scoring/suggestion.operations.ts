import { z } from 'zod'
import { defaultScoreRules } from '#analytics/scoring/default-rules.ts'
import { defineOperation } from '#gateway/operation.ts'
import { Suggestions } from './model.schema.ts'
import { findRules, listJudgedLeads } from './rule-score.store.ts'
import { suggestWeights } from './suggestion.rules.ts'

/** The latest judgements that count. */
const MOST_JUDGED = 5000

export const getScoringSuggestions = defineOperation({
  id: 'getScoringSuggestions',
  method: 'GET',
  path: '/api/v1/scoring/suggestions',
  scope: 'scoring:read',
  tag: 'Scoring',
  summary: 'What the points of the scoring rules should be by what sales accepted and rejected',
  description:
    'Only where the judgements speak clearly, with their reasons, and at most ten points at a time. Nothing changes until ' +
    'somebody publishes the model.',
  input: z.object({}),
  output: Suggestions,
  async perform(_input, { tx }) {
    const published = await findRules(tx)
    const judged = await listJudgedLeads(tx, MOST_JUDGED)
    return {
      modelVersion: published?.version ?? 0,
      ...suggestWeights(judged, published?.rules ?? defaultScoreRules),
    }
  },
})
