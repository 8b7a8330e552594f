import { DAY_MS } from '#core/time.ts'
import { calibrateByExperiments, correct, intervalOf } from './adjust.ts'
import type { Evidence } from './adjust.ts'
import { counterfactualOf, noCounterfactual } from './counterfactual.ts'
import type { Counterfactual } from './counterfactual.ts'
import {
  bootstrapShares,
  creditConversions,
  expectedRevenue,
  overlapOf,
  sumShares,
} from './credit.ts'
import { requireJourneys } from './data.ts'
import type { AccountJourneys } from './data.ts'
import { fitEnsemble, HALF_LIVES_DAYS } from './ensemble.ts'
import type { Ensemble } from './ensemble.ts'
import { liftsOf, readExperiments } from './holdouts.ts'
import type { Experiment, NamedLift } from './holdouts.ts'
import { fitToShares, toMinor } from './ledger.ts'
import { pullsOf } from './pull.ts'

export interface CausalOptions {
  /** Channels that are no marketing: signs of intent without an effect of their own. */
  notMarketing?: (channel: string) => boolean
  /** Whether random holdouts calibrate the credit; true unless given. */
  usesHoldouts?: boolean
  /** Lifts that were measured elsewhere; they calibrate as those of the data do. */
  lifts?: readonly NamedLift[]
  /** Of the bootstrap; 50 unless given, 0 for none (intervals then hold what is learnt only). */
  replicates?: number
  seed?: number
}

/** What a causal model answers. Width is channels + 1: the baseline stands last. */
export interface CausalAnswer {
  /** Shares of expected revenue with a 90 % interval each; shares sum to 1. */
  shares: Float64Array
  low: Float64Array
  high: Float64Array
  /** Shares of expected revenue of each campaign, in the data's order; with the baseline they sum to 1. */
  campaignShares: Float64Array
  /** v · width: share of each conversion that each channel and the baseline get; a row sums to 1. */
  credit: Float64Array
  /** v · width: what of each conversion's revenue each channel and the baseline get, whole minor units. */
  creditMinor: Float64Array
  /** How far each channel follows what also makes conversions. */
  pulls: Float64Array
  /** By which any conversion can be credited alone, also one that comes later. */
  counterfactual: Counterfactual
  experiments: Experiment[]
  /** Shares ÷ removals, at most 1: removals of channels overlap, and what an experiment measures is a removal. */
  overlap: number
}

const FEWEST_CONVERSIONS = 10

/** Names under which people come without any marketing of ours. */
const NOT_MARKETING = new Set(['direct', '(direct)', 'none', '(none)', '(not set)', 'unknown'])

export function isNotMarketing(channel: string): boolean {
  return NOT_MARKETING.has(channel.toLowerCase())
}

/**
 * Credits revenue by what would be missing without each channel, and says what would have come anyway.
 *
 * Hazards of converting, with remembered and saturating touches, are fitted to conversions and sampled
 * moments without one. Intent that nobody sees is inferred from touches so far and stands beside their
 * effects. What remains of it is corrected as simulated worlds taught; random holdouts outweigh the model
 * where they are more certain. Observational attribution stays uncertain: the intervals say how much.
 *
 * @throws RangeError when columns do not fit together.
 * @see Ji & Wang, AAAI 2017 (hazards); Gordon, Moakler & Zettelmeyer, arXiv 2201.07055 (why holdouts).
 * O(touches + members · rows · columns²): some seconds for 600,000 touches, however many accounts.
 */
export function attributeCausally(
  data: AccountJourneys,
  options: CausalOptions = {},
): CausalAnswer {
  requireJourneys(data)
  const width = data.channels.length + 1
  const experiments = [
    ...(options.usesHoldouts === false ? [] : readExperiments(data)),
    ...liftsOf(data, options.lifts ?? []),
  ]
  if (data.conversionMs.length < FEWEST_CONVERSIONS) return answerNothing(data, experiments)
  const { evidence, credit, weights, ensemble } = gatherEvidence(data, options)
  const overlap = overlapOf(ensemble)
  const estimate = calibrateByExperiments(correct(evidence), experiments, overlap, evidence.pulls)
  const factors = fitToShares(credit, width, weights, estimate.shares)
  return {
    shares: estimate.shares,
    ...intervalOf(estimate),
    campaignShares: shareCampaigns(data, credit, weights, estimate.shares),
    credit,
    creditMinor: toMinor(credit, width, data.revenueMinor),
    pulls: evidence.pulls,
    counterfactual: counterfactualOf(data, ensemble, factors),
    experiments,
    overlap,
  }
}

