import { mix } from '#core/random.ts'
import type { Journeys } from './journeys.ts'

/** Credit by channel, in the journeys' order of channels, and what no channel is credited with. */
export interface Credit {
  /** C conversions. */
  conversions: Float64Array
  /** C values, in the journeys' unit. */
  value: Float64Array
  /** Conversions without a touch; of a causal model, all that would have come anyway. */
  baseline: { conversions: number; value: number }
}

export interface BootstrapOptions {
  /** How much of the replicates an interval holds, in (0, 1). */
  level: number
  /** How often journeys are drawn again, 2 or more. */
  replicates: number
  seed: number
}

/** Percentile bounds of each figure on its own: they do not sum to anything. */
export interface Interval {
  level: number
  replicates: number
  low: Credit
  high: Credit
}

const UNITS = 2 ** 32

/**
 * How often a row of `count` journeys is drawn in a replicate: a Poisson draw of mean `count`, which depends on nothing but its keys, so
 * that every model sees the same replicates and rows may be visited in any order.
 *
 * @param count  0 or more; fractions are taken as the mean they are.
 * Exact by inversion up to a mean of 30; above it a rounded normal, whose third moment differs by less than a resampling error.
 * @see Hanley & MacGibbon, "Creating non-parametric bootstrap samples using Poisson frequencies", 2006; Chamandy et al., "Estimating
 *   uncertainty for massive data streams", Google 2012.
 */
export function drawCount(seed: number, replicate: number, key: number, count: number): number {
  if (count <= 0) return 0
  const uniform = mix(seed, replicate, key, 0) / UNITS
  if (count > 30) {
    const other = mix(seed, replicate, key, 1) / UNITS
    const normal = Math.sqrt(-2 * Math.log(1 - uniform)) * Math.cos(2 * Math.PI * other)
    return Math.max(0, Math.round(count + Math.sqrt(count) * normal))
  }
  let term = count === 1 ? 1 / Math.E : Math.exp(-count)
  let below = term
  let drawn = 0
  while (uniform >= below && drawn < 200) {
    drawn += 1
    term *= count / drawn
    below += term
  }
  return drawn
}

/**
 * The journeys of one replicate: the same columns with other counts. Rows of one cluster are drawn together.
 *
 * O(journeys); three doubles a journey.
 */
export function drawJourneys(journeys: Journeys, seed: number, replicate: number): Journeys {
  const { conversions, value, nulls, cluster } = journeys
  const drawn = {
    conversions: new Float64Array(conversions.length),
    value: new Float64Array(conversions.length),
    nulls: new Float64Array(conversions.length),
  }
  for (let i = 0; i < conversions.length; i++) {
    const count = conversions[i]!
    if (cluster !== null) {
      const times = drawCount(seed, replicate, cluster[i]!, 1)
      drawn.conversions[i] = count * times
      drawn.value[i] = value[i]! * times
      drawn.nulls[i] = nulls[i]! * times
      continue
    }
    const times = drawCount(seed, replicate, 2 * i, count)
    drawn.conversions[i] = times
    if (count > 0) drawn.value[i] = (value[i]! / count) * times
    drawn.nulls[i] = drawCount(seed, replicate, 2 * i + 1, nulls[i]!)
  }
  return { ...journeys, ...drawn }
}

/** An empty credit of so many channels. */
export function emptyCredit(channels: number): Credit {
  return {
    conversions: new Float64Array(channels),
    value: new Float64Array(channels),
    baseline: { conversions: 0, value: 0 },
  }
}

/**
 * The interval between the replicates' quantiles (1 ∓ level) ⁄ 2, figure by figure.
 *
 * @throws RangeError when the level is not in (0, 1) or there are fewer than 2 replicates.
 * @see Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, §13.3 (percentile interval).
 * O(channels · replicates · log replicates).
 */
export function percentileInterval(replicates: readonly Credit[], level: number): Interval {
  if (!(level > 0 && level < 1))
    throw new RangeError(`A level is above 0 and below 1, not ${level}.`)
  if (replicates.length < 2) throw new RangeError('An interval needs two replicates or more.')
  const channels = replicates[0]!.conversions.length
  const low = emptyCredit(channels)
  const high = emptyCredit(channels)
  const bound = (read: (credit: Credit) => number): [number, number] => {
    const sorted = Float64Array.from(replicates, read).sort()
    return [quantile(sorted, (1 - level) / 2), quantile(sorted, (1 + level) / 2)]
  }
  for (let c = 0; c < channels; c++) {
    ;[low.conversions[c], high.conversions[c]] = bound((credit) => credit.conversions[c]!)
    ;[low.value[c], high.value[c]] = bound((credit) => credit.value[c]!)
  }
  for (const part of ['conversions', 'value'] as const)
    [low.baseline[part], high.baseline[part]] = bound((credit) => credit.baseline[part])
  return { level, replicates: replicates.length, low, high }
}

function quantile(sorted: Float64Array, probability: number): number {
  const at = (sorted.length - 1) * probability
  const below = Math.floor(at)
  const from = sorted[below]!
  return from + (at - below) * ((sorted[below + 1] ?? from) - from)
}
