import { findLeaks, type LeakFinding } from '#analytics/learning/leakage.ts'
import {
  calibrationTable,
  liftTable,
  qualityOf,
  sigmoid,
  type Bin,
  type Quality,
} from '#analytics/learning/metrics.ts'
import {
  explain,
  predict,
  predictLogOdds,
  type LearnedModel,
  type Prediction,
} from '#analytics/learning/model.ts'
import { packModel, type PackedModel } from '#analytics/learning/pack-model.ts'
import { takeLabels, takeRows, type Table } from '#analytics/learning/table.ts'
import { train, type Choice } from '#analytics/learning/train.ts'
import { withoutConstants } from './feature.rules.ts'

/** Past cases: what was known at `atMs`, and what came of it, known from `knownAtMs` on. */
export interface History {
  table: Table
  labels: Uint8Array
  atMs: Float64Array
  knownAtMs: Float64Array
  /** The rule score at that moment, NaN where it was not computed. */
  ruleScores: Float64Array
}

/** Fewer than these teach nothing that would hold. */
export const LEAST = {
  rows: 300,
  each: 50,
  testRows: 60,
  testEach: 10,
  trainRows: 150,
  trainEach: 25,
}

const SEED = 42
/** Cases that importance is averaged over. */
const SHOWN = 300

export interface BackTest {
  /** The model that was tested knew nothing after it. */
  cutAt: string
  trainRows: number
  quality: Quality
  calibration: Bin[]
  lift: Bin[]
  /** The rule score on the same cases; null where there is none. */
  rules: { auc: number; topDecileLift: number; lift: Bin[]; rows: number } | null
  /** The model on those cases alone that have a rule score. */
  besideRules: { auc: number; topDecileLift: number } | null
}

export interface TrainingReport {
  rows: number
  positives: number
  fromAt: string
  toAt: string
  choice: Choice
  /** Out of fold, all cases. */
  crossValidated: Quality
  backTest: BackTest
  leaks: LeakFinding[]
  leftOut: { name: string; why: 'constant' | 'leak' }[]
  /** Mean size of what each feature moves the log-odds by, largest first. */
  importance: { name: string; meanAbsLogOdds: number }[]
}

export interface Lesson {
  model: PackedModel
  report: TrainingReport
}

/** What is missing for a training, in words; null when nothing is. */
export function missingFor(
  rows: number,
  positives: number,
  wording: { cases: string; yes: string; no: string },
): string | null {
  const lacks: string[] = []
  if (rows < LEAST.rows)
    lacks.push(`${LEAST.rows - rows} more ${wording.cases} (${rows} of ${LEAST.rows})`)
  if (positives < LEAST.each)
    lacks.push(`${LEAST.each - positives} more ${wording.yes} (${positives} of ${LEAST.each})`)
  const negatives = rows - positives
  if (negatives < LEAST.each)
    lacks.push(`${LEAST.each - negatives} more ${wording.no} (${negatives} of ${LEAST.each})`)
  return lacks.length === 0 ? null : `Missing: ${lacks.join('; ')}.`
}

/**
 * Learns from past cases and tests what it learned on later ones. The tested model is fitted only on cases whose
 * outcome was known at the cut, and judged only on cases after it; the model that is kept is then fitted on all.
 *
 * @returns null when no cut leaves enough cases on either side.
 * Cost: two trainings.
 */
export function learn(history: History): Lesson | null {
  const { kept, leaks, leftOut } = withoutLeaks(history)
  const cut = chooseCut(kept)
  if (cut === null || kept.table.columns.length === 0) return null
  const backTest = testAfter(kept, cut)
  const { model, choice, outOfFold } = train(
    kept.table,
    kept.labels,
    optionsFor(kept.labels.length),
  )
  const times = [...kept.atMs].toSorted((a, b) => a - b)
  return {
    model: packModel(model),
    report: {
      rows: kept.labels.length,
      positives: countOf(kept.labels),
      fromAt: new Date(times[0]!).toISOString(),
      toAt: new Date(times.at(-1)!).toISOString(),
      choice,
      crossValidated: qualityOf(outOfFold.map(sigmoid), kept.labels),
      backTest,
      leaks,
      leftOut,
      importance: importanceOf(model, kept.table),
    },
  }
}

/** Predictions for cases by a model that knew only the outcomes known at a moment; null when those are too few. */
export function predictAsOf(history: History, momentMs: number, cases: Table): Prediction[] | null {
  const places = placesWhere(history, (i) => history.knownAtMs[i]! <= momentMs)
  if (!isEnough(takeLabels(history.labels, places), LEAST.trainRows, LEAST.trainEach)) return null
  const past = pick(history, places)
  const { kept } = withoutLeaks(past)
  const names = new Set(kept.table.columns.map(({ name }) => name))
  const { model } = train(kept.table, kept.labels, optionsFor(places.length))
  return predict(model, {
    rows: cases.rows,
    columns: cases.columns.filter(({ name }) => names.has(name)),
  })
}

