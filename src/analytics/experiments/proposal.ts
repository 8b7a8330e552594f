import { allocate, valueOf, type Response } from './allocation.ts'
import { gainsOf, jointOf, update, type Belief, type Joint } from './belief.ts'

/** Whom an experiment can be made with. */
export interface Audience {
  /** People who come new a week. */
  weeklyPeople: number
  /** The part of them that converts, in (0, 1). */
  conversionRate: number
  weeklyRevenueMinor: number
}

export interface ProposalOptions extends Response {
  /** Parts of the people that may be left out, and weeks that it may last. */
  holdoutShares: readonly number[]
  durationsWeeks: readonly number[]
  /** For how many weeks what was learnt is used, the test itself included. */
  horizonWeeks: number
}

export interface Design {
  holdoutShare: number
  weeks: number
}

/** An experiment with the figures that speak for it; all of them can be worked out again from each other. */
export interface Proposal extends Design {
  channel: string
  peopleHeldOut: number
  peopleOthers: number
  expectedConversionsHeldOut: number
  expectedConversionsOthers: number
  /** Standard deviations of the lift: of the measurement, of what is believed before, and of what will be after. */
  measurementDeviation: number
  deviationBefore: number
  deviationAfter: number
  /** The probability to tell the believed effect from none at 5 %, two-sided. */
  power: number
  /** How long the same holdout must last for a power of 80 %; null: no effect is believed. */
  weeksForPower: number | null
  /** The expected fall of regret, as a part of revenue. */
  value: number
  /** The same over the weeks after the test, minor units; what the test costs; and the one less the other. */
  valueMinor: number
  costMinor: number
  netMinor: number
}

const Z_LEVEL = 1.959963984540054
const Z_POWER = 0.8416212335729143
const STEPS = 40
const REACH = 5

/**
 * The variance of a lift measured by a design: 1 − ratio of two Poisson rates, by the delta method, at the believed effect.
 * @see `readExperiments` of the causal model, which reads such a test.
 */
export function liftVariance(
  design: Design,
  { weeklyPeople, conversionRate }: Audience,
  effect: number,
) {
  const ratio = Math.max(0.05, 1 - effect)
  const people = weeklyPeople * design.weeks
  const heldOut = people * design.holdoutShare * conversionRate * ratio
  const others = people * (1 - design.holdoutShare) * conversionRate
  return { heldOut, others, variance: ratio ** 2 * (1 / heldOut + 1 / others) }
}

/**
 * By how much the best allocation is expected to bring more once a channel was measured, as a part of revenue; at least 0.
 *
 * What will be believed after is normal around what is believed now: effects move along one line, by their gains times a surprise of
 * variance before² + measurement. Revenue is linear in effects for any budgets, so the value of knowing is the mean of the best value
 * over that, less the best value now. The mean is taken by Simpson's rule over five deviations on either side.
 * @param spends  what is spent on each channel now.
 * @see Raiffa & Schlaifer, "Applied Statistical Decision Theory" (1961), ch. 4: preposterior analysis; Frazier, Powell & Dayanik,
 *   INFORMS Journal on Computing 21 (2009), for beliefs that go together.
 * O(steps · channels · log channels).
 */
export function valueOfInformation(
  joint: Joint,
  spends: readonly number[],
  index: number,
  variance: number,
  response: Response,
): number {
  if (!(joint.covariance[index]![index]! > 0)) return 0
  const surprise = Math.sqrt(joint.covariance[index]![index]! + variance)
  const moves = gainsOf(joint, index, variance).map((gain) => gain * surprise)
  const best = (z: number) => {
    const after = spends.map((spend, i) => ({ spend, effect: joint.effects[i]! + moves[i]! * z }))
    return valueOf(after, allocate(after, response), response)
  }
  const step = (2 * REACH) / STEPS
  let [sum, mass] = [0, 0]
  for (let i = 0; i <= STEPS; i++) {
    const z = -REACH + i * step
    const weight = (i === 0 || i === STEPS ? 1 : i % 2 === 1 ? 4 : 2) * Math.exp((-z * z) / 2)
    sum += weight * best(z)
    mass += weight
  }
  return Math.max(0, sum / mass - best(0))
}

/**
 * For each channel the experiment that is worth most after its cost, the worthiest first. A test costs what the people left out
 * would have brought, less what is not spent on them.
 * O(channels² · designs · steps).
 */
export function proposeExperiments(
  beliefs: readonly Belief[],
  audience: Audience,
  options: ProposalOptions,
): Proposal[] {
  const designs = options.holdoutShares.flatMap((holdoutShare) =>
    options.durationsWeeks.map((weeks) => ({ holdoutShare, weeks })),
  )
  const best = beliefs.flatMap((_, index) =>
    designs
      .map((design) => weigh(beliefs, index, design, audience, options))
      .sort((a, b) => b.netMinor - a.netMinor || a.weeks - b.weeks)
      .slice(0, 1),
  )
  return best.sort((a, b) => b.netMinor - a.netMinor || a.channel.localeCompare(b.channel))
}

function weigh(
  beliefs: readonly Belief[],
  index: number,
  design: Design,
  audience: Audience,
  options: ProposalOptions,
): Proposal {
  const { channel, effect, weeklySpendMinor } = beliefs[index]!
  const joint = jointOf(beliefs)
  const spends = beliefs.map((belief) => belief.weeklySpendMinor)
  const { heldOut, others, variance } = liftVariance(design, audience, effect)
  const { holdoutShare, weeks } = design
  const people = audience.weeklyPeople * weeks
  const value = valueOfInformation(joint, spends, index, variance, options)
  const after = update(joint, index, { lift: effect, variance })
  const left = Math.max(0, options.horizonWeeks - weeks)
  const valueMinor = Math.round(value * audience.weeklyRevenueMinor * left)
  const lost = Math.max(0, effect) * audience.weeklyRevenueMinor - weeklySpendMinor
  const costMinor = Math.round(holdoutShare * weeks * lost)
  const needed = (variance * weeks * (Z_LEVEL + Z_POWER) ** 2) / effect ** 2
  return {
    channel,
    ...design,
    peopleHeldOut: Math.round(people * holdoutShare),
    peopleOthers: Math.round(people * (1 - holdoutShare)),
    expectedConversionsHeldOut: heldOut,
    expectedConversionsOthers: others,
    measurementDeviation: Math.sqrt(variance),
    deviationBefore: deviationOf(joint, index),
    deviationAfter: deviationOf(after, index),
    power: powerOf(effect, Math.sqrt(variance)),
    weeksForPower: effect > 0 ? Math.ceil(needed) : null,
    value,
    valueMinor,
    costMinor,
    netMinor: valueMinor - costMinor,
  }
}

const deviationOf = ({ covariance }: Joint, index: number) => Math.sqrt(covariance[index]![index]!)

/** The probability that a measurement with this deviation tells the effect from none at 5 %, two-sided. */
export function powerOf(effect: number, deviation: number): number {
  const ratio = effect / deviation
  return normal(ratio - Z_LEVEL) + normal(-ratio - Z_LEVEL)
}

/** The standard normal distribution function. @see Abramowitz & Stegun 26.2.17; |error| < 7.5e-8. */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const tail =
    (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return z >= 0 ? 1 - tail : tail
}
