import { logit, orderOf, sigmoid } from './metrics.ts'

/** A rising step function: at `at[i]` and above, up to the next, it is `values[i]`; below the first it is the first. */
export interface Steps {
  at: Float64Array
  values: Float64Array
}

/**
 * Isotonic regression by pooling adjacent violators: the rising function nearest to the labels in least squares.
 * Rows of the same score share one value.
 *
 * @param weights  a weight for each row, 1 when left out.
 * @see Ayer et al. 1955; Zadrozny & Elkan, KDD 2002. O(n log n).
 */
export function isotonic(
  scores: Float64Array,
  labels: ArrayLike<number>,
  weights?: Float64Array,
): Steps {
  const order = orderOf(scores)
  const at: number[] = []
  const sums: number[] = []
  const masses: number[] = []
  for (let i = 0; i < order.length;) {
    const score = scores[order[i]!]!
    let [sum, mass] = [0, 0]
    for (; i < order.length && scores[order[i]!] === score; i += 1) {
      const weight = weights?.[order[i]!] ?? 1
      sum += weight * labels[order[i]!]!
      mass += weight
    }
    at.push(score)
    sums.push(sum)
    masses.push(mass)
    // A block that is not above the one before it joins it.
    while (at.length > 1 && sums.at(-2)! * masses.at(-1)! >= sums.at(-1)! * masses.at(-2)!) {
      at.pop()
      const [joinedSum, joinedMass] = [sums.pop()!, masses.pop()!]
      sums[sums.length - 1]! += joinedSum
      masses[masses.length - 1]! += joinedMass
    }
  }
  return {
    at: Float64Array.from(at),
    values: Float64Array.from(sums, (sum, i) => sum / masses[i]!),
  }
}

/** The value of the step function at a score. O(log steps). */
export function stepAt({ at, values }: Steps, score: number): number {
  let [low, high] = [0, at.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (at[middle]! <= score) low = middle
    else high = middle - 1
  }
  return values[low] ?? Number.NaN
}

/** Log-odds before → after: `slope` · x + `offset`. */
export interface Platt {
  slope: number
  offset: number
}

/**
 * Platt's sigmoid in log-odds, by Newton's method with his smoothed targets, which keep a perfectly separated
 * sample finite. The slope is held above 0: calibration never turns the order around.
 *
 * @param logOdds  out-of-fold scores.
 * @see Platt 1999; Lin, Lin & Weng, "A note on Platt's probabilistic outputs", Machine Learning 68 (2007). O(n) a step.
 */
export function platt(logOdds: Float64Array, labels: Uint8Array): Platt {
  let positives = 0
  for (const label of labels) positives += label
  const targets = [1 / (labels.length - positives + 2), (positives + 1) / (positives + 2)]
  let [slope, offset] = [1, 0]
  for (let step = 0; step < 50; step += 1) {
    let [ga, gb, haa, hab, hbb] = [0, 0, 1e-9, 0, 1e-9]
    for (let i = 0; i < labels.length; i += 1) {
      const x = logOdds[i]!
      const p = sigmoid(slope * x + offset)
      const gap = p - targets[labels[i]!]!
      const weight = p * (1 - p)
      ga += gap * x
      gb += gap
      haa += weight * x * x
      hab += weight * x
      hbb += weight
    }
    const det = haa * hbb - hab * hab
    const [da, db] = [(hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det]
    slope = Math.min(20, Math.max(0.05, slope - da))
    offset = Math.min(40, Math.max(-40, offset - db))
    if (Math.abs(da) + Math.abs(db) < 1e-10) break
  }
  return { slope, offset }
}

export type Calibration =
  | { kind: 'none' }
  | ({ kind: 'platt' } & Platt)
  | { kind: 'isotonic'; at: number[]; logOdds: number[] }

/**
 * Log-odds by isotonic regression, smoothed so that a block of one outcome only stays a probability: each block's
 * rate is (positives + ½) ÷ (rows + 1), and between the blocks' middles it is a straight line.
 */
export function isotonicCalibration(logOdds: Float64Array, labels: Uint8Array): Calibration {
  const steps = isotonic(logOdds, labels)
  const rows = new Float64Array(steps.at.length)
  const positives = new Float64Array(steps.at.length)
  const centre = new Float64Array(steps.at.length)
  for (let i = 0; i < labels.length; i += 1) {
    const block = blockOf(steps.at, logOdds[i]!)
    rows[block]! += 1
    positives[block]! += labels[i]!
    centre[block]! += logOdds[i]!
  }
  return {
    kind: 'isotonic',
    at: Array.from(centre, (sum, i) => sum / rows[i]!),
    logOdds: rising(Array.from(rows, (n, i) => logit((positives[i]! + 0.5) / (n + 1)))),
  }
}

/** Smoothing can turn two small neighbouring blocks around; the later one then takes the earlier one's value. */
function rising(values: number[]): number[] {
  let highest = -Infinity
  return values.map((value) => (highest = Math.max(highest, value)))
}

function blockOf(at: Float64Array, score: number): number {
  let [low, high] = [0, at.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (at[middle]! <= score) low = middle
    else high = middle - 1
  }
  return low
}

/** The calibrated log-odds of raw ones; never falls as they rise. */
export function calibrated(calibration: Calibration, logOdds: number): number {
  switch (calibration.kind) {
    case 'none':
      return logOdds
    case 'platt':
      return calibration.slope * logOdds + calibration.offset
    case 'isotonic': {
      const { at, logOdds: values } = calibration
      if (logOdds <= at[0]!) return values[0]!
      if (logOdds >= at.at(-1)!) return values.at(-1)!
      let [low, high] = [0, at.length - 1]
      while (high - low > 1) {
        const middle = (low + high) >> 1
        if (at[middle]! <= logOdds) low = middle
        else high = middle
      }
      const part = (logOdds - at[low]!) / (at[high]! - at[low]!)
      return values[low]! + part * (values[high]! - values[low]!)
    }
  }
}
