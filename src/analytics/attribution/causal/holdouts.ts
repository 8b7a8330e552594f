import type { AccountJourneys } from './data.ts'

/** What a random holdout of a channel says: the part of conversions that the channel brings. */
export interface Experiment {
  channel: number
  /** 1 − rate of those left out ÷ rate of those who are in no holdout; below 0 when luck has it. */
  lift: number
  variance: number
  heldOut: number
  conversionsHeldOut: number
  others: number
  conversionsOthers: number
}

/** A lift that was measured elsewhere, of a channel by its name. */
export type NamedLift = Omit<Experiment, 'channel'> & { channel: string }

/** Lifts of the channels that the data know. */
export function liftsOf(data: AccountJourneys, named: readonly NamedLift[]): Experiment[] {
  return named.flatMap((lift) => {
    const channel = data.channels.indexOf(lift.channel)
    return channel < 0 ? [] : [{ ...lift, channel }]
  })
}

/**
 * The intention-to-treat lift of each channel with a holdout. An account of several people counts to the
 * arm in proportion to its people.
 *
 * Variance of the ratio of two Poisson rates by the delta method: (rate ratio)² · (1 ⁄ n₀ + 1 ⁄ n₁).
 * @see Gordon et al., Marketing Science 38 (2019), for lift by intention to treat.
 * O(people).
 */
export function readExperiments(data: AccountJourneys): Experiment[] {
  const channels = data.channels.length
  const people = new Float64Array(channels + 1)
  const conversions = new Float64Array(channels + 1)
  const converted = new Float64Array(data.firstSeenMs.length)
  for (const unit of data.conversionUnit) converted[unit]! += 1
  for (let unit = 0; unit < converted.length; unit++) {
    const [from, to] = [data.personOffsets[unit]!, data.personOffsets[unit + 1]!]
    for (let p = from; p < to; p++) {
      const arm = data.heldOut[p]! >= 0 ? data.heldOut[p]! : channels
      people[arm]! += 1
      conversions[arm]! += converted[unit]! / (to - from)
    }
  }
  const found: Experiment[] = []
  for (let channel = 0; channel < channels; channel++) {
    if (people[channel]! < 100 || conversions[channel]! < 5 || conversions[channels]! < 5) continue
    const ratio =
      conversions[channel]! / people[channel]! / (conversions[channels]! / people[channels]!)
    found.push({
      channel,
      lift: 1 - ratio,
      variance: ratio ** 2 * (1 / conversions[channel]! + 1 / conversions[channels]!),
      heldOut: people[channel]!,
      conversionsHeldOut: conversions[channel]!,
      others: people[channels]!,
      conversionsOthers: conversions[channels]!,
    })
  }
  return found
}

/**
 * Model and experiment as their precision-weighted mean.
 *
 * @param variance  of the model's share, its bias included.
 * @returns the mean, not below 0, and its variance.
 */
export function combine(
  share: number,
  variance: number,
  experiment: { share: number; variance: number },
): { share: number; variance: number } {
  const weight = variance / (variance + experiment.variance)
  return {
    share: Math.max(0, share + weight * (experiment.share - share)),
    variance: variance * (1 - weight),
  }
}
