import { z } from 'zod'
import { ScoreRules } from '#analytics/scoring/score-rules.schema.ts'
import { Instant } from '#core/time.ts'
import { defineOperation } from '#gateway/operation.ts'
import { modelOf } from './progress.ts'
import { refuseOldVersion } from './routing.operations.ts'
import { findScoring, insertScoring } from './score.store.ts'

/** The scoring model in force; version 0 is the built-in one. */
const PublishedModel = z.object({
  version: z.int(),
  publishedAt: Instant.nullable(),
  publishedBy: z.string().nullable(),
  model: ScoreRules,
})

export const getScoringModel = defineOperation({
  id: 'getScoringModel',
  method: 'GET',
  path: '/api/v1/scoring-model',
  scope: 'leads:read',
  tag: 'Scoring',
  summary: 'The scoring model in force',
  version: ({ version }) => version,
  input: z.object({}),
  output: PublishedModel,
  async perform(_input, { tx }) {
    const row = await findScoring(tx)
    const { version, rules } = modelOf({ scoring: row })
    return {
      version,
      model: rules,
      publishedAt: row?.publishedAt ?? null,
      publishedBy: row?.publishedBy ?? null,
    }
  },
})

export const publishScoringModel = defineOperation({
  id: 'publishScoringModel',
  method: 'PUT',
  path: '/api/v1/scoring-model',
  scope: 'scoring:write',
  tag: 'Scoring',
  summary: 'Publish a scoring model',
  description:
    'All leads are scored anew in the background. Overrides stay, and no lead that has qualified qualifies again.',
  event: 'scoring.published',
  subject: ({ version }) => `scoring_${version}`,
  version: ({ version }) => version,
  input: z.object({ model: ScoreRules }),
  output: PublishedModel,
  async perform({ model }, { tx, principal, now, expectedVersion }) {
    refuseOldVersion(expectedVersion, (await findScoring(tx))?.version ?? 0)
    const version = await insertScoring(tx, model, principal.id, now)
    return { version, model, publishedAt: now, publishedBy: principal.id }
  },
})
