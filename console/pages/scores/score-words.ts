import type { ModelStatus, Target } from '#domains/scoring/model.schema.ts'
import type { ModelReport } from '#console/pages/scores/scores.queries.ts'
import type { Tone } from '#console/ui/Badge.tsx'

export const targets: Readonly<Record<Target, string>> = {
  lead_qualified: 'Lead gets a deal',
  lead_won: 'Lead is won',
  opportunity_won: 'Deal is won',
}

export const statuses: Readonly<Record<ModelStatus, { label: string; tone: Tone }>> = {
  training: { label: 'Training', tone: 'busy' },
  candidate: { label: 'Candidate', tone: 'info' },
  promoted: { label: 'In use', tone: 'good' },
  retired: { label: 'Retired', tone: 'plain' },
  refused: { label: 'Refused', tone: 'bad' },
}

export const leakReasons: Readonly<Record<ModelReport['leaks'][number]['reason'], string>> = {
  predicts_alone: 'It nearly tells the outcome by itself',
  filled_with_outcome: 'It is filled in as the outcome comes',
  pure_levels: 'Some of its values have only one outcome',
  given_later: 'It was given after the moment it is used for',
  overwritten_later: 'It was overwritten after the moment it is used for',
}

export const kinds: Readonly<Record<ModelReport['choice']['kind'], string>> = {
  logistic: 'Logistic regression',
  boosting: 'Boosted trees',
  blend: 'Logistic regression and boosted trees together',
}

/** An area under the curve, as three digits: a rank, no share. */
export function formatAuc(auc: number | null): string {
  return auc === null ? '—' : auc.toFixed(3)
}

export function formatLift(lift: number | null): string {
  return lift === null ? '—' : `${lift.toFixed(1)} ×`
}
