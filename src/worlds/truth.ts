import type { CampaignPlan } from './campaigns.ts'
import type { ChannelKey } from './causes.ts'
import { simulateExposure } from './exposure.ts'
import type { Exposure, Scene } from './exposure.ts'
import { expectWon, integrateHazard } from './hazard.ts'

/** What a cause truly brings: the revenue expected to be lost when it alone is switched off. */
export interface TrueEffect {
  incrementalRevenueMinor: number
  incrementalDeals: number
  /** Its part of all revenue, in [0, 1]. */
  share: number
}

/** What nobody can see in a real company. */
export interface WorldTruth {
  /** Expected won deals opened in the world's weeks, and their revenue; EUR minor units, not rounded. */
  expectedDeals: number
  expectedRevenueMinor: number
  /** What would have come anyway, with every channel switched off. */
  baseline: TrueEffect
  /** With the baseline these shares sum to 1. */
  channels: Record<ChannelKey, TrueEffect>
  /** By campaign key; with the baseline, and nothing for coming directly, these shares sum to 1. */
  campaigns: Record<string, TrueEffect>
}

/**
 * The truth by removal: the world is lived through again without each channel and campaign, under the
 * same luck, others reacting (no visit, no retargeting); the expected revenue that is missing is what
 * it brought. Removals overlap, so shares are those of the whole incremental part: (1 − baseline) ·
 * removal ⁄ Σ removals.
 *
 * Expected over the luck of openings and wins, on the touches of this world; so it is exact for this
 * world, and not as noisy as its few won deals.
 * O((channels + campaigns) · people · weeks · sources).
 */
export function measureTruth(
  scene: Scene,
  plans: readonly CampaignPlan[],
  factual: Exposure,
  sums: Float64Array,
  scale: number,
): WorldTruth {
  const whole = expectWon(scene, sums, scale)
  const without = (isOff: (source: number) => boolean) => {
    const off = Uint8Array.from(scene.sources, (_, source) => (isOff(source) ? 1 : 0))
    const exposure = simulateExposure(scene, off, factual)
    return expectWon(scene, integrateHazard(scene, exposure, { exposure: factual, sums }), scale)
  }
  const baseline = without(() => true)
  const baselineShare = baseline.revenueMinor / whole.revenueMinor
  const channels = scene.channels.map(({ key }, channel) => ({
    key,
    rest: without((source) => scene.sources[source]!.channel === channel),
  }))
  const campaigns = plans.map(({ key }, campaign) => ({
    key,
    rest: without((source) => source === campaign),
  }))
  return {
    expectedDeals: whole.deals,
    expectedRevenueMinor: whole.revenueMinor,
    baseline: {
      incrementalRevenueMinor: baseline.revenueMinor,
      incrementalDeals: baseline.deals,
      share: baselineShare,
    },
    channels: shareOut(channels, whole, 1 - baselineShare),
    campaigns: shareOut(campaigns, whole, 1 - baselineShare),
  }
}

interface Won {
  deals: number
  revenueMinor: number
}

function shareOut(
  causes: readonly { key: string; rest: Won }[],
  whole: Won,
  share: number,
): Record<string, TrueEffect> {
  const total = causes.reduce((sum, { rest }) => sum + whole.revenueMinor - rest.revenueMinor, 0)
  return Object.fromEntries(
    causes.map(({ key, rest }) => {
      const incrementalRevenueMinor = whole.revenueMinor - rest.revenueMinor
      const effect: TrueEffect = {
        incrementalRevenueMinor,
        incrementalDeals: whole.deals - rest.deals,
        share: total > 0 ? (share * incrementalRevenueMinor) / total : 0,
      }
      return [key, effect]
    }),
  )
}
