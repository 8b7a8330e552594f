import { fitLogistic, type SparseRows } from '#analytics/learning/logistic.ts'
import { seededRandom } from '#core/random.ts'
import type { ScoreRules } from '#analytics/scoring/score-rules.schema.ts'

/** What sales said of a lead, and which rules had given it points. */
export interface JudgedLead {
  accepted: boolean
  reason: string
  ruleIds: readonly string[]
}

export interface WeightSuggestion {
  part: 'fit' | 'engagement'
  ruleId: string
  label: string
  points: number
  suggestedPoints: number
  /** Judged leads that had points by the rule. */
  accepted: number
  rejected: number
  /** 90 % interval of what the rule is worth by the judgements, in points. */
  lowPoints: number
  highPoints: number
  /** Reasons for the rejections, most frequent first. */
  reasons: { reason: string; leads: number }[]
}

/** Reasons that say nothing of how good a lead was: it came at a bad moment, or to the wrong desk. */
export const silentReasons: readonly string[] = [
  'duplicate',
  'wrong_contact_data',
  'bad_timing',
  'unresponsive',
  'out_of_territory',
  'already_in_talks',
  'other',
]

const LEAST_EACH = 20
const LEAST_WITH_RULE = 10
/** No suggestion moves a rule by more than this at a time. */
const STEP = 10
const RESAMPLES = 100
const BOOTSTRAP_STREAM = 61

/**
 * What the judgements of sales say the points of each rule should be: a ridge logistic regression of accepted on the
 * rules that fired, brought to the scale of the points in force, with a bootstrap interval. A change is suggested only
 * where the interval leaves out the present points, and by at most ten points; the published rules change nothing by
 * themselves.
 *
 * @returns the suggestions, and how many judgements are missing when there are too few to say anything.
 */
export function suggestWeights(
  leads: readonly JudgedLead[],
  rules: ScoreRules,
): { judged: number; missing: number; suggestions: WeightSuggestion[] } {
  const telling = leads.filter(({ reason }) => !silentReasons.includes(reason))
  const accepted = telling.filter((lead) => lead.accepted).length
  const missing =
    Math.max(0, LEAST_EACH - accepted) + Math.max(0, LEAST_EACH - (telling.length - accepted))
  if (missing > 0) return { judged: telling.length, missing, suggestions: [] }
  const all = [
    ...rules.fit.map((rule) => ({ ...rule, part: 'fit' as const })),
    ...rules.engagement.map((rule) => ({ ...rule, part: 'engagement' as const })),
  ]
  const fired = new Map(
    all.map(({ id }) => [id, telling.filter(({ ruleIds }) => ruleIds.includes(id))]),
  )
  const judged = all.filter(({ id }) => {
    const count = fired.get(id)!.length
    return count >= LEAST_WITH_RULE && telling.length - count >= LEAST_WITH_RULE
  })
  if (judged.length === 0) return { judged: telling.length, missing: 0, suggestions: [] }
  const worth = worthOf(telling, judged)
  const suggestions = judged.flatMap(({ id, part, label, points }, j): WeightSuggestion[] => {
    const own = worth.map((draw) => draw[j]!)
    const best = own[0]!
    const sorted = own.slice(1).toSorted((a, b) => a - b)
    const lowPoints = sorted[Math.floor(0.05 * sorted.length)]!
    const highPoints = sorted[Math.floor(0.95 * sorted.length)]!
    if (points >= lowPoints && points <= highPoints) return []
    const move = Math.max(-STEP, Math.min(STEP, Math.round(best) - points))
    if (move === 0) return []
    const having = fired.get(id)!
    return [
      {
        part,
        ruleId: id,
        label,
        points,
        suggestedPoints: Math.max(-100, Math.min(100, points + move)),
        accepted: having.filter((lead) => lead.accepted).length,
        rejected: having.filter((lead) => !lead.accepted).length,
        lowPoints: Math.round(lowPoints),
        highPoints: Math.round(highPoints),
        reasons: reasonsOf(having),
      },
    ]
  })
  return { judged: telling.length, missing: 0, suggestions }
}

/** What each rule is worth in points: first by all judgements, then by each resample of them. */
function worthOf(
  leads: readonly JudgedLead[],
  rules: readonly { id: string; points: number }[],
): number[][] {
  const random = seededRandom(42, BOOTSTRAP_STREAM)
  const draws: number[][] = []
  for (let draw = 0; draw <= RESAMPLES; draw += 1) {
    const taken = draw === 0 ? leads : leads.map(() => random.pick(leads))
    const x = toRows(taken, rules)
    const labels = Uint8Array.from(taken, ({ accepted }) => Number(accepted))
    const { coefficients } = fitLogistic(x, labels, { lambda: 0.01, mix: 0 })
    // The scale at which the points in force say what the log-odds say, on the whole.
    const [cross, squares] = rules.reduce(
      ([a, b], { points }, j) => [a + points * coefficients[j]!, b + coefficients[j]! ** 2],
      [0, 0],
    )
    const scale = cross > 0 && squares > 0 ? cross / squares : 20
    draws.push([...coefficients].map((value) => value * scale))
  }
  return draws
}

function toRows(leads: readonly JudgedLead[], rules: readonly { id: string }[]): SparseRows {
  const starts = new Int32Array(leads.length + 1)
  const columns: number[] = []
  leads.forEach(({ ruleIds }, i) => {
    const fired = new Set(ruleIds)
    rules.forEach(({ id }, j) => {
      if (fired.has(id)) columns.push(j)
    })
    starts[i + 1] = columns.length
  })
  return {
    rows: leads.length,
    width: rules.length,
    starts,
    columns: Int32Array.from(columns),
    values: new Float64Array(columns.length).fill(1),
  }
}

function reasonsOf(leads: readonly JudgedLead[]): { reason: string; leads: number }[] {
  const counts = new Map<string, number>()
  for (const { accepted, reason } of leads)
    if (!accepted) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts]
    .map(([reason, count]) => ({ reason, leads: count }))
    .toSorted((a, b) => b.leads - a.leads || (a.reason < b.reason ? -1 : 1))
    .slice(0, 5)
}
