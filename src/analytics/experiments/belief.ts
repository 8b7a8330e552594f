/** What is believed of a channel: by a model's interval, narrowed by the experiments before. */
export interface Belief {
  channel: string
  /** What is spent a week, minor units, above 0. */
  weeklySpendMinor: number
  /** The part of revenue that would be missing without the channel, and its standard deviation. */
  effect: number
  deviation: number
  /** Whether an experiment narrowed it: what is left of the doubt is then the channel's own. */
  isMeasured: boolean
}

/** What is believed of all channels at once: a normal distribution of their effects. */
export interface Joint {
  effects: number[]
  /** Covariances of effects, by channel and channel. */
  covariance: number[][]
}

/**
 * Errors of the model, as simulated worlds teach them (likeliest values; kinds of journeys on seeds 100 and 101, at 15 % of their size):
 * `common` is the deviation of the part by which all effects are too high or too low together, since what would have come anyway is the
 * least known; `own` is what multiplies a channel's variance, and `relative` is added to it as a part of the squared effect.
 */
const ERRORS = { common: 0.25, own: 1.5, relative: 0.07 }

/** What is believed of all channels, before any more is measured. */
export function jointOf(beliefs: readonly Belief[]): Joint {
  const shared = beliefs.map(({ effect, isMeasured }) => (isMeasured ? 0 : ERRORS.common * effect))
  const own = beliefs.map(({ effect, deviation, isMeasured }) =>
    isMeasured ? deviation ** 2 : ERRORS.own * deviation ** 2 + ERRORS.relative * effect ** 2,
  )
  return {
    effects: beliefs.map(({ effect }) => effect),
    covariance: shared.map((one, i) =>
      shared.map((other, j) => one * other + (i === j ? own[i]! : 0)),
    ),
  }
}

/** How the effects move together for a measurement of one channel that is off by one: its covariances ⁄ (variance + measurement). */
export function gainsOf({ covariance }: Joint, index: number, variance: number): number[] {
  const total = covariance[index]![index]! + variance
  return covariance.map((row) => (total > 0 ? row[index]! / total : 0))
}

/**
 * Beliefs once a channel was measured: a channel's own effect becomes the precision-weighted mean of belief and measurement, and the
 * others follow as far as their errors go together with its error.
 * O(channels²).
 */
export function update(
  joint: Joint,
  index: number,
  measured: { lift: number; variance: number },
): Joint {
  const gains = gainsOf(joint, index, measured.variance)
  const surprise = measured.lift - joint.effects[index]!
  const ofMeasured = joint.covariance[index]!
  return {
    effects: joint.effects.map((effect, i) => effect + gains[i]! * surprise),
    covariance: joint.covariance.map((row, i) =>
      row.map((value, j) => value - gains[i]! * ofMeasured[j]!),
    ),
  }
}
