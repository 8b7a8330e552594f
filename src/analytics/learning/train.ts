import { fitBoosting, type BoostingOptions } from './boosting.ts'
import { calibrated, type Calibration } from './calibrate.ts'
import { chooseCalibration, chooseWeight } from './choose.ts'
import { encodeCells, fitCells, type CellEncoder } from './encode-cells.ts'
import {
  encodeManyLevels,
  encodeTargets,
  fitManyLevels,
  fitTargets,
  type TargetEncoder,
} from './encode-targets.ts'
import { stratifiedFolds } from './folds.ts'
import type { Monotone } from './grow-tree.ts'
import { fitLogistic, logisticLogOdds, type ElasticNet, type LogisticFit } from './logistic.ts'
import { logLoss, sigmoid } from './metrics.ts'
import type { LearnedModel, Member } from './model.ts'
import { takeLabels, takeRows, type Fold, type Table } from './table.ts'
import { boostingLogOdds, type Boosting } from './tree.ts'

export interface TrainOptions {
  /** Inner folds, by which all choices are made. */
  folds: number
  seed: number
  /** By column: 1 the probability must not fall with it, −1 must not rise; 0 and absent: free. */
  monotone?: Readonly<Record<string, 1 | -1>>
  /** Only this kind of model; both and their blend when left out. */
  kind?: 'logistic' | 'boosting'
}

/** What was chosen, and by what. All losses are out of fold. */
export interface Choice {
  kind: 'logistic' | 'boosting' | 'blend'
  logisticWeight: number
  penalty: ElasticNet | null
  trees: { rounds: number; maxLeaves: number } | null
  calibration: Calibration['kind']
  logLoss: { logistic: number | null; boosting: number | null; chosen: number }
}

export interface Trained {
  model: LearnedModel
  choice: Choice
  /** The raw blended log-odds of each row by the model fitted without it; labels are those given. */
  outOfFold: Float64Array
}

/** Strong to weak, so that each fit starts at the one before it. */
const LAMBDAS = [0.1, 0.03, 0.01, 0.003, 0.001, 0.0003]
const MIX = 0.1
const SETTINGS: BoostingOptions[] = [6, 16].map((maxLeaves) => ({
  maxLeaves,
  maxDepth: 8,
  minRows: 20,
  l2: 5,
  minGain: 1e-3,
  learningRate: 0.05,
  rounds: 500,
  rowShare: 0.7,
  featureShare: 0.6,
  seed: 0,
}))
const PATIENCE = 40

/**
 * Fits a model for a label of 0 or 1, choosing by cross-validation: the penalty of a logistic regression, size and
 * number of trees, the weight of either, and the calibration. Everything learned from labels, encodings too, is
 * learned inside the folds.
 *
 * @throws RangeError when a label has fewer rows than there are folds.
 * Cost: about (folds + 1) · (6 penalties + 2 boostings).
 */
export function train(table: Table, labels: Uint8Array, options: TrainOptions): Trained {
  const folds = stratifiedFolds(labels, options.folds, options.seed)
  const splits = folds.map((fold) => splitOf(table, labels, fold))
  const linear =
    options.kind === 'boosting' ? null : chooseLogistic(splits, labels.length, options.seed)
  const trees = options.kind === 'logistic' ? null : chooseBoosting(splits, labels.length, options)
  const { weight, outOfFold } = chooseWeight(
    linear?.outOfFold ?? null,
    trees?.outOfFold ?? null,
    labels,
  )
  const calibration = chooseCalibration(outOfFold, labels, folds)
  const member = (i: number): Member => ({
    logistic: weight > 0 ? (linear?.members[i] ?? null) : null,
    boosting: weight < 1 ? (trees?.members[i] ?? null) : null,
  })
  const model: LearnedModel = {
    columns: table.columns.map((column) => ({
      name: column.name,
      kind: column.kind,
      levels: column.kind === 'category' ? column.levels : [],
    })),
    logisticWeight: weight,
    main: {
      logistic:
        linear === null || weight === 0
          ? null
          : logisticMember(table, labels, linear.penalty, options.seed),
      boosting:
        trees === null || weight === 1
          ? null
          : boostingMember(table, labels, trees.settings, trees.rounds, options).member,
    },
    members: folds.map((_, i) => member(i)),
    calibration,
  }
  const loss = (logOdds: Float64Array | undefined) =>
    logOdds === undefined ? null : logLoss(logOdds.map(sigmoid), labels)
  return {
    model,
    outOfFold,
    choice: {
      kind: weight === 1 ? 'logistic' : weight === 0 ? 'boosting' : 'blend',
      logisticWeight: weight,
      penalty: weight > 0 ? (linear?.penalty ?? null) : null,
      trees:
        weight < 1 && trees !== null
          ? { rounds: trees.rounds, maxLeaves: trees.settings.maxLeaves }
          : null,
      calibration: calibration.kind,
      logLoss: {
        logistic: loss(linear?.outOfFold),
        boosting: loss(trees?.outOfFold),
        chosen: loss(outOfFold.map((raw) => calibrated(calibration, raw)))!,
      },
    },
  }
}

interface Split extends Fold {
  trainTable: Table
  trainLabels: Uint8Array
  testTable: Table
  testLabels: Uint8Array
}

