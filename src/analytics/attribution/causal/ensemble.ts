import type { AccountJourneys } from './data.ts'
import { computeAdstocks, describeContext, fitIntentOf } from './features.ts'
import type { Adstocks, Context } from './features.ts'
import { fitHazard, logLikelihoodOf, newtonTarget, sumOf } from './fit.ts'
import type { Fit, FitInput, Link, Prior } from './fit.ts'
import type { IntentModel } from './intent.ts'
import { endOfRisk, sampleRiskSet } from './risk-set.ts'
import type { RiskSet } from './risk-set.ts'

/** Half-lives in days over which touches are remembered; what lasts longer is hardly told from intent. */
export const HALF_LIVES_DAYS = [2, 6, 18]
/** Accounts fall into this many groups: for cross-validation by fifths and for the bootstrap. */
export const GROUPS = 50
const FOLDS = 5
/** Adstock at which half the effect is reached. */
const HALF_SATURATION = 0.7
/** How far effects may lie from their common mean, as a share of it: from nearly alike to nearly free. */
const SPREADS = [0.06, 0.15, 0.4, 1, 2.4]
/** Effects of one channel at different half-lives go together. */
const PROFILE_CORRELATION = 0.7
/** Differences of cross-validated log likelihood below this hardly count: prediction is not causation. */
const TEMPERATURE = 3

/** One way to fit the hazard. */
export interface Member {
  link: Link
  spread: number
  fit: Fit
  prior: Prior
  crossValidated: number
  /** Weights of all members sum to 1. */
  weight: number
}

/** Everything that credit is computed from. */
export interface Ensemble {
  /** Positions of the channels that may have an effect. */
  effective: number[]
  riskSet: RiskSet
  intent: IntentModel
  context: Context
  input: FitInput
  members: Member[]
}

export interface EnsembleOptions {
  /** Channels that are no marketing, such as coming directly: signs of intent without an effect. */
  notMarketing: (channel: string) => boolean
  seed: number
}

/**
 * Fits hazards of several kinds and weighs them by what they foretell of accounts they did not see.
 * O(members · steps · rows · columns²).
 */
export function fitEnsemble(data: AccountJourneys, options: EnsembleOptions): Ensemble {
  const cases = data.conversionMs.length
  const riskSet = sampleRiskSet(data, Math.max(8000, Math.min(24_000, 12 * cases)), options.seed)
  const intent = fitIntentOf(data, endOfRisk(data), 2)
  const context = describeContext(data, riskSet, intent)
  const effective = data.channels.flatMap((name, c) => (options.notMarketing(name) ? [] : [c]))
  const adstocks = computeAdstocks(data, riskSet, HALF_LIVES_DAYS)
  const input: FitInput = {
    rows: riskSet.unit.length,
    context: context.values,
    contextWidth: context.names.length,
    effects: saturate(adstocks, effective),
    effectWidth: effective.length * HALF_LIVES_DAYS.length,
    isCase: riskSet.isCase,
    fold: Uint8Array.from(riskSet.unit, groupOf),
    folds: GROUPS,
  }
  const members: Member[] = []
  for (const link of ['multiply', 'add'] as const) {
    let start = startOf(input)
    for (const spread of SPREADS.toReversed()) {
      const member = fitMember(input, effective.length, link, spread, start)
      start = member.fit.coefficients
      members.push(member)
    }
  }
  const best = Math.max(...members.map(({ crossValidated }) => crossValidated))
  const raw = members.map((member) => Math.exp((member.crossValidated - best) / TEMPERATURE))
  const total = raw.reduce((sum, weight) => sum + weight, 0)
  members.forEach((member, i) => {
    member.weight = raw[i]! / total
  })
  return { effective, riskSet, intent, context, input, members }
}

/** The group of an account, the same in every run. */
export function groupOf(unit: number): number {
  return (Math.imul(unit + 1, 0x9e3779b1) >>> 12) % GROUPS
}

/** The effect of an adstock, in [0, 1). */
export function saturated(stock: number): number {
  return stock / (stock + HALF_SATURATION)
}

