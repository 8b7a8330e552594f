// What simulated worlds teach about the errors of the data-driven model: the constants of `causal/learnt.ts`.
import { correct, deviationsOf, relativePulls } from '#analytics/attribution/causal/adjust.ts'
import type { Evidence, Learnt } from '#analytics/attribution/causal/adjust.ts'

/** One world: what the model found before corrections, and what is true: channels of all revenue, then the baseline. */
export interface Lesson {
  evidence: Evidence
  truth: Float64Array
}

const NOTHING: Learnt = {
  baseline: [0, 1, 0],
  pull: 0,
  variance: [0, 0, 0],
  baselineVariance: [0, 0],
  width: 1.645,
}

/** Learns bias, then variance of what is left, then the width that holds 90 %. O(lessons · channels). */
export function learn(lessons: readonly Lesson[]): Learnt {
  const baseline = learnBaseline(lessons)
  let best = { pull: 0, loss: Infinity }
  for (let pull = 0; pull <= 2.001; pull += 0.1) {
    const loss = lessons.reduce((sum, { evidence, truth }) => {
      const { shares } = correct(evidence, { ...NOTHING, baseline, pull })
      return sum + shares.reduce((tv, share, c) => tv + Math.abs(share - truth[c]!), 0)
    }, 0)
    if (loss < best.loss) best = { pull: Number(pull.toFixed(2)), loss }
  }
  const bias = { ...NOTHING, baseline, pull: best.pull }
  const errors = lessons.flatMap((lesson) => errorsOf(lesson, bias))
  const channels = errors.filter(({ isBaseline }) => !isBaseline)
  const bases = errors.filter(({ isBaseline }) => isBaseline)
  const spread = {
    variance: leastSquares(
      channels.map(({ drawn, byPull }) => [1, drawn, byPull]),
      channels.map(({ squared }) => squared),
    ) as [number, number, number],
    baselineVariance: leastSquares(
      bases.map(({ drawn }) => [1, drawn]),
      bases.map(({ squared }) => squared),
    ) as [number, number],
  }
  const standardised = lessons.flatMap(({ evidence, truth }) => {
    const { shares, deviation } = correct(evidence, { ...bias, ...spread })
    return Array.from(
      shares,
      (share, c) => Math.abs(Math.sqrt(share) - Math.sqrt(truth[c]!)) / deviation[c]!,
    )
  })
  standardised.sort((a, b) => a - b)
  const width = standardised[Math.ceil(0.9 * standardised.length) - 1] ?? NOTHING.width
  return { ...bias, ...spread, width: Number(width.toFixed(3)) }
}

const logOdds = (p: number) => Math.log(Math.max(1e-3, p) / Math.max(1e-3, 1 - p))

/** Least squares of the log odds of the baseline, drawn towards no correction: some fifty worlds teach little. */
function learnBaseline(lessons: readonly Lesson[]): [number, number, number] {
  const centre = [0, 1, 0]
  const rows = lessons.map(({ evidence: { shares, conversions } }) => [
    1,
    logOdds(shares.at(-1)!),
    (shares.length - 1) / Math.sqrt(conversions),
  ])
  const left = lessons.map(({ truth }, i) => logOdds(truth.at(-1)!) - rows[i]![1]!)
  const found = descend(rows, left, [1, 5, 5], -Infinity)
  return found.map((value, j) => Number((value + centre[j]!).toFixed(4))) as [
    number,
    number,
    number,
  ]
}

function errorsOf({ evidence, truth }: Lesson, constants: Learnt) {
  const { shares } = correct(evidence, constants)
  const drawn = deviationsOf(evidence.bootstrap, shares.length)
  const relative = relativePulls(evidence.shares, evidence.pulls)
  return Array.from(shares, (share, c) => ({
    isBaseline: c === shares.length - 1,
    drawn: drawn[c]! ** 2,
    byPull: c === shares.length - 1 ? 0 : share * relative[c]! ** 2,
    squared: (Math.sqrt(share) - Math.sqrt(truth[c]!)) ** 2,
  }))
}

/** Non-negative least squares of squared errors, the largest tempered; the constant stays above 0. */
function leastSquares(rows: number[][], y: number[]): number[] {
  const sorted = [...y].sort((a, b) => a - b)
  const cap = sorted[Math.floor(0.97 * sorted.length)] ?? 1
  const tempered = y.map((value) => Math.min(cap, value))
  const found = descend(rows, tempered, rows[0]?.map(() => 1e-12) ?? [], 0)
  return found.map((value, j) => Number(Math.max(j === 0 ? 1e-4 : 0, value).toPrecision(4)))
}

/** Ridge regression with a lower bound, by coordinate descent. */
function descend(rows: number[][], y: number[], weight: number[], low: number): number[] {
  const x = weight.map(() => 0)
  for (let sweep = 0; sweep < 500; sweep++) {
    x.forEach((_, j) => {
      let [top, bottom] = [0, weight[j]!]
      rows.forEach((row, i) => {
        const rest = row.reduce((sum, value, k) => (k === j ? sum : sum - value * x[k]!), y[i]!)
        top += row[j]! * rest
        bottom += row[j]! ** 2
      })
      x[j] = Math.max(low, top / bottom)
    })
  }
  return x
}
