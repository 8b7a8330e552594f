import { solveBounded } from './linear.ts'

/** How effects enter: log λ = z'γ + x'β, or log λ = z'γ + log(1 + x'β). */
export type Link = 'multiply' | 'add'

/** r rows: context z (p columns), effects x (q columns), outcome and fold. */
export interface FitInput {
  rows: number
  context: Float64Array
  contextWidth: number
  effects: Float64Array
  effectWidth: number
  isCase: Uint8Array
  fold: Uint8Array
  folds: number
}

export interface Prior {
  /** q means towards which effects are drawn. */
  mean: Float64Array
  /** q · q precision. */
  precision: Float64Array
  /** Ridge of the context, the first column free. */
  contextRidge: number
}

export interface Fit {
  link: Link
  /** p context, then q effects, which are ≥ 0. */
  coefficients: Float64Array
  /** Log likelihood without the prior. */
  logLikelihood: number
  /** Fisher information of each fold, n · n. */
  foldInformation: Float64Array[]
  /** Score of each fold. */
  foldScore: Float64Array[]
}

interface Pass {
  logLikelihood: number
  foldInformation: Float64Array[]
  foldScore: Float64Array[]
}

/**
 * Penalised logistic regression of cases against controls with effects ≥ 0, by Newton steps on the Fisher
 * information, each a bounded quadratic problem, halved until the objective grows.
 *
 * O(steps · rows · (p + q)²).
 */
export function fitHazard(
  input: FitInput,
  prior: Prior,
  link: Link,
  start: Float64Array,
  maxSteps = 12,
): Fit {
  const n = input.contextWidth + input.effectWidth
  const low = new Float64Array(n).fill(-Infinity)
  low.fill(0, input.contextWidth)
  let coefficients = start.slice()
  let pass = accumulate(input, coefficients, link)
  let objective = pass.logLikelihood - penaltyOf(input, prior, coefficients)
  for (let step = 0; step < maxSteps; step++) {
    const information = sumOf(pass.foldInformation, n * n)
    const score = sumOf(pass.foldScore, n)
    const target = newtonTarget(input, prior, information, score, coefficients, low)
    let isBetter = false
    let gain = 0
    for (let share = 1; share > 0.05; share /= 2) {
      const tried = coefficients.map((value, j) => value + share * (target[j]! - value))
      const likelihood = logLikelihoodOf(input, tried, link)
      const value = likelihood - penaltyOf(input, prior, tried)
      if (value > objective) {
        gain = value - objective
        coefficients = tried
        objective = value
        isBetter = true
        break
      }
    }
    if (!isBetter) break
    pass = accumulate(input, coefficients, link)
    if (gain < 0.01) break
  }
  return { link, coefficients, ...pass }
}

/** Where a Newton step leads: the bounded maximum of the quadratic around `coefficients`. */
export function newtonTarget(
  input: FitInput,
  prior: Prior,
  information: Float64Array,
  score: Float64Array,
  coefficients: Float64Array,
  low: Float64Array,
): Float64Array {
  const p = input.contextWidth
  const q = input.effectWidth
  const n = p + q
  const matrix = information.slice()
  const right = score.slice()
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) right[i]! += information[i * n + j]! * coefficients[j]!
  }
  for (let j = 0; j < p; j++) matrix[j * n + j]! += j === 0 ? 1e-9 : prior.contextRidge
  for (let a = 0; a < q; a++) {
    for (let b = 0; b < q; b++) {
      const precision = prior.precision[a * q + b]!
      matrix[(p + a) * n + p + b]! += precision
      right[p + a]! += precision * prior.mean[b]!
    }
    matrix[(p + a) * n + p + a]! += 1e-6
  }
  return solveBounded(matrix, right, low, coefficients)
}

function penaltyOf(input: FitInput, prior: Prior, coefficients: Float64Array): number {
  const p = input.contextWidth
  const q = input.effectWidth
  let sum = 0
  for (let j = 1; j < p; j++) sum += prior.contextRidge * coefficients[j]! ** 2
  for (let a = 0; a < q; a++) {
    const left = coefficients[p + a]! - prior.mean[a]!
    for (let b = 0; b < q; b++)
      sum += left * prior.precision[a * q + b]! * (coefficients[p + b]! - prior.mean[b]!)
  }
  return sum / 2
}

export function sumOf(parts: readonly Float64Array[], length: number): Float64Array {
  const sum = new Float64Array(length)
  for (const part of parts) for (let i = 0; i < length; i++) sum[i]! += part[i]!
  return sum
}

/** The log odds of a row and 1 + x'β. */
function predictRow(
  input: FitInput,
  row: number,
  coefficients: Float64Array,
  link: Link,
): { eta: number; boost: number } {
  const p = input.contextWidth
  const q = input.effectWidth
  let eta = 0
  for (let j = 0; j < p; j++) eta += input.context[row * p + j]! * coefficients[j]!
  let push = 0
  for (let j = 0; j < q; j++) push += input.effects[row * q + j]! * coefficients[p + j]!
  return { eta: eta + (link === 'multiply' ? push : Math.log1p(push)), boost: 1 + push }
}

export function logLikelihoodOf(
  input: FitInput,
  coefficients: Float64Array,
  link: Link,
  isIn: (fold: number) => boolean = () => true,
): number {
  let sum = 0
  for (let row = 0; row < input.rows; row++) {
    if (!isIn(input.fold[row]!)) continue
    const { eta } = predictRow(input, row, coefficients, link)
    sum += (input.isCase[row] === 1 ? eta : 0) - softplus(eta)
  }
  return sum
}

const softplus = (x: number) => (x > 30 ? x : Math.log1p(Math.exp(x)))

function accumulate(input: FitInput, coefficients: Float64Array, link: Link): Pass {
  const p = input.contextWidth
  const q = input.effectWidth
  const n = p + q
  const foldInformation = Array.from({ length: input.folds }, () => new Float64Array(n * n))
  const foldScore = Array.from({ length: input.folds }, () => new Float64Array(n))
  const slope = new Float64Array(n)
  const used = new Int32Array(n)
  let logLikelihood = 0
  for (let row = 0; row < input.rows; row++) {
    const { eta, boost } = predictRow(input, row, coefficients, link)
    const isCase = input.isCase[row] === 1
    logLikelihood += (isCase ? eta : 0) - softplus(eta)
    const probability = 1 / (1 + Math.exp(-eta))
    const residual = (isCase ? 1 : 0) - probability
    const weight = probability * (1 - probability)
    const inner = link === 'multiply' ? 1 : 1 / boost
    let count = 0
    for (let j = 0; j < n; j++) {
      const x = j < p ? input.context[row * p + j]! : input.effects[row * q + j - p]! * inner
      if (x === 0) continue
      slope[j] = x
      used[count++] = j
    }
    const score = foldScore[input.fold[row]!]!
    const information = foldInformation[input.fold[row]!]!
    for (let a = 0; a < count; a++) {
      const i = used[a]!
      score[i]! += residual * slope[i]!
      const scaled = weight * slope[i]!
      for (let b = 0; b <= a; b++) information[i * n + used[b]!]! += scaled * slope[used[b]!]!
    }
  }
  for (const information of foldInformation) {
    for (let i = 0; i < n; i++)
      for (let j = 0; j < i; j++) information[j * n + i] = information[i * n + j]!
  }
  return { logLikelihood, foldInformation, foldScore }
}
