import { seededRandom, type Random } from '#core/random.ts'
import { binFeatures } from './bins.ts'
import { shuffle } from './folds.ts'
import { TreeGrower, type Monotone, type TreeLimits } from './grow-tree.ts'
import { sigmoid } from './metrics.ts'
import { treeValue, type Boosting } from './tree.ts'

const TREES_STREAM = 23

export interface BoostingOptions extends TreeLimits {
  /** Trees at most. */
  rounds: number
  /** Part of the rows, and of the features, that each tree looks at, in (0, 1]. */
  rowShare: number
  featureShare: number
  seed: number
  monotone?: Monotone | null
}

/** Held-out rows to watch while a model grows. */
export interface Watch {
  features: readonly Float64Array[]
  labels: Uint8Array
  /** Rounds without a lower loss after which growing stops. */
  patience: number
}

export interface BoostingFit {
  model: Boosting
  /** Mean loss of the watched rows after 0, 1, 2, … trees; empty without any. */
  losses: number[]
}

/**
 * Gradient boosting of the log-loss with second-order trees on histograms of 256 bins.
 *
 * @param features  one column of n doubles a feature, NaN where missing.
 * @param labels  n labels, 0 or 1.
 * @returns all trees that were grown; cut them at the round that is wanted.
 * @see Friedman 2001; Chen & Guestrin 2016 for the second order; Friedman 2002 for sampling rows.
 * O(rounds · rows · features).
 */
export function fitBoosting(
  features: readonly Float64Array[],
  labels: Uint8Array,
  options: BoostingOptions,
  watch?: Watch,
): BoostingFit {
  const rows = labels.length
  const data = binFeatures(features, rows)
  const grower = new TreeGrower(data, options, options.monotone ?? null)
  const random = seededRandom(options.seed, TREES_STREAM)
  let positives = 0
  for (const label of labels) positives += label
  const base = Math.log((positives + 0.5) / (rows - positives + 0.5))
  const model: Boosting = { base, trees: [] }
  const logOdds = new Float64Array(rows).fill(base)
  const gradients = new Float64Array(rows)
  const hessians = new Float64Array(rows)
  const watched = new Float64Array(watch?.labels.length ?? 0).fill(base)
  const losses = watch === undefined ? [] : [lossAt(watched, watch.labels)]
  let best = 0
  for (let round = 0; round < options.rounds; round += 1) {
    for (let i = 0; i < rows; i += 1) {
      const p = sigmoid(logOdds[i]!)
      gradients[i] = p - labels[i]!
      hessians[i] = Math.max(p * (1 - p), 1e-9)
    }
    const taken = sample(rows, options.rowShare, random)
    const usable = sample(features.length, options.featureShare, random)
    const tree = grower.grow(taken, gradients, hessians, usable)
    if (tree.left.length === 1 && options.rowShare === 1 && options.featureShare === 1) break
    model.trees.push(tree)
    for (let i = 0; i < rows; i += 1) logOdds[i]! += treeValue(tree, features, i)
    if (watch === undefined) continue
    for (let i = 0; i < watched.length; i += 1) watched[i]! += treeValue(tree, watch.features, i)
    losses.push(lossAt(watched, watch.labels))
    if (losses.at(-1)! < losses[best]!) best = losses.length - 1
    else if (losses.length - 1 - best >= watch.patience) break
  }
  return { model, losses }
}

function lossAt(logOdds: Float64Array, labels: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < labels.length; i += 1) {
    const margin = labels[i] === 1 ? logOdds[i]! : -logOdds[i]!
    sum += margin > 0 ? Math.log1p(Math.exp(-margin)) : -margin + Math.log1p(Math.exp(margin))
  }
  return sum / labels.length
}

/** A share of 0…n−1 without replacement, at least one, ascending. */
function sample(n: number, share: number, random: Random): Int32Array {
  const all = Int32Array.from({ length: n }, (_, i) => i)
  const wanted = Math.max(1, Math.round(n * share))
  if (wanted >= n) return all
  shuffle(all, random)
  return all.slice(0, wanted).sort()
}
