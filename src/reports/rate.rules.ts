/** A share of n with its interval: how many of how many. */
export interface Rate {
  numerator: number
  denominator: number
  /** In [0, 1]; null when there is nothing to divide by. */
  rate: number | null
  low: number | null
  high: number | null
  /** True when there are too few for the rate to be relied on. */
  isSmall: boolean
}

/** Below this, a rate moves by more than 3 points with a single record. */
export const SMALL_N = 30

/** The 97.5 % quantile of the normal distribution. */
const Z = 1.959963984540054

/**
 * A rate with its 95 % interval by Wilson's score method, which stays inside [0, 1] and holds for small n.
 *
 * @param numerator  at most `denominator`.
 * @see Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927); Brown, Cai &
 *   DasGupta, "Interval estimation for a binomial proportion", Statistical Science 16 (2001), recommend it.
 */
export function rateOf(numerator: number, denominator: number): Rate {
  const isSmall = denominator < SMALL_N
  if (denominator === 0)
    return { numerator, denominator, rate: null, low: null, high: null, isSmall }
  const rate = numerator / denominator
  const z2 = (Z * Z) / denominator
  const centre = (rate + z2 / 2) / (1 + z2)
  const half =
    (Z * Math.sqrt((rate * (1 - rate)) / denominator + z2 / (4 * denominator))) / (1 + z2)
  return {
    numerator,
    denominator,
    rate,
    low: rate === 0 ? 0 : Math.max(0, centre - half),
    high: rate === 1 ? 1 : Math.min(1, centre + half),
    isSmall,
  }
}

/**
 * A ratio of two counts of one period that are not of the same records, so that it may exceed 1 and has no interval.
 */
export function ratioOf(numerator: number, denominator: number): Rate {
  const rate = denominator === 0 ? null : numerator / denominator
  return { numerator, denominator, rate, low: null, high: null, isSmall: denominator < SMALL_N }
}
