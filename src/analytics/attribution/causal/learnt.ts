/** What simulated worlds taught about the model's errors. Written by `npm run eval -- accuracy-card`. */
export const learnt = {
  /** Log odds of the baseline: intercept, slope, and by channels ⁄ √conversions. */
  baseline: [0, 1, 0],
  /** Log share falls by this for each unit of pull by intent above the mean. */
  pull: 0,
  /** Variance of the square root of a share: constant, factor on the bootstrap's, by squared pull. */
  variance: [0.001, 1, 0],
  /** The same of the baseline: constant and factor. */
  baselineVariance: [0.002, 1],
  /** Deviations to each side of a 90 % interval. */
  width: 1.645,
}
