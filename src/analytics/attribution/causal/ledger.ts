import { allotMinor } from '#core/money.ts'

/**
 * Moves the shares of conversions until, weighed, they sum to the target, and leaves each row summing to 1.
 * A channel keeps its pattern over conversions; the baseline takes what is left.
 *
 * @param credit  conversions · width, the baseline last; changed in place.
 * @returns what each column was multiplied by: a row is its old one times these, made to sum to 1.
 * @see Deming & Stephan, "On a least squares adjustment", Annals of Mathematical Statistics 11 (1940): fitting in turn.
 * O(rounds · conversions · width).
 */
export function fitToShares(
  credit: Float64Array,
  width: number,
  weights: Float64Array,
  target: Float64Array,
  rounds = 30,
): Float64Array {
  const count = weights.length
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const factors = new Float64Array(width).fill(1)
  for (let round = 0; round < rounds; round++) {
    let off = 0
    for (let c = 0; c < width; c++) {
      let sum = 0
      for (let i = 0; i < count; i++) sum += weights[i]! * credit[i * width + c]!
      const factor = sum > 0 ? (target[c]! * total) / sum : 1
      factors[c]! *= factor
      off = Math.max(off, Math.abs(sum / total - target[c]!))
      for (let i = 0; i < count; i++) credit[i * width + c]! *= factor
    }
    for (let i = 0; i < count; i++) {
      let sum = 0
      for (let c = 0; c < width; c++) sum += credit[i * width + c]!
      if (sum > 0) for (let c = 0; c < width; c++) credit[i * width + c]! /= sum
      else credit[i * width + width - 1] = 1
    }
    if (off < 1e-6) break
  }
  return factors
}

/** Each conversion's revenue in whole minor units: conversions · width; a row sums to its revenue exactly. */
export function toMinor(
  credit: Float64Array,
  width: number,
  revenueMinor: Float64Array,
): Float64Array {
  const minor = new Float64Array(credit.length)
  for (let i = 0; i < revenueMinor.length; i++)
    minor.set(allotMinor(revenueMinor[i]!, credit.subarray(i * width, (i + 1) * width)), i * width)
  return minor
}
