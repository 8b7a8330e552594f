/** Counts of touches by account and channel, and how long each could have counted. */
export interface TouchCounts {
  rows: number
  channels: number
  /** rows · channels counts. */
  counts: Float32Array
  /** rows · channels days during which a touch could have come: people · days, without those left out. */
  exposureDays: Float32Array
}

/** Touches follow e^(level + Σ pull · factor) with standard normal factors that nobody sees. */
export interface IntentModel {
  factors: number
  channels: number
  /** channels · (1 + factors): the log rate a day, then the pulls. */
  coefficients: Float64Array
  nodes: Nodes
}

interface Nodes {
  count: number
  /** count · factors. */
  at: Float64Array
  logWeight: Float64Array
}

/** What touches so far say about intent: rows · factors means, and variances. */
export interface IntentPosterior {
  mean: Float64Array
  variance: Float64Array
}

/** An even grid with normal weights: for a smooth integrand as exact as Gauss-Hermite, and simpler. */
function createNodes(factors: number): Nodes {
  const perAxis = factors === 1 ? 15 : 9
  const reach = factors === 1 ? 3.5 : 2.8
  const count = perAxis ** factors
  const at = new Float64Array(count * factors)
  const logWeight = new Float64Array(count)
  for (let q = 0; q < count; q++) {
    let rest = q
    for (let f = 0; f < factors; f++) {
      const x = -reach + (2 * reach * (rest % perAxis)) / (perAxis - 1)
      at[q * factors + f] = x
      logWeight[q]! -= (x * x) / 2
      rest = Math.floor(rest / perAxis)
    }
  }
  const total = Math.log(logWeight.reduce((sum, w) => sum + Math.exp(w), 0))
  for (let q = 0; q < count; q++) logWeight[q]! -= total
  return { count, at, logWeight }
}

/**
 * Fits the factors behind touch counts by EM.
 *
 * @see Bock & Aitkin, Psychometrika 46 (1981), for EM over nodes; Wedel, Böckenholt & Kamakura, Journal of
 *   Econometrics 114 (2003), for Poisson factors.
 * O(iterations · rows · (nodes · touched channels)).
 */
export function fitIntent(data: TouchCounts, factors: number, iterations = 25): IntentModel {
  const { rows, channels } = data
  const nodes = createNodes(factors)
  const width = 1 + factors
  const coefficients = new Float64Array(channels * width)
  for (let c = 0; c < channels; c++) {
    let [n, e] = [0.5, 1]
    for (let i = 0; i < rows; i++) {
      n += data.counts[i * channels + c]!
      e += data.exposureDays[i * channels + c]!
    }
    coefficients[c * width] = Math.log(n / e) - 0.2
    coefficients[c * width + 1] = 0.5
    if (factors > 1) coefficients[c * width + 2] = c % 2 === 0 ? 0.3 : -0.3
  }
  const model: IntentModel = { factors, channels, coefficients, nodes }
  const touched = new Float64Array(channels * nodes.count)
  const exposed = new Float64Array(channels * nodes.count)
  for (let iteration = 0; iteration < iterations; iteration++) {
    touched.fill(0)
    exposed.fill(0)
    eachPosterior(model, data, (row, weights) => {
      for (let c = 0; c < channels; c++) {
        const n = data.counts[row * channels + c]!
        const e = data.exposureDays[row * channels + c]!
        for (let q = 0; q < nodes.count; q++) {
          const w = weights[q]!
          if (n > 0) touched[c * nodes.count + q]! += n * w
          exposed[c * nodes.count + q]! += e * w
        }
      }
    })
    let moved = 0
    for (let c = 0; c < channels; c++) moved += updateChannel(model, c, touched, exposed)
    if (moved < 1e-3 * channels) break
  }
  return model
}

