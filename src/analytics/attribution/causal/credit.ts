import type { AccountJourneys } from './data.ts'
import { GROUPS, HALF_LIVES_DAYS, lowOf } from './ensemble.ts'
import type { Ensemble, Member } from './ensemble.ts'
import { newtonTarget, sumOf } from './fit.ts'
import { seededRandom } from '#core/random.ts'

/**
 * Shares of each conversion: `conversion · (channels + 1) + channel`, the baseline last; each row sums to 1.
 *
 * What marketing moved is 1 − hazard without any ÷ hazard. It is shared out by what each channel alone would
 * take away, since removals overlap.
 * O(conversions · members · channels).
 */
export function creditConversions(
  data: AccountJourneys,
  ensemble: Ensemble,
  coefficientsOf: (member: Member) => Float64Array = ({ fit }) => fit.coefficients,
): Float64Array {
  const { effective, input, riskSet, members } = ensemble
  const width = data.channels.length + 1
  const lives = HALF_LIVES_DAYS.length
  const credit = new Float64Array(riskSet.cases * width)
  const parts = new Float64Array(effective.length)
  for (const member of members) {
    const coefficients = coefficientsOf(member)
    for (let row = 0; row < riskSet.cases; row++) {
      let push = 0
      for (let k = 0; k < effective.length; k++) {
        let part = 0
        for (let h = 0; h < lives; h++) {
          const j = k * lives + h
          part +=
            input.effects[row * input.effectWidth + j]! * coefficients[input.contextWidth + j]!
        }
        parts[k] = part
        push += part
      }
      shareOut(credit, row * width, effective, parts, push, member, width)
    }
  }
  return credit
}

/**
 * Adds a member's part of one conversion at `at`: channels at the positions `effective`, the baseline at the end of the row.
 *
 * @param parts  what each channel adds to the log hazard (or the hazard); changed in place.
 */
export function shareOut(
  credit: Float64Array,
  at: number,
  effective: readonly number[],
  parts: Float64Array,
  push: number,
  { link, weight }: Pick<Member, 'link' | 'weight'>,
  width: number,
): void {
  const moved = link === 'multiply' ? -Math.expm1(-push) : push / (1 + push)
  let removed = 0
  for (let k = 0; k < parts.length; k++) {
    if (link === 'multiply') parts[k] = -Math.expm1(-parts[k]!)
    removed += parts[k]!
  }
  if (removed > 0) {
    for (let k = 0; k < parts.length; k++)
      credit[at + effective[k]!]! += (weight * moved * parts[k]!) / removed
  }
  credit[at + width - 1]! += weight * (removed > 0 ? 1 - moved : 1)
}

/**
 * What all marketing moves ÷ the sum of what each channel alone would take away: at most about 1, less the
 * more channels multiply each other.
 * O(conversions · members · channels).
 */
export function overlapOf({ effective, input, riskSet, members }: Ensemble): number {
  const lives = HALF_LIVES_DAYS.length
  let [moved, removed] = [0, 0]
  for (const { link, weight, fit } of members) {
    for (let row = 0; row < riskSet.cases; row++) {
      let push = 0
      let alone = 0
      for (let k = 0; k < effective.length; k++) {
        let part = 0
        for (let j = k * lives; j < (k + 1) * lives; j++)
          part +=
            input.effects[row * input.effectWidth + j]! * fit.coefficients[input.contextWidth + j]!
        push += part
        alone += link === 'multiply' ? -Math.expm1(-part) : part
      }
      moved += weight * (link === 'multiply' ? -Math.expm1(-push) : push / (1 + push))
      removed += weight * (link === 'multiply' ? alone : alone / (1 + push))
    }
  }
  return removed > 0 ? Math.min(1, moved / removed) : 1
}

/**
 * Weights of conversions for the expected share: revenue as its segment brings it, so that one very large
 * deal does not decide which channel works.
 */
export function expectedRevenue(data: AccountJourneys): Float64Array {
  const count = data.revenueMinor.length
  const mean = data.revenueMinor.reduce((sum, minor) => sum + minor, 0) / Math.max(1, count)
  const [first] = data.segments
  if (first === undefined || !(mean > 0)) return new Float64Array(count).fill(1)
  const sums = new Float64Array(first.levels.length)
  const counts = new Float64Array(first.levels.length)
  for (let i = 0; i < count; i++) {
    const level = first.codes[data.conversionUnit[i]!]!
    sums[level]! += data.revenueMinor[i]!
    counts[level]! += 1
  }
  return Float64Array.from(data.conversionUnit, (unit) => {
    const level = first.codes[unit]!
    return Math.max(1e-9, (sums[level]! + 30 * mean) / (counts[level]! + 30) / mean)
  })
}

/** Shares of the whole, channels and then the baseline; they sum to 1. */
export function sumShares(
  credit: Float64Array,
  width: number,
  weightOf: (conversion: number) => number,
): Float64Array {
  const shares = new Float64Array(width)
  let total = 0
  for (let i = 0; i * width < credit.length; i++) {
    const weight = weightOf(i)
    total += weight
    for (let c = 0; c < width; c++) shares[c]! += weight * credit[i * width + c]!
  }
  if (total > 0) for (let c = 0; c < width; c++) shares[c]! /= total
  else shares[width - 1] = 1
  return shares
}

/**
 * Shares of `replicates` bootstrap samples of groups of accounts, each fitted by one bounded Newton step from
 * the whole; `replicate · width + channel`.
 * @see Giordano et al., "A Swiss Army infinitesimal jackknife", AISTATS 2019.
 */
export function bootstrapShares(
  data: AccountJourneys,
  ensemble: Ensemble,
  weights: Float64Array,
  replicates: number,
  seed: number,
): Float64Array {
  const random = seededRandom(seed, 77)
  const width = data.channels.length + 1
  const { input, riskSet } = ensemble
  const n = input.contextWidth + input.effectWidth
  const low = lowOf(input)
  const information = new Map(
    ensemble.members.map((member) => [member, sumOf(member.fit.foldInformation, n * n)]),
  )
  const all = new Float64Array(replicates * width)
  for (let b = 0; b < replicates; b++) {
    const drawn = Float64Array.from({ length: GROUPS }, () => -Math.log(1 - random.uniform()))
    const credit = creditConversions(data, ensemble, (member) => {
      const { fit, prior } = member
      const score = new Float64Array(n)
      fit.foldScore.forEach((part, group) => {
        for (let j = 0; j < n; j++) score[j]! += drawn[group]! * part[j]!
      })
      return newtonTarget(input, prior, information.get(member)!, score, fit.coefficients, low)
    })
    const shares = sumShares(credit, width, (i) => weights[i]! * drawn[input.fold[i]!]!)
    all.set(shares, b * width)
  }
  if (riskSet.cases === 0) all.fill(0)
  return all
}
