import type { Belief } from '#analytics/experiments/belief.ts'
import type { Audience } from '#analytics/experiments/proposal.ts'
import { DAY_MS } from '#core/time.ts'
import type { ShareIntervals } from '#reports/compare.rules.ts'
import type { Experiment } from '#reports/experiment.schema.ts'
import type { DataProfile } from '#reports/model.schema.ts'

/** The 95 % quantile of the normal distribution: a 90 % interval reaches so many deviations either way. */
const Z = 1.6448536269514722

/**
 * What a model believes of the effect of a channel, from the 90 % interval of its share: that is even around the square root of the
 * share. Shares sum to 1 with the baseline, while removals overlap; a test measures a removal, so that is what is believed of.
 *
 * @param overlap  shares ÷ removals.
 * @see `intervalOf` of the causal model.
 */
export function beliefOf(
  { low, high }: { low: number; high: number },
  overlap: number,
): Pick<Belief, 'effect' | 'deviation'> {
  return {
    effect: ((Math.sqrt(low) + Math.sqrt(high)) / 2) ** 2 / overlap,
    deviation: (high - low) / (2 * Z) / overlap,
  }
}

/** Channels that money is spent on, with what is believed of them, and those that are no choice. */
export function beliefsOf(
  { intervals, overlap }: { intervals: ShareIntervals; overlap: number },
  weeklySpend: ReadonlyMap<string, number>,
  { planned, measured }: { planned: ReadonlySet<string>; measured: ReadonlySet<string> },
): { beliefs: Belief[]; leftOut: { channel: string; reason: 'no_budget' | 'planned' }[] } {
  const channels = Object.keys(intervals).sort()
  const spendOf = (channel: string) => weeklySpend.get(channel) ?? 0
  return {
    beliefs: channels.flatMap((channel) =>
      spendOf(channel) > 0
        ? [
            {
              channel,
              weeklySpendMinor: spendOf(channel),
              ...beliefOf(intervals[channel]!, overlap),
              isMeasured: measured.has(channel),
            },
          ]
        : [],
    ),
    leftOut: channels.flatMap((channel): { channel: string; reason: 'no_budget' | 'planned' }[] => {
      if (spendOf(channel) <= 0) return [{ channel, reason: 'no_budget' }]
      return planned.has(channel) ? [{ channel, reason: 'planned' }] : []
    }),
  }
}

/** Whom a test can be made with: the journeys that a fit saw, by week. */
export function audienceOf(profile: DataProfile, weeklyRevenueMinor: number): Audience | null {
  const { journeys, wonJourneys, firstTouchAt, lastTouchAt } = profile
  if (firstTouchAt === null || lastTouchAt === null || wonJourneys === 0) return null
  const weeks = Math.max(
    1,
    (new Date(lastTouchAt).getTime() - new Date(firstTouchAt).getTime()) / (7 * DAY_MS),
  )
  return {
    weeklyPeople: journeys / weeks,
    conversionRate: Math.min(0.999, wonJourneys / journeys),
    weeklyRevenueMinor,
  }
}

type Counts = Pick<
  NonNullable<Experiment['result']>,
  'peopleHeldOut' | 'conversionsHeldOut' | 'peopleOthers' | 'conversionsOthers'
>

/** The lift of a finished test with its 90 % interval: the ratio of two Poisson rates, its variance by the delta method. */
export function resultOf(counts: Counts): NonNullable<Experiment['result']> {
  const { peopleHeldOut, conversionsHeldOut, peopleOthers, conversionsOthers } = counts
  const ratio = conversionsHeldOut / peopleHeldOut / (conversionsOthers / peopleOthers)
  const variance = ratio ** 2 * (1 / conversionsHeldOut + 1 / conversionsOthers)
  const half = Z * Math.sqrt(variance)
  return { ...counts, lift: 1 - ratio, variance, low: 1 - ratio - half, high: 1 - ratio + half }
}
