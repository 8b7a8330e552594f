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
 * @param targets  C amounts of value, 0 or more.
 * @returns C weights, 0 or more, the largest of them 1; even ones when no target is above 0.
 * O(rounds · touches of converting journeys) time, three doubles a channel.
 */
export function fitShareWeights(journeys: Journeys, targets: ArrayLike<number>): Float64Array {
  const count = journeys.channels.length
  let weights = Float64Array.from({ length: count }, (_, c) => (targets[c]! > 0 ? 1 : 0))
  if (!weights.includes(1)) return new Float64Array(count).fill(1)
  const total = Array.from(weights, (weight, c) => (weight > 0 ? targets[c]! : 0))
  const wanted = total.reduce((a, b) => a + b, 0)
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const sums = divide(journeys, weights)
    const reached = sums.reduce((a, b) => a + b, 0)
    if (reached === 0) break
    let worst = 0
    const next = weights.map((weight, c) => {
      if (weight === 0 || sums[c] === 0) return weight
      const factor = targets[c]! / wanted / (sums[c]! / reached)
      worst = Math.max(worst, Math.abs(factor - 1))
      return weight * factor
    })
    const largest = next.reduce((a, b) => Math.max(a, b), 0)
    weights = next.map((weight) => weight / largest)
    if (worst < TOLERANCE) break
  }
  return weights
}

/** The value of converting journeys, divided by the weights of their touches. */
function divide({ offsets, channel, value }: Journeys, weights: Float64Array): Float64Array {
  const sums = new Float64Array(weights.length)
  for (let j = 0; j + 1 < offsets.length; j++) {
    if (!(value[j]! > 0)) continue
    const [from, to] = [offsets[j]!, offsets[j + 1]!]
    let whole = 0
    for (let i = from; i < to; i++) whole += weights[channel[i]!]!
    if (whole === 0) continue
    const part = value[j]! / whole
    for (let i = from; i < to; i++) sums[channel[i]!]! += part * weights[channel[i]!]!
  }
  return sums
}