/** `row · width + k · halfLives + h` for the k-th channel that may have an effect, each in [0, 1). */
function saturate(
  { rows, channels, values }: Adstocks,
  effective: readonly number[],
): Float64Array {
  const lives = HALF_LIVES_DAYS.length
  const width = effective.length * lives
  const effects = new Float64Array(rows * width)
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < effective.length; k++) {
      const from = (row * channels + effective[k]!) * lives
      for (let h = 0; h < lives; h++) {
        const stock = values[from + h]!
        effects[row * width + k * lives + h] = saturated(stock)
      }
    }
  }
  return effects
}

function startOf({ rows, isCase, contextWidth, effectWidth }: FitInput): Float64Array {
  const start = new Float64Array(contextWidth + effectWidth).fill(0.1)
  start.fill(0, 0, contextWidth)
  const cases = isCase.reduce((sum, one) => sum + one, 0)
  start[0] = Math.log((cases + 0.5) / (rows - cases + 0.5))
  return start
}

/** The spread of effects is relative to their mean, which is known after a first fit only. */
function fitMember(
  input: FitInput,
  channels: number,
  link: Link,
  spread: number,
  start: Float64Array,
): Member {
  let coefficients = start
  for (let round = 0; ; round++) {
    let level = 0
    for (let j = input.contextWidth; j < coefficients.length; j++) level += coefficients[j]!
    const mean = level / Math.max(1, channels * HALF_LIVES_DAYS.length)
    const prior = commonMeanPrior(channels, Math.max(0.02, spread * (round === 0 ? 0.2 : mean)))
    const fit = fitHazard(input, prior, link, coefficients, round === 0 ? 6 : 3)
    coefficients = fit.coefficients
    if (round === 1) {
      const crossValidated = crossValidate(input, fit, prior)
      return { link, spread, fit, prior, crossValidated, weight: 0 }
    }
  }
}

/** Draws each half-life's effects to their mean over channels, which stays free. */
function commonMeanPrior(channels: number, deviation: number): Prior {
  const lives = HALF_LIVES_DAYS.length
  const q = channels * lives
  const own = 1 / (deviation ** 2 * (1 - PROFILE_CORRELATION))
  const shared = (own * PROFILE_CORRELATION) / (1 + (lives - 1) * PROFILE_CORRELATION)
  const precision = new Float64Array(q * q)
  for (let a = 0; a < q; a++) {
    for (let b = 0; b < q; b++) {
      const profile = (a % lives === b % lives ? own : 0) - shared
      const isSame = Math.floor(a / lives) === Math.floor(b / lives)
      precision[a * q + b] = profile * ((isSame ? 1 : 0) - 1 / channels) + (a === b ? 0.01 : 0)
    }
  }
  return { mean: new Float64Array(q), precision, contextRidge: 1 }
}

/**
 * Log likelihood of each fifth of the accounts under the fit without it, which is one bounded Newton step
 * from the whole.
 * @see Beirami et al., "On optimal generalizability in parametric learning", NeurIPS 2017.
 */
function crossValidate(input: FitInput, fit: Fit, prior: Prior): number {
  const n = fit.coefficients.length
  const low = lowOf(input)
  const isOut = (group: number, fold: number) => group % FOLDS === fold
  let sum = 0
  for (let fold = 0; fold < FOLDS; fold++) {
    const rest = (parts: readonly Float64Array[], length: number) =>
      sumOf(
        parts.filter((_, group) => !isOut(group, fold)),
        length,
      )
    const coefficients = newtonTarget(
      input,
      prior,
      rest(fit.foldInformation, n * n),
      rest(fit.foldScore, n),
      fit.coefficients,
      low,
    )
    sum += logLikelihoodOf(input, coefficients, fit.link, (group) => isOut(group, fold))
  }
  return sum
}

/** Effects are not below 0. */
export function lowOf({ contextWidth, effectWidth }: FitInput): Float64Array {
  const low = new Float64Array(contextWidth + effectWidth).fill(-Infinity)
  low.fill(0, contextWidth)
  return low
}
