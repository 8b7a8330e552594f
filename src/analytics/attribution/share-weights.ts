import type { Journeys } from './journeys.ts'

const MOST_ROUNDS = 200
const TOLERANCE = 1e-6

/**
 * Weights of channels by which converting journeys are divided so that each channel gets its target in all: the way from a
 * model that only knows totals (Markov, Shapley) to credit of each deal. Every touch gets the weight of its channel, over the
 * sum of the weights of its journey.
 *
 * Own method: the totals of these shares are those of a Luce choice model, and the update w ← w · target ⁄ total is its
 * minorisation-maximisation step (Hunter, "MM algorithms for generalized Bradley-Terry models", Annals of Statistics 32, 2004,
 * §4), which climbs to the one maximum. Targets that no weights reach (a channel that is always alone gets what its journeys
 * have) leave the nearest reachable totals.
 *
 * A baseline stands in every journey as one more touch of no channel: what would have come anyway.
 *
 * @param pulls  t figures, 0 or more: what each touch weighs besides the weight of its channel; null: all weigh 1.
 * @param targets  C amounts of value, 0 or more.
 * @param baseline  the amount of the baseline; 0: there is none.
 * @returns C + 1 weights, 0 or more, the largest of them 1, the baseline's last; even ones, without a baseline, when no target is
 *   above 0.
 * O(rounds · touches of converting journeys) time, three doubles a channel.
 */
export function fitShareWeights(
  journeys: Journeys,
  targets: ArrayLike<number>,
  baseline = 0,
  pulls: Float64Array | null = null,
): Float64Array {
  const count = journeys.channels.length
  const wantedOf = Float64Array.from({ length: count + 1 }, (_, c) =>
    Math.max(0, c === count ? baseline : targets[c]!),
  )
  let weights = wantedOf.map((wanted) => (wanted > 0 ? 1 : 0))
  if (!weights.includes(1)) return weights.fill(1, 0, count)
  const wanted = wantedOf.reduce((a, b) => a + b, 0)
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const sums = divide(journeys, weights, pulls)
    const reached = sums.reduce((a, b) => a + b, 0)
    if (reached === 0) break
    let worst = 0
    const next = weights.map((weight, c) => {
      if (weight === 0 || sums[c] === 0) return weight
      const factor = wantedOf[c]! / wanted / (sums[c]! / reached)
      worst = Math.max(worst, Math.abs(factor - 1))
      return weight * factor
    })
    const largest = next.reduce((a, b) => Math.max(a, b), 0)
    weights = next.map((weight) => weight / largest)
    if (worst < TOLERANCE) break
  }
  return weights
}

/** The value of converting journeys, divided by the weights of their touches and of the baseline. */
function divide(
  { offsets, channel, value }: Journeys,
  weights: Float64Array,
  pulls: Float64Array | null,
): Float64Array {
  const own = (i: number) => weights[channel[i]!]! * (pulls === null ? 1 : pulls[i]!)
  const sums = new Float64Array(weights.length)
  for (let j = 0; j + 1 < offsets.length; j++) {
    if (!(value[j]! > 0)) continue
    const [from, to] = [offsets[j]!, offsets[j + 1]!]
    let whole = weights.at(-1)!
    for (let i = from; i < to; i++) whole += own(i)
    if (whole === 0) continue
    const part = value[j]! / whole
    sums[weights.length - 1]! += part * weights.at(-1)!
    for (let i = from; i < to; i++) sums[channel[i]!]! += part * own(i)
  }
  return sums
}
