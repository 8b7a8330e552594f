import { SMALL_N, type Rate } from '#reports/rate.rules.ts'

/** The 97.5 % quantile of the normal distribution. */
const Z = 1.959963984540054

/** A figure before and now, and the change between them relative to before, with a 95 % interval. */
export interface Improvement {
  change: number | null
  low: number | null
  high: number | null
  /** True when the interval leaves out no change at all. */
  isClear: boolean
  isSmall: boolean
}

/**
 * The relative change of a rate, with the 95 % interval of a ratio of two independent proportions on the log scale.
 *
 * @see Katz, Baptista, Azen & Pike, "Obtaining confidence intervals for the risk ratio in cohort studies", Biometrics 34 (1978).
 * Half a record is added to each count, so that a count of 0 has an interval (Walter 1975); where none is left the interval reaches
 * down to the loss of all, which is what was seen.
 */
export function rateChange(before: Rate, after: Rate): Improvement {
  const isSmall = before.isSmall || after.isSmall
  if (before.rate === null || after.rate === null || before.rate === 0)
    return { change: null, low: null, high: null, isClear: false, isSmall }
  const [x0, n0, x1, n1] = [
    before.numerator + 0.5,
    before.denominator + 0.5,
    after.numerator + 0.5,
    after.denominator + 0.5,
  ]
  const half = Z * Math.sqrt(1 / x0 - 1 / n0 + 1 / x1 - 1 / n1)
  const { low, high, isClear } = bounds(Math.log(x1 / n1 / (x0 / n0)), half)
  const change = after.rate / before.rate - 1
  return { change, low: Math.min(low, change), high, isClear, isSmall }
}

/** Durations in days as the logarithms of their sum by group: n, mean and variance of ln(days). */
export interface LogDays {
  n: number
  /** Null when n is 0. */
  mean: number | null
  /** Sample variance; null below two. */
  variance: number | null
}

/**
 * The relative change of the geometric mean of durations, with its 95 % interval: durations are skewed, their logarithms
 * nearly not, so that the difference of means of logarithms has an interval by Welch's formula.
 *
 * @see Welch, "The generalization of 'Student's' problem when several different population variances are involved",
 *   Biometrika 34 (1947); the normal quantile stands for t, which matters below 30 records, where the figure says it is small.
 */
export function durationChange(before: LogDays, after: LogDays): Improvement {
  const isSmall = before.n < SMALL_N || after.n < SMALL_N
  if (before.mean === null || after.mean === null)
    return { change: null, low: null, high: null, isClear: false, isSmall }
  const difference = after.mean - before.mean
  const change = Math.exp(difference) - 1
  if (before.variance === null || after.variance === null)
    return { change, low: null, high: null, isClear: false, isSmall }
  const half = Z * Math.sqrt(before.variance / before.n + after.variance / after.n)
  return { ...bounds(difference, half), change, isSmall }
}

function bounds(logRatio: number, half: number) {
  const [low, high] = [Math.exp(logRatio - half) - 1, Math.exp(logRatio + half) - 1]
  return { low, high, isClear: low > 0 || high < 0 }
}
