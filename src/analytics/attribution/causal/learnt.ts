import type { Learnt } from './adjust.ts'

/** What simulated worlds taught about the model's errors. Written by `npm run eval -- accuracy-card`; not by hand. */
export const learnt: Learnt = {
  /** Log odds of the baseline: intercept, slope, and by channels ⁄ √conversions. */
  baseline: [0.0243, 0.7667, 0.0024],
  /** Log share falls by this for each unit of pull by intent above the mean. */
  pull: 0.7,
  /** Variance of the square root of a share: constant, factor on the bootstrap's, by share and squared pull. */
  variance: [0.002654, 1.072, 0.06222],
  /** The same of the baseline: constant and factor. */
  baselineVariance: [0.003153, 0],
  /** Deviations to each side of a 90 % interval. */
  width: 1.71,
}
