import { DAY_MS } from '#core/time.ts'
import { compileCondition } from './conditions.ts'
import type { LeadAttributes } from './conditions.ts'
import type { EngagementRule, ScoreRules } from './score-rules.schema.ts'

/** One touch of the lead, as far as scoring looks at it. */
export interface ScoredTouch {
  kind: string
  channel: string
  atMs: number
}

export interface LeadFacts {
  attributes: LeadAttributes
  /** In any order; those after the moment of scoring count for nothing. */
  touches: readonly ScoredTouch[]
}

/** One line of the explanation of a score. */
export interface Contribution {
  part: 'fit' | 'engagement' | 'total'
  /** The rule's id; or `fit.cap`, `fit.floor`, `engagement.cap`, `engagement.floor`, `total.fit_weight`, `total.engagement_weight`. */
  ruleId: string
  label: string
  /** Whole points, never 0. */
  points: number
  detail: string
}

/** Scores are whole numbers from 0 to 100. */
export interface LeadScore {
  fit: number
  engagement: number
  total: number
  /**
   * Lines of part `fit` sum to `fit`, those of part `engagement` to `engagement`; all lines together,
   * with the `total` ones that weigh the two, sum to `total`. Exactly, as all are integers.
   */
  contributions: Contribution[]
}

/** Scores leads under rules that were read once. */
export type LeadScorer = (lead: LeadFacts, atMs: number) => LeadScore

/**
 * Scores one lead: fit (who it is) and engagement (what it did) apart, and a weighted total.
 *
 * An engagement rule gives its points for each matching touch, halved with every half-life of the
 * touch's age, capped for the rule, then rounded to whole points. Fit and engagement are each held in
 * [0, 100] by explicit `cap` and `floor` lines.
 *
 * @param atMs  the moment of scoring, epoch milliseconds.
 * @see own method: additive scorecard with exponential decay, the form of HubSpot's and Marketo's scores.
 * O(rules · touches).
 */
export function scoreLead(lead: LeadFacts, rules: ScoreRules, atMs: number): LeadScore {
  return compileScorer(rules)(lead, atMs)
}

/** Scores many leads under one set of rules; the same results as one by one, in the same order. */
export function scoreLeads(
  leads: readonly LeadFacts[],
  rules: ScoreRules,
  atMs: number,
): LeadScore[] {
  const score = compileScorer(rules)
  return leads.map((lead) => score(lead, atMs))
}

/** Reads the rules once for many leads. O(size of the rules). */
export function compileScorer(rules: ScoreRules): LeadScorer {
  const fitRules = rules.fit.map((rule) => ({ ...rule, reason: compileCondition(rule.when) }))
  const engagementRules = rules.engagement.map((rule) =>
    compileEngagement(rule, rules.halfLifeDays),
  )
  const { fitWeightPercent } = rules
  return ({ attributes, touches }, atMs) => {
    const contributions: Contribution[] = []
    for (const { id, label, points, reason } of fitRules) {
      const detail = points === 0 ? null : reason(attributes)
      if (detail !== null) contributions.push({ part: 'fit', ruleId: id, label, points, detail })
    }
    const fit = holdInRange('fit', contributions)
    for (const contribute of engagementRules) {
      const line = contribute(touches, atMs)
      if (line !== null) contributions.push(line)
    }
    const engagement = holdInRange('engagement', contributions)
    const total =
      weigh('fit', fit, fitWeightPercent, contributions) +
      weigh('engagement', engagement, 100 - fitWeightPercent, contributions)
    return { fit, engagement, total, contributions }
  }
}

/** How a total moved over the threshold from which a lead is marketing-qualified. */
export type MqlCrossing = 'reached' | 'lost' | 'none'

/**
 * Whether a change of the total crosses the threshold. A total equal to the threshold has reached it.
 * Staying on either side is `none`, so that an event made of `reached` fires once a crossing.
 *
 * @param before  the total before, null for a lead that was never scored.
 */
export function mqlCrossing(before: number | null, after: number, threshold: number): MqlCrossing {
  const wasQualified = before !== null && before >= threshold
  const isQualified = after >= threshold
  if (wasQualified === isQualified) return 'none'
  return isQualified ? 'reached' : 'lost'
}

function compileEngagement(
  rule: EngagementRule,
  commonHalfLifeDays: number | null,
): (touches: readonly ScoredTouch[], atMs: number) => Contribution | null {
  const kinds = rule.kinds && new Set(rule.kinds)
  const channels = rule.channels && new Set(rule.channels)
  const halfLifeDays = rule.halfLifeDays === undefined ? commonHalfLifeDays : rule.halfLifeDays
  const perMs = halfLifeDays === null ? 0 : 1 / (halfLifeDays * DAY_MS)
  const cap = rule.cap ?? Infinity
  return (touches, atMs) => {
    let count = 0
    let weight = 0
    let lastAtMs = -Infinity
    for (const touch of touches) {
      if (touch.atMs > atMs || (kinds && !kinds.has(touch.kind))) continue
      if (channels && !channels.has(touch.channel)) continue
      count += 1
      weight += 2 ** ((touch.atMs - atMs) * perMs)
      if (touch.atMs > lastAtMs) lastAtMs = touch.atMs
    }
    const uncapped = rule.points * weight
    const capped = Math.sign(uncapped) * Math.min(Math.abs(uncapped), cap)
    const points = Math.round(capped)
    if (points === 0) return null
    const days = Math.floor((atMs - lastAtMs) / DAY_MS)
    const limit =
      Math.abs(uncapped) > cap ? `, held at ${cap} of ${Math.abs(uncapped).toFixed(1)}` : ''
    const detail = `${count} ${count === 1 ? 'touch' : 'touches'}, last ${days} days before${limit}`
    return { part: 'engagement', ruleId: rule.id, label: rule.label, points, detail }
  }
}

/** The part's score, in [0, 100]; adds the line that holds the sum of its lines there. */
function holdInRange(part: 'fit' | 'engagement', contributions: Contribution[]): number {
  const sum = contributions.reduce((sum, line) => (line.part === part ? sum + line.points : sum), 0)
  const score = Math.min(100, Math.max(0, sum))
  if (score < sum) {
    contributions.push({
      part,
      ruleId: `${part}.cap`,
      label: 'Cap',
      points: score - sum,
      detail: `no ${part} score is above 100`,
    })
  } else if (score > sum) {
    contributions.push({
      part,
      ruleId: `${part}.floor`,
      label: 'Floor',
      points: score - sum,
      detail: `no ${part} score is below 0`,
    })
  }
  return score
}

/** The part's whole points in the total; adds the line that takes the rest away. */
function weigh(
  part: 'fit' | 'engagement',
  score: number,
  weightPercent: number,
  contributions: Contribution[],
): number {
  const weighed = Math.round((score * weightPercent) / 100)
  if (weighed !== score) {
    contributions.push({
      part: 'total',
      ruleId: `total.${part}_weight`,
      label: part === 'fit' ? 'Weight of fit' : 'Weight of engagement',
      points: weighed - score,
      detail: `${part} counts ${weightPercent} % in the total`,
    })
  }
  return weighed
}
