import type { Experiment } from './holdouts.ts'
import { combine } from './holdouts.ts'
import { learnt } from './learnt.ts'

/** Others gain no more than this from experiments that find more than the model did. */
const MOST_FOUND = 1.3

/** Constants that simulated worlds teach. */
export interface Learnt {
  baseline: [number, number, number]
  pull: number
  variance: [number, number, number]
  baselineVariance: [number, number]
  width: number
}

/** Shares of expected revenue: channels, then the baseline; with the deviation of each. */
export interface ShareEstimate {
  shares: Float64Array
  /** Standard deviation of the square root of each share, bias included. */
  deviation: Float64Array
}

export interface Evidence {
  /** The model's shares before anything is corrected, channels then baseline. */
  shares: Float64Array
  /** replicates · width. */
  bootstrap: Float64Array
  pulls: Float64Array
  conversions: number
}

/**
 * Corrects what the model is known to get wrong, and says how far off it may still be. Both are learnt from
 * simulated worlds: intent that touches do not show is credited to channels, most to those that follow it.
 * O(replicates · channels).
 */
export function correct(
  { shares, bootstrap, pulls, conversions }: Evidence,
  constants: Learnt = learnt,
): ShareEstimate {
  const width = shares.length
  const channels = width - 1
  const before = shares[channels]!
  const crowd = channels / Math.sqrt(Math.max(1, conversions))
  const [intercept, slope, crowding] = constants.baseline
  const baseline = before >= 1 ? 1 : odds(intercept + slope * logOdds(before) + crowding * crowd)
  const relative = relativePulls(shares, pulls)
  const corrected = Float64Array.from(shares, (share, c) =>
    c === channels ? 0 : share * Math.exp(-constants.pull * relative[c]!),
  )
  const sum = corrected.reduce((total, share) => total + share, 0)
  for (let c = 0; c < channels; c++)
    corrected[c] = sum > 0 ? (corrected[c]! * (1 - baseline)) / sum : 0
  corrected[channels] = sum > 0 ? baseline : 1
  const drawn = deviationsOf(bootstrap, width)
  const [constant, factor, byPull] = constants.variance
  const [baseConstant, baseFactor] = constants.baselineVariance
  const deviation = drawn.map((deviation, c) =>
    Math.sqrt(
      c === channels
        ? baseConstant + baseFactor * deviation ** 2
        : constant + factor * deviation ** 2 + byPull * corrected[c]! * relative[c]! ** 2,
    ),
  )
  return { shares: corrected, deviation }
}

/** Pulls above or below the mean that is weighted by credit, at most 1 either way. */
export function relativePulls(shares: Float64Array, pulls: Float64Array): Float64Array {
  let [sum, weight] = [0, 0]
  for (let c = 0; c < pulls.length; c++) {
    sum += shares[c]! * pulls[c]!
    weight += shares[c]!
  }
  const mean = weight > 0 ? sum / weight : 0
  return pulls.map((pull) => Math.max(-1, Math.min(1, pull - mean)))
}

/** Standard deviations over replicates of the square roots of shares. */
export function deviationsOf(bootstrap: Float64Array, width: number): Float64Array {
  const replicates = bootstrap.length / width
  const deviations = new Float64Array(width)
  for (let c = 0; c < width; c++) {
    let [sum, squares] = [0, 0]
    for (let b = 0; b < replicates; b++) {
      const root = Math.sqrt(Math.max(0, bootstrap[b * width + c]!))
      sum += root
      squares += root * root
    }
    const mean = replicates > 0 ? sum / replicates : 0
    deviations[c] = replicates > 0 ? Math.sqrt(Math.max(0, squares / replicates - mean * mean)) : 0
  }
  return deviations
}

/**
 * Puts experiments and model together. A lift says what is lost without the channel; removals overlap, so it
 * is brought to the scale of shares that sum to 1. What a channel loses or gains comes from the baseline.
 *
 * The flaw that an experiment finds is intent that touches do not show, and it grows with pull: so the other
 * channels lose or gain by the same part, as far as intent pulls them too.
 *
 * @param overlap  shares ÷ removals, at most 1.
 */
export function calibrateByExperiments(
  { shares, deviation }: ShareEstimate,
  experiments: readonly Experiment[],
  overlap: number,
  pulls: Float64Array,
): ShareEstimate {
  const channels = shares.length - 1
  const out = { shares: shares.slice(), deviation: deviation.slice() }
  for (const { channel, lift, variance } of experiments) {
    const share = out.shares[channel]!
    // A deviation of the root becomes one of the share: (√s + d)² − s = 2√s·d + d².
    // What an experiment before has narrowed counts as narrowed for the next one of the same channel.
    const before = out.deviation[channel]!
    const spread = 2 * Math.sqrt(share) * before + before ** 2
    const joined = combine(share, spread ** 2, {
      share: lift * overlap,
      variance: variance * overlap ** 2,
    })
    out.shares[channel] = joined.share
    const joinedSpread = Math.sqrt(joined.variance)
    out.deviation[channel] = Math.sqrt(joined.share + joinedSpread) - Math.sqrt(joined.share)
  }
  spreadFinding(out.shares, shares, experiments, pulls)
  let marketing = 0
  for (let c = 0; c < channels; c++) marketing += out.shares[c]!
  if (marketing > 1) for (let c = 0; c < channels; c++) out.shares[c]! /= marketing
  out.shares[channels] = Math.max(0, 1 - marketing)
  return out
}

/** Scales channels without an experiment by what the experiments found, as far as intent pulls them. */
function spreadFinding(
  found: Float64Array,
  before: Float64Array,
  experiments: readonly Experiment[],
  pulls: Float64Array,
): void {
  let [modelled, measured, pull] = [0, 0, 0]
  for (const { channel } of experiments) {
    modelled += before[channel]!
    measured += found[channel]!
    pull += before[channel]! * pulls[channel]!
  }
  if (!(modelled > 0 && pull > 0)) return
  const factor = Math.min(MOST_FOUND, measured / modelled)
  const isTried = new Set(experiments.map(({ channel }) => channel))
  pulls.forEach((own, c) => {
    if (isTried.has(c)) return
    const like = Math.max(0, Math.min(1, (own * modelled) / pull))
    found[c]! *= 1 - (1 - factor) * like
  })
}

/** The 90 % interval of each share. */
export function intervalOf(
  { shares, deviation }: ShareEstimate,
  constants: Learnt = learnt,
): {
  low: Float64Array
  high: Float64Array
} {
  const bound = (side: number) =>
    shares.map((share, c) => {
      const root = Math.max(0, Math.sqrt(share) + side * constants.width * deviation[c]!)
      return Math.min(1, root * root)
    })
  return { low: bound(-1), high: bound(1) }
}

const logOdds = (p: number) => Math.log(Math.max(1e-3, p) / Math.max(1e-3, 1 - p))
const odds = (x: number) => 1 / (1 + Math.exp(-x))