/** What the data alone say, before anything is corrected or calibrated; the dear part of the work. */
export function gatherEvidence(
  data: AccountJourneys,
  { notMarketing = isNotMarketing, replicates = 50, seed = 1 }: CausalOptions,
): { evidence: Evidence; credit: Float64Array; weights: Float64Array; ensemble: Ensemble } {
  const ensemble = fitEnsemble(data, { notMarketing, seed })
  const weights = expectedRevenue(data)
  const credit = creditConversions(data, ensemble)
  const evidence = {
    shares: sumShares(credit, data.channels.length + 1, (i) => weights[i]!),
    bootstrap: bootstrapShares(data, ensemble, weights, replicates, seed),
    pulls: pullsOf(data, ensemble),
    conversions: data.conversionMs.length,
  }
  return { evidence, credit, weights, ensemble }
}

/** With hardly a conversion nothing can be told: all is baseline, and nothing is certain. */
function answerNothing(data: AccountJourneys, experiments: Experiment[]): CausalAnswer {
  const width = data.channels.length + 1
  const shares = new Float64Array(width)
  shares[width - 1] = 1
  const credit = new Float64Array(data.revenueMinor.length * width)
  const creditMinor = new Float64Array(data.revenueMinor.length * width)
  data.revenueMinor.forEach((minor, i) => {
    credit[i * width + width - 1] = 1
    creditMinor[i * width + width - 1] = minor
  })
  return {
    shares,
    low: new Float64Array(width),
    high: new Float64Array(width).fill(1),
    campaignShares: new Float64Array(data.campaigns.length),
    credit,
    creditMinor,
    pulls: new Float64Array(data.channels.length),
    counterfactual: noCounterfactual(data),
    experiments,
    overlap: 1,
  }
}

/** Shares out what each channel gets from a conversion to its campaigns, by what is remembered of their touches. */
function shareCampaigns(
  data: AccountJourneys,
  credit: Float64Array,
  weights: Float64Array,
  shares: Float64Array,
): Float64Array {
  const width = data.channels.length + 1
  const sums = new Float64Array(data.campaigns.length)
  const stock = new Float64Array(data.campaigns.length)
  const channelStock = new Float64Array(data.channels.length)
  const rate = Math.LN2 / (HALF_LIVES_DAYS[1]! * DAY_MS)
  for (let i = 0; i < weights.length; i++) {
    const unit = data.conversionUnit[i]!
    const [from, to] = [data.touchOffsets[unit]!, data.touchOffsets[unit + 1]!]
    const end = data.conversionMs[i]!
    const remembered = (t: number) => Math.exp(-(end - data.touchMs[t]!) * rate)
    for (let t = from; t < to && data.touchMs[t]! <= end; t++) {
      stock[data.touchCampaign[t]!]! += remembered(t)
      channelStock[data.touchChannel[t]!]! += remembered(t)
    }
    for (let t = from; t < to && data.touchMs[t]! <= end; t++) {
      const campaign = data.touchCampaign[t]!
      const channel = data.touchChannel[t]!
      if (channelStock[channel]! > 0)
        sums[campaign]! +=
          (weights[i]! * credit[i * width + channel]! * stock[campaign]!) / channelStock[channel]!
      stock[campaign] = 0
    }
    for (let t = from; t < to; t++) channelStock[data.touchChannel[t]!] = 0
  }
  const byChannel = new Float64Array(data.channels.length)
  sums.forEach((sum, campaign) => {
    byChannel[data.campaignChannel[campaign]!]! += sum
  })
  return sums.map((sum, campaign) => {
    const channel = data.campaignChannel[campaign]!
    return byChannel[channel]! > 0 ? (sum / byChannel[channel]!) * shares[channel]! : 0
  })
}
