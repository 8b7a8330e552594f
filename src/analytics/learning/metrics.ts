/** A probability never counts as more certain than this. */
const EPSILON = 1e-12

/** The places of the values, ascending by value. O(n log n). */
export function orderOf(values: Float64Array): Int32Array {
  const order = new Int32Array(values.length)
  for (let i = 0; i < order.length; i += 1) order[i] = i
  return order.sort((a, b) => values[a]! - values[b]! || a - b)
}

/**
 * Area under the ROC curve: the chance that a row with label 1 scores above one with label 0, ties counted half.
 *
 * @returns a number in [0, 1]; 0.5 when either label is absent.
 * @see Hanley & McNeil 1982; computed as the Mann-Whitney U with mid-ranks. O(n log n).
 */
export function auc(scores: Float64Array, labels: Uint8Array): number {
  const order = orderOf(scores)
  let rankSum = 0
  let positives = 0
  for (let i = 0; i < order.length;) {
    let j = i
    let tied = 0
    while (j < order.length && scores[order[j]!] === scores[order[i]!]) {
      tied += labels[order[j]!]!
      j += 1
    }
    rankSum += (tied * (i + j + 1)) / 2
    positives += tied
    i = j
  }
  const negatives = labels.length - positives
  if (positives === 0 || negatives === 0) return 0.5
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives)
}

/** Mean negative log-likelihood in nats; probabilities are held 1e-12 away from 0 and 1. */
export function logLoss(probabilities: Float64Array, labels: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < labels.length; i += 1) {
    const p = Math.min(1 - EPSILON, Math.max(EPSILON, probabilities[i]!))
    sum -= Math.log(labels[i] === 1 ? p : 1 - p)
  }
  return sum / labels.length
}

/** Mean squared error of the probabilities (Brier 1950), in [0, 1]. */
export function brier(probabilities: Float64Array, labels: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < labels.length; i += 1) sum += (probabilities[i]! - labels[i]!) ** 2
  return sum / labels.length
}

/** One bar of a calibration table or lift chart. */
export interface Bin {
  rows: number
  positives: number
  /** The mean of what was predicted, in [0, 1]; 0 for an empty bin. */
  predicted: number
}

/** Rows by predicted probability in `count` bins of equal width. */
export function calibrationTable(
  probabilities: Float64Array,
  labels: Uint8Array,
  count = 10,
): Bin[] {
  const bins = Array.from({ length: count }, () => ({ rows: 0, positives: 0, predicted: 0 }))
  for (let i = 0; i < labels.length; i += 1) {
    const bin = bins[Math.min(count - 1, Math.floor(probabilities[i]! * count))]!
    bin.rows += 1
    bin.positives += labels[i]!
    bin.predicted += probabilities[i]!
  }
  for (const bin of bins) bin.predicted /= Math.max(1, bin.rows)
  return bins
}

/** Rows in `count` parts of equal size, those of the highest probability first. Ties keep the order of the rows. */
export function liftTable(probabilities: Float64Array, labels: Uint8Array, count = 10): Bin[] {
  const order = orderOf(probabilities).reverse()
  return Array.from({ length: count }, (_, part) => {
    const from = Math.floor((part * order.length) / count)
    const to = Math.floor(((part + 1) * order.length) / count)
    let [positives, predicted] = [0, 0]
    for (let i = from; i < to; i += 1) {
      positives += labels[order[i]!]!
      predicted += probabilities[order[i]!]!
    }
    return { rows: to - from, positives, predicted: predicted / Math.max(1, to - from) }
  })
}

/**
 * Expected calibration error: how far the predicted mean is from the observed rate, bin by bin, weighted by rows.
 * Ten bins of equal width unless other bins are given.
 *
 * @see Naeini, Cooper & Hauskrecht, AAAI 2015; Guo et al., ICML 2017.
 */
export function calibrationError(bins: readonly Bin[]): number {
  let [sum, rows] = [0, 0]
  for (const bin of bins) {
    sum += Math.abs(bin.predicted * bin.rows - bin.positives)
    rows += bin.rows
  }
  return rows === 0 ? 0 : sum / rows
}

/** How right probabilities were, on rows that the model was not fitted on. */
export interface Quality {
  rows: number
  positives: number
  auc: number
  logLoss: number
  brier: number
  /** By ten bins of equal width. */
  calibrationError: number
  /** The rate among the tenth with the highest probability, over the rate of all; 1 is no better than chance. */
  topDecileLift: number
}

export function qualityOf(probabilities: Float64Array, labels: Uint8Array): Quality {
  let positives = 0
  for (const label of labels) positives += label
  const top = liftTable(probabilities, labels)[0]!
  const rate = positives / Math.max(1, labels.length)
  return {
    rows: labels.length,
    positives,
    auc: auc(probabilities, labels),
    logLoss: logLoss(probabilities, labels),
    brier: brier(probabilities, labels),
    calibrationError: calibrationError(calibrationTable(probabilities, labels)),
    topDecileLift: rate === 0 ? 1 : top.positives / Math.max(1, top.rows) / rate,
  }
}

export function sigmoid(logOdds: number): number {
  return logOdds >= 0 ? 1 / (1 + Math.exp(-logOdds)) : Math.exp(logOdds) / (1 + Math.exp(logOdds))
}

/** Log-odds of a probability held 1e-12 away from 0 and 1. */
export function logit(probability: number): number {
  const p = Math.min(1 - EPSILON, Math.max(EPSILON, probability))
  return Math.log(p / (1 - p))
}
