import { fitTargets } from './encode-targets.ts'
import { auc } from './metrics.ts'
import type { Column } from './table.ts'

/** Why a column looks as if it knew the outcome. */
export type LeakReason =
  | 'predicts_alone'
  | 'filled_with_outcome'
  | 'pure_levels'
  | 'given_later'
  | 'overwritten_later'

export interface LeakFinding {
  name: string
  reason: LeakReason
  /** `leak`: not to be trained on. `suspect`: the name alone says so, a person should look. */
  severity: 'leak' | 'suspect'
  /** Single-feature area under the curve, out of sample, missing as a level of its own; in [0.5, 1]. */
  auc: number
  detail: string
}

/** One column alone above this is too good to be known before the outcome. */
const ALONE = 0.95
/** Whether a cell is filled, as a predictor of its own. */
const FILLED = 0.75
/** A level is pure when at most this part of its rows, or all but it, have the label. */
const PURE = 0.07
const PURE_ROWS = 30

/** What people or scorers give a record after they have looked at it. */
const JUDGEMENT =
  /\b(?:tags?|quality|profile|grade|rating|scores?|index|rank|tier|status|stage|outcome|result|disposition|verdict|reason|remarks?|comments?|feedback)\b/i
const OVERWRITTEN = /^(?:last|latest|most recent|current status)\b/i

/**
 * Looks for columns that were filled in after the outcome, or by it. A model trained on them is right in the file and
 * wrong in use, since they are not known when a score is wanted. Five signs, none of them proof:
 *
 * 1. the column alone predicts with an AUC above .95;
 * 2. whether it is filled does, with more than .75;
 * 3. levels of nearly one outcome cover much of the rows on both sides (tags such as "closed" and "not interested");
 * 4. it is named as a judgement (quality, score, tags …), a fifth or more of the rows lack it, and it says something;
 * 5. it is named as the last of something and holds names: such a column is overwritten as things go on. Numbers so
 *    named are only suspect.
 *
 * @see own method; Kaufman, Rosset & Perlich, "Leakage in data mining", KDD 2011, for the kinds of leakage.
 * O(columns · n log n).
 */
export function findLeaks(
  columns: readonly Column[],
  labels: Uint8Array,
  seed: number,
): LeakFinding[] {
  return columns.flatMap((column) => {
    const found = judge(column, labels, seed)
    return found === null ? [] : [found]
  })
}

function judge(column: Column, labels: Uint8Array, seed: number): LeakFinding | null {
  const { name } = column
  const missing = missingOf(column)
  const missingShare = missing.reduce((sum, value) => sum + value, 0) / labels.length
  const alone = singleAuc(column, labels, seed)
  const filled = fold(auc(missing, labels))
  const pure = column.kind === 'category' ? pureShares(column.codes, labels) : null
  const found = (reason: LeakReason, severity: LeakFinding['severity'], detail: string) => ({
    name,
    reason,
    severity,
    auc: alone,
    detail,
  })
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`
  if (alone > ALONE)
    return found('predicts_alone', 'leak', `alone it predicts with AUC ${alone.toFixed(3)}`)
  if (filled > FILLED)
    return found(
      'filled_with_outcome',
      'leak',
      `whether it is filled predicts with AUC ${filled.toFixed(3)}`,
    )
  if (pure !== null && pure.high >= 0.02 && pure.low >= 0.02 && pure.high + pure.low >= 0.1)
    return found(
      'pure_levels',
      'leak',
      `${percent(pure.high)} of the rows have a level that nearly always means yes, ${percent(pure.low)} one that nearly always means no`,
    )
  if (JUDGEMENT.test(words(name)) && missingShare >= 0.2 && missingShare < 0.98 && alone >= 0.53)
    return found(
      'given_later',
      'leak',
      `named as a judgement, and ${percent(missingShare)} of the rows have none yet`,
    )
  if (OVERWRITTEN.test(words(name)))
    return column.kind === 'category' && alone >= 0.53
      ? found(
          'overwritten_later',
          'leak',
          'named as the last of something: overwritten as things go on',
        )
      : found(
          'overwritten_later',
          'suspect',
          'named as the last of something: is it known in time?',
        )
  return null
}

/** `leadQuality` and `lead_quality` as `lead Quality` and `lead quality`. */
function words(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/[_.-]+/g, ' ')
}

function fold(area: number): number {
  return Math.max(area, 1 - area)
}

function missingOf(column: Column): Float64Array {
  const out = new Float64Array(
    column.kind === 'number' ? column.values.length : column.codes.length,
  )
  for (let i = 0; i < out.length; i += 1)
    out[i] =
      column.kind === 'number'
        ? Number(Number.isNaN(column.values[i]))
        : Number(column.codes[i]! < 0)
  return out
}

/** By cross-fitted target values for a category; by rank for a number, missing at its own rate's place. */
function singleAuc(column: Column, labels: Uint8Array, seed: number): number {
  if (column.kind === 'category') {
    const { features } = fitTargets({ rows: labels.length, columns: [column] }, labels, seed)
    return auc(features[0]!, labels)
  }
  const known = Array.from(column.values.keys()).filter((i) => !Number.isNaN(column.values[i]))
  const own = Float64Array.from(known, (i) => column.values[i]!)
  return fold(
    auc(
      own,
      Uint8Array.from(known, (i) => labels[i]!),
    ),
  )
}

/** The shares of rows at levels that are nearly all of one label, and nearly all of the other. */
function pureShares(codes: Int32Array, labels: Uint8Array): { low: number; high: number } {
  const rows = new Map<number, { rows: number; positives: number }>()
  codes.forEach((code, i) => {
    const level = rows.get(code) ?? { rows: 0, positives: 0 }
    level.rows += 1
    level.positives += labels[i]!
    rows.set(code, level)
  })
  let [low, high] = [0, 0]
  for (const level of rows.values()) {
    if (level.rows < PURE_ROWS) continue
    const rate = level.positives / level.rows
    if (rate <= PURE) low += level.rows
    if (rate >= 1 - PURE) high += level.rows
  }
  return { low: low / labels.length, high: high / labels.length }
}
