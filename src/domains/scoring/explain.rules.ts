import { explain, predict, type LearnedModel } from '#analytics/learning/model.ts'
import { sigmoid } from '#analytics/learning/metrics.ts'
import { toTable, type Feature, type FeatureRow } from './feature.rules.ts'

export interface ScoredCase {
  probability: number
  low: number
  high: number
}

export interface Reason {
  feature: string
  label: string
  value: string | number | null
  /** Thousandths of log-odds. */
  points: number
}

export interface Explained {
  points: number
  base: number
  reasons: Reason[]
}

/** The probabilities of these cases, with their intervals. */
export function scoreCases(model: LearnedModel, rows: readonly FeatureRow[]): ScoredCase[] {
  return predict(model, toTable(rows, model.columns)).map((score) => ({ ...score }))
}

/**
 * The reasons of one case in whole thousandths of log-odds, largest first, those of nothing left out. `base` takes up
 * what rounding leaves and what a bent calibration adds, so that base and reasons sum to `points` exactly, and
 * 1 ÷ (1 + e^(−points ÷ 1000)) is the probability within .0002.
 */
export function explainCase(
  model: LearnedModel,
  row: FeatureRow,
  features: readonly Feature[],
): Explained {
  const labels = new Map(features.map(({ name, label }) => [name, label]))
  const { columns, logOdds } = explain(model, toTable([row], model.columns), 0)
  const points = Math.round(logOdds * 1000)
  const reasons = model.columns
    .map(({ name }, c) => {
      const value = row[name] ?? null
      return {
        feature: name,
        label: labels.get(name) ?? name,
        value: typeof value === 'number' ? Math.round(value * 100) / 100 : value,
        points: Math.round(columns[c]! * 1000),
      }
    })
    .filter((reason) => reason.points !== 0)
    .toSorted((a, b) => Math.abs(b.points) - Math.abs(a.points))
  const base = reasons.reduce((rest, reason) => rest - reason.points, points)
  return { points, base, reasons }
}

/** The probability that explained points stand for. */
export function probabilityOf(points: number): number {
  return sigmoid(points / 1000)
}
