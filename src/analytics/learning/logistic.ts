import { sigmoid } from './metrics.ts'

/** Rows of few non-zero cells: row i has the cells from `starts[i]` to before `starts[i + 1]`. */
export interface SparseRows {
  rows: number
  width: number
  starts: Int32Array
  columns: Int32Array
  values: Float64Array
}

export interface ElasticNet {
  /** Strength of the penalty per row, 0 or above. */
  lambda: number
  /** Part of it that is absolute (lasso), in [0, 1]; the rest is squared (ridge). */
  mix: number
  /** Newton steps at most; 40 when left out. */
  maxSteps?: number
}

/** Coefficients on the cells as they stand; log-odds = intercept + Σ coefficient · cell. */
export interface LogisticFit {
  intercept: number
  coefficients: Float64Array
  /** Mean of each column over the training rows: contributions are told against it. */
  means: Float64Array
  steps: number
}

const MAX_STEPS = 40
const MAX_SWEEPS = 200

/**
 * Logistic regression with elastic net on standardised columns, by Newton's method: each step is a weighted
 * least-squares problem (IRLS) solved by cyclic coordinate descent on its Gram matrix, and is halved while it would
 * raise the penalised loss. The intercept is free.
 *
 * @param start  a fit to begin at, for a path of penalties.
 * @see Friedman, Hastie & Tibshirani, "Regularization paths for generalized linear models via coordinate descent",
 *   Journal of Statistical Software 33 (2010), sections 2 and 3; McCullagh & Nelder 1989 for IRLS.
 * O(rows · cells² + width² · sweeps) a step; width² doubles of memory.
 */
export function fitLogistic(
  x: SparseRows,
  labels: Uint8Array,
  net: ElasticNet,
  start?: LogisticFit,
): LogisticFit {
  const { means, scales } = momentsOf(x)
  const beta = new Float64Array(x.width)
  let intercept: number
  if (start === undefined) {
    let positives = 0
    for (const label of labels) positives += label
    intercept = Math.log((positives + 0.5) / (labels.length - positives + 0.5))
  } else {
    intercept = start.intercept
    for (let j = 0; j < x.width; j += 1) {
      beta[j] = start.coefficients[j]! * scales[j]!
      intercept += start.coefficients[j]! * means[j]!
    }
  }
  let state: State = { intercept, beta }
  let loss = penalisedLoss(x, labels, net, state, means, scales)
  let steps = 0
  for (; steps < (net.maxSteps ?? MAX_STEPS); steps += 1) {
    const wanted = newtonStep(x, labels, net, state, means, scales)
    let size = 1
    let next = wanted
    let nextLoss = penalisedLoss(x, labels, net, next, means, scales)
    while (nextLoss > loss + 1e-12 && size > 1e-4) {
      size /= 2
      next = between(state, wanted, size)
      nextLoss = penalisedLoss(x, labels, net, next, means, scales)
    }
    const gain = loss - nextLoss
    if (gain > 0) {
      state = next
      loss = nextLoss
    }
    if (gain < 1e-9) break
  }
  const coefficients = Float64Array.from(state.beta, (value, j) => value / scales[j]!)
  let free = state.intercept
  for (let j = 0; j < x.width; j += 1) free -= coefficients[j]! * means[j]!
  return { intercept: free, coefficients, means, steps }
}

/** The log-odds of each row. O(cells). */
export function logisticLogOdds(
  { intercept, coefficients }: { intercept: number; coefficients: ArrayLike<number> },
  x: SparseRows,
): Float64Array {
  const out = new Float64Array(x.rows)
  for (let i = 0; i < x.rows; i += 1) {
    let sum = intercept
    for (let c = x.starts[i]!; c < x.starts[i + 1]!; c += 1)
      sum += coefficients[x.columns[c]!]! * x.values[c]!
    out[i] = sum
  }
  return out
}

interface State {
  /** At the columns' means. */
  intercept: number
  /** For columns of mean 0 and standard deviation 1. */
  beta: Float64Array
}

function between(from: State, to: State, size: number): State {
  return {
    intercept: from.intercept + size * (to.intercept - from.intercept),
    beta: from.beta.map((value, j) => value + size * (to.beta[j]! - value)),
  }
}

function momentsOf(x: SparseRows): { means: Float64Array; scales: Float64Array } {
  const means = new Float64Array(x.width)
  const scales = new Float64Array(x.width)
  for (let c = 0; c < x.columns.length; c += 1) means[x.columns[c]!]! += x.values[c]! / x.rows
  const counts = new Float64Array(x.width)
  for (let c = 0; c < x.columns.length; c += 1) {
    const j = x.columns[c]!
    scales[j]! += (x.values[c]! - means[j]!) ** 2 / x.rows
    counts[j]! += 1
  }
  for (let j = 0; j < x.width; j += 1) {
    const variance = scales[j]! + ((x.rows - counts[j]!) * means[j]! ** 2) / x.rows
    scales[j] = variance > 1e-12 ? Math.sqrt(variance) : 1
  }
  return { means, scales }
}