function splitOf(table: Table, labels: Uint8Array, fold: Fold): Split {
  return {
    ...fold,
    trainTable: takeRows(table, fold.train),
    trainLabels: takeLabels(labels, fold.train),
    testTable: takeRows(table, fold.test),
    testLabels: takeLabels(labels, fold.test),
  }
}

type LogisticMember = NonNullable<Member['logistic']>
type BoostingMember = NonNullable<Member['boosting']>

function chooseLogistic(splits: readonly Split[], rows: number, seed: number) {
  const paths = splits.map((split) => {
    const { targets, encoder, x } = fitLinearCells(split.trainTable, split.trainLabels, seed)
    const held = encodeCells(encoder, encodeManyLevels(targets, split.testTable))
    let fit: LogisticFit | undefined
    return LAMBDAS.map((lambda) => {
      fit = fitLogistic(x, split.trainLabels, { lambda, mix: MIX }, fit)
      const logOdds = logisticLogOdds(fit, held)
      return {
        logOdds,
        loss: logLoss(logOdds.map(sigmoid), split.testLabels) * split.test.length,
        member: toLogisticMember({ targets, encoder }, fit),
      }
    })
  })
  const losses = LAMBDAS.map((_, l) => paths.reduce((sum, path) => sum + path[l]!.loss, 0))
  const best = losses.indexOf(Math.min(...losses))
  return {
    penalty: { lambda: LAMBDAS[best]!, mix: MIX },
    outOfFold: gather(
      splits,
      paths.map((path) => path[best]!.logOdds),
      rows,
    ),
    members: paths.map((path) => path[best]!.member),
  }
}

/** Cells of training rows: categories of many levels by their targets, all else one by one. */
function fitLinearCells(table: Table, labels: Uint8Array, seed: number) {
  const { encoder: targets, table: reduced } = fitManyLevels(table, labels, seed)
  const encoder = fitCells(reduced)
  return { targets, encoder, x: encodeCells(encoder, reduced) }
}

function logisticMember(
  table: Table,
  labels: Uint8Array,
  penalty: ElasticNet,
  seed: number,
): LogisticMember {
  const { x, ...encoders } = fitLinearCells(table, labels, seed)
  return toLogisticMember(encoders, fitLogistic(x, labels, penalty))
}

function toLogisticMember(
  encoders: { targets: TargetEncoder; encoder: CellEncoder },
  fit: LogisticFit,
): LogisticMember {
  return {
    ...encoders,
    intercept: fit.intercept,
    coefficients: [...fit.coefficients],
    means: [...fit.means],
  }
}

function chooseBoosting(splits: readonly Split[], rows: number, options: TrainOptions) {
  let best: { settings: BoostingOptions; rounds: number; loss: number; runs: Run[] } | null = null
  for (const settings of SETTINGS) {
    const runs = splits.map((split) => runBoosting(split, settings, options))
    const longest = Math.max(...runs.map(({ losses }) => losses.length))
    for (let rounds = 1; rounds < longest; rounds += 1) {
      let loss = 0
      runs.forEach(({ losses }, i) => {
        loss += (losses[rounds] ?? losses.at(-1)!) * splits[i]!.test.length
      })
      if (best === null || loss < best.loss) best = { settings, rounds, loss, runs }
    }
  }
  const { settings, rounds, runs } = best!
  const members = runs.map(({ encoder, model }): BoostingMember => ({
    encoder,
    base: model.base,
    trees: model.trees.slice(0, rounds),
  }))
  const held = splits.map(({ testTable }, i) =>
    boostingLogOdds(members[i]!, encodeTargets(members[i]!.encoder, testTable), testTable.rows),
  )
  return { settings, rounds, members, outOfFold: gather(splits, held, rows) }
}

interface Run {
  encoder: TargetEncoder
  model: Boosting
  losses: number[]
}

function runBoosting(split: Split, settings: BoostingOptions, options: TrainOptions): Run {
  const { encoder, features } = fitTargets(split.trainTable, split.trainLabels, options.seed)
  const fit = fitBoosting(
    features,
    split.trainLabels,
    { ...settings, seed: options.seed, monotone: directions(split.trainTable, options) },
    {
      features: encodeTargets(encoder, split.testTable),
      labels: split.testLabels,
      patience: PATIENCE,
    },
  )
  return { encoder, ...fit }
}

function boostingMember(
  table: Table,
  labels: Uint8Array,
  settings: BoostingOptions,
  rounds: number,
  options: TrainOptions,
): { member: BoostingMember } {
  const { encoder, features } = fitTargets(table, labels, options.seed)
  const { model } = fitBoosting(features, labels, {
    ...settings,
    rounds,
    seed: options.seed,
    monotone: directions(table, options),
  })
  return { member: { encoder, ...model } }
}

function directions(table: Table, { monotone }: TrainOptions): Monotone | null {
  return monotone === undefined
    ? null
    : Int8Array.from(table.columns, ({ name }) => monotone[name] ?? 0)
}

function gather(
  splits: readonly Split[],
  held: readonly Float64Array[],
  rows: number,
): Float64Array {
  const out = new Float64Array(rows)
  splits.forEach(({ test }, i) => {
    for (let j = 0; j < test.length; j += 1) out[test[j]!] = held[i]![j]!
  })
  return out
}