/** Newton steps for one channel's level and pulls, with a weak prior on the pulls. Returns how far they moved. */
function updateChannel(
  { coefficients, factors, nodes }: IntentModel,
  channel: number,
  touched: Float64Array,
  exposed: Float64Array,
): number {
  const width = 1 + factors
  const from = channel * width
  const before = coefficients.slice(from, from + width)
  const x = new Float64Array(width)
  for (let step = 0; step < 3; step++) {
    const gradient = new Float64Array(width)
    const hessian = new Float64Array(width * width)
    for (let q = 0; q < nodes.count; q++) {
      x[0] = 1
      let log = coefficients[from]!
      for (let f = 0; f < factors; f++) {
        x[1 + f] = nodes.at[q * factors + f]!
        log += coefficients[from + 1 + f]! * x[1 + f]!
      }
      const expected = exposed[channel * nodes.count + q]! * Math.exp(log)
      const residual = touched[channel * nodes.count + q]! - expected
      for (let a = 0; a < width; a++) {
        gradient[a]! += residual * x[a]!
        for (let b = 0; b < width; b++) hessian[a * width + b]! += expected * x[a]! * x[b]!
      }
    }
    for (let f = 1; f < width; f++) {
      gradient[f]! -= 4 * coefficients[from + f]!
      hessian[f * width + f]! += 4
    }
    hessian[0]! += 1e-6
    const move = solveSmall(hessian, gradient, width)
    for (let a = 0; a < width; a++) coefficients[from + a]! += Math.max(-1, Math.min(1, move[a]!))
  }
  return before.reduce((sum, value, a) => sum + Math.abs(value - coefficients[from + a]!), 0)
}

/** Gaussian elimination of a small positive system. */
function solveSmall(matrix: Float64Array, right: Float64Array, n: number): Float64Array {
  const a = matrix.slice()
  const x = right.slice()
  for (let k = 0; k < n; k++) {
    for (let i = k + 1; i < n; i++) {
      const factor = a[i * n + k]! / a[k * n + k]!
      for (let j = k; j < n; j++) a[i * n + j]! -= factor * a[k * n + j]!
      x[i]! -= factor * x[k]!
    }
  }
  for (let k = n - 1; k >= 0; k--) {
    for (let j = k + 1; j < n; j++) x[k]! -= a[k * n + j]! * x[j]!
    x[k]! /= a[k * n + k]!
  }
  return x
}

/** Calls back with each row's posterior over the nodes; the array is used again. */
function eachPosterior(
  { channels, coefficients, factors, nodes }: IntentModel,
  data: TouchCounts,
  use: (row: number, weights: Float64Array) => void,
): void {
  const width = 1 + factors
  const logRate = new Float64Array(channels * nodes.count)
  const rate = new Float64Array(channels * nodes.count)
  for (let c = 0; c < channels; c++) {
    for (let q = 0; q < nodes.count; q++) {
      let log = coefficients[c * width]!
      for (let f = 0; f < factors; f++)
        log += coefficients[c * width + 1 + f]! * nodes.at[q * factors + f]!
      logRate[c * nodes.count + q] = log
      rate[c * nodes.count + q] = Math.exp(log)
    }
  }
  const weights = new Float64Array(nodes.count)
  for (let row = 0; row < data.rows; row++) {
    weights.set(nodes.logWeight)
    for (let c = 0; c < channels; c++) {
      const n = data.counts[row * channels + c]!
      const e = data.exposureDays[row * channels + c]!
      const at = c * nodes.count
      if (n > 0)
        for (let q = 0; q < nodes.count; q++)
          weights[q]! += n * logRate[at + q]! - e * rate[at + q]!
      else for (let q = 0; q < nodes.count; q++) weights[q]! -= e * rate[at + q]!
    }
    let peak = -Infinity
    for (let q = 0; q < nodes.count; q++) peak = Math.max(peak, weights[q]!)
    let sum = 0
    for (let q = 0; q < nodes.count; q++) {
      weights[q] = Math.exp(weights[q]! - peak)
      sum += weights[q]!
    }
    for (let q = 0; q < nodes.count; q++) weights[q]! /= sum
    use(row, weights)
  }
}

/** Mean and variance of each factor, given each row's touches. */
export function estimateIntent(model: IntentModel, data: TouchCounts): IntentPosterior {
  const { factors, nodes } = model
  const mean = new Float64Array(data.rows * factors)
  const variance = new Float64Array(data.rows * factors)
  eachPosterior(model, data, (row, weights) => {
    for (let f = 0; f < factors; f++) {
      let [first, second] = [0, 0]
      for (let q = 0; q < nodes.count; q++) {
        const x = nodes.at[q * factors + f]!
        first += weights[q]! * x
        second += weights[q]! * x * x
      }
      mean[row * factors + f] = first
      variance[row * factors + f] = second - first * first
    }
  })
  return { mean, variance }
}