function penalisedLoss(
  x: SparseRows,
  labels: Uint8Array,
  { lambda, mix }: ElasticNet,
  state: State,
  means: Float64Array,
  scales: Float64Array,
): number {
  const logOdds = currentLogOdds(x, state, means, scales)
  let loss = 0
  for (let i = 0; i < x.rows; i += 1) {
    const margin = labels[i] === 1 ? logOdds[i]! : -logOdds[i]!
    loss += margin > 0 ? Math.log1p(Math.exp(-margin)) : -margin + Math.log1p(Math.exp(margin))
  }
  let [absolute, squared] = [0, 0]
  for (const value of state.beta) {
    absolute += Math.abs(value)
    squared += value * value
  }
  return loss / x.rows + lambda * (mix * absolute + ((1 - mix) / 2) * squared)
}

function currentLogOdds(
  x: SparseRows,
  { intercept, beta }: State,
  means: Float64Array,
  scales: Float64Array,
): Float64Array {
  const coefficients = beta.map((value, j) => value / scales[j]!)
  let free = intercept
  for (let j = 0; j < x.width; j += 1) free -= coefficients[j]! * means[j]!
  return logisticLogOdds({ intercept: free, coefficients }, x)
}

/** The minimum of the penalised quadratic at the state: one Newton step. */
function newtonStep(
  x: SparseRows,
  labels: Uint8Array,
  { lambda, mix }: ElasticNet,
  state: State,
  means: Float64Array,
  scales: Float64Array,
): State {
  const { width } = x
  const { gram, score, cross, mass, residual } = weightedSums(x, labels, state, means, scales)
  const beta = Float64Array.from(state.beta)
  let shift = 0 // of the intercept
  // The gradient of the quadratic at the moving point: score − gram·Δ − cross·shift.
  const gradient = Float64Array.from(score)
  let free = residual
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep += 1) {
    let largest = 0
    const step = free / mass
    shift += step
    free = 0
    for (let j = 0; j < width; j += 1) gradient[j]! -= cross[j]! * step
    for (let j = 0; j < width; j += 1) {
      const curvature = gram[j * width + j]!
      if (curvature < 1e-12) continue
      const before = beta[j]!
      const pull = gradient[j]! + curvature * before
      const shrunk = Math.sign(pull) * Math.max(0, Math.abs(pull) - lambda * mix)
      const after = shrunk / (curvature + lambda * (1 - mix))
      const moved = after - before
      if (moved === 0) continue
      beta[j] = after
      const row = j * width
      for (let k = 0; k < width; k += 1) gradient[k]! -= gram[row + k]! * moved
      free -= cross[j]! * moved
      largest = Math.max(largest, Math.abs(moved) * Math.sqrt(curvature))
    }
    if (largest < 1e-7 && Math.abs(free / mass) < 1e-7) break
  }
  return { intercept: state.intercept + shift, beta }
}

/** Per row: X'WX, X'(y − p), X'W1, 1'W1 and 1'(y − p) of the standardised columns. */
function weightedSums(
  x: SparseRows,
  labels: Uint8Array,
  state: State,
  means: Float64Array,
  scales: Float64Array,
) {
  const { width, rows, starts, columns, values } = x
  const logOdds = currentLogOdds(x, state, means, scales)
  const gram = new Float64Array(width * width)
  const score = new Float64Array(width)
  const cross = new Float64Array(width)
  let [mass, residual] = [0, 0]
  for (let i = 0; i < rows; i += 1) {
    const p = sigmoid(logOdds[i]!)
    const weight = Math.max(p * (1 - p), 1e-6)
    const gap = labels[i]! - p
    mass += weight
    residual += gap
    const end = starts[i + 1]!
    for (let a = starts[i]!; a < end; a += 1) {
      const j = columns[a]!
      const weighted = weight * values[a]!
      score[j]! += gap * values[a]!
      cross[j]! += weighted
      const row = j * width
      for (let b = a; b < end; b += 1) gram[row + columns[b]!]! += weighted * values[b]!
    }
  }
  // From cells as they stand to centred and scaled ones; cells of a row stand in the order of their columns.
  for (let j = 0; j < width; j += 1) {
    for (let k = j; k < width; k += 1) {
      const centred =
        gram[j * width + k]! -
        means[k]! * cross[j]! -
        means[j]! * cross[k]! +
        means[j]! * means[k]! * mass
      const value = centred / (scales[j]! * scales[k]! * rows)
      gram[j * width + k] = value
      gram[k * width + j] = value
    }
  }
  for (let j = 0; j < width; j += 1) {
    score[j] = (score[j]! - means[j]! * residual) / (scales[j]! * rows)
    cross[j] = (cross[j]! - means[j]! * mass) / (scales[j]! * rows)
  }
  return { gram, score, cross, mass: mass / rows, residual: residual / rows }
}