function optionsFor(rows: number) {
  return { folds: rows > 20_000 ? 3 : 5, seed: SEED }
}

function withoutLeaks(history: History) {
  const { table: varied, constant } = withoutConstants(history.table)
  const leaks = findLeaks(varied.columns, history.labels, SEED)
  const bad = new Set(leaks.filter(({ severity }) => severity === 'leak').map(({ name }) => name))
  const table = { ...varied, columns: varied.columns.filter(({ name }) => !bad.has(name)) }
  return {
    kept: { ...history, table },
    leaks,
    leftOut: [
      ...constant.map((name) => ({ name, why: 'constant' as const })),
      ...[...bad].map((name) => ({ name, why: 'leak' as const })),
    ],
  }
}

/** The latest of a few cuts that leaves enough cases before it, with their outcome known, and after it. */
function chooseCut(history: History): number | null {
  const times = history.atMs.toSorted()
  for (const share of [0.75, 0.7, 0.8, 0.6, 0.65, 0.5, 0.85, 0.4]) {
    const cut = times[Math.floor(share * times.length)]
    if (cut === undefined) continue
    const { before, after } = sidesOf(history, cut)
    if (
      isEnough(takeLabels(history.labels, before), LEAST.trainRows, LEAST.trainEach) &&
      isEnough(takeLabels(history.labels, after), LEAST.testRows, LEAST.testEach)
    )
      return cut
  }
  return null
}

function sidesOf({ atMs, knownAtMs, ...history }: History, cut: number) {
  const all = { atMs, knownAtMs, ...history }
  return {
    before: placesWhere(all, (i) => knownAtMs[i]! <= cut),
    after: placesWhere(all, (i) => atMs[i]! >= cut),
  }
}

function testAfter(history: History, cut: number): BackTest {
  const { before, after } = sidesOf(history, cut)
  const past = pick(history, before)
  const later = pick(history, after)
  const { model } = train(past.table, past.labels, optionsFor(before.length))
  const probabilities = predictLogOdds(model, later.table).map(sigmoid)
  const beside = placesWhere(later, (i) => !Number.isNaN(later.ruleScores[i]))
  const ruleScores = Float64Array.from(beside, (i) => later.ruleScores[i]! / 100)
  const labels = takeLabels(later.labels, beside)
  const isCompared = isEnough(labels, 20, 5)
  const rules = qualityOf(ruleScores, labels)
  const model1 = qualityOf(
    Float64Array.from(beside, (i) => probabilities[i]!),
    labels,
  )
  return {
    cutAt: new Date(cut).toISOString(),
    trainRows: before.length,
    quality: qualityOf(probabilities, later.labels),
    calibration: calibrationTable(probabilities, later.labels),
    lift: liftTable(probabilities, later.labels),
    rules: isCompared
      ? {
          auc: rules.auc,
          topDecileLift: rules.topDecileLift,
          lift: liftTable(ruleScores, labels),
          rows: labels.length,
        }
      : null,
    besideRules: isCompared ? { auc: model1.auc, topDecileLift: model1.topDecileLift } : null,
  }
}

function importanceOf(model: LearnedModel, table: Table) {
  const step = Math.max(1, Math.floor(table.rows / SHOWN))
  const places = Int32Array.from({ length: Math.ceil(table.rows / step) }, (_, i) => i * step)
  const shown = takeRows(table, places)
  const sums = new Float64Array(model.columns.length)
  for (let row = 0; row < shown.rows; row += 1)
    explain(model, shown, row).columns.forEach((share, c) => (sums[c]! += Math.abs(share)))
  return model.columns
    .map(({ name }, c) => ({ name, meanAbsLogOdds: sums[c]! / shown.rows }))
    .toSorted((a, b) => b.meanAbsLogOdds - a.meanAbsLogOdds)
}

function placesWhere(history: { labels: Uint8Array }, test: (i: number) => boolean): Int32Array {
  return Int32Array.from([...history.labels.keys()].filter(test))
}

function pick(history: History, places: Int32Array): History {
  const take = (values: Float64Array) => Float64Array.from(places, (i) => values[i]!)
  return {
    table: takeRows(history.table, places),
    labels: takeLabels(history.labels, places),
    atMs: take(history.atMs),
    knownAtMs: take(history.knownAtMs),
    ruleScores: take(history.ruleScores),
  }
}

function countOf(labels: Uint8Array): number {
  let sum = 0
  for (const label of labels) sum += label
  return sum
}

function isEnough(labels: Uint8Array, rows: number, each: number): boolean {
  const positives = countOf(labels)
  return labels.length >= rows && positives >= each && labels.length - positives >= each
}
