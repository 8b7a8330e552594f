import type { Credit, Interval } from '#analytics/attribution/bootstrap.ts'
import type { Journeys } from '#analytics/attribution/journeys.ts'
import { attributionModels } from '#analytics/attribution/models.ts'
import { fitShareWeights } from '#analytics/attribution/share-weights.ts'
import type { ShareIntervals } from '#reports/compare.rules.ts'
import type { CreditWriter } from '#reports/model.rules.ts'
import type { ModelMethod, ModelParameters } from '#reports/model.schema.ts'

/** What a computed model learned, ready to credit journeys. */
export interface FittedModel {
  hasBaseline: boolean
  /** The writer for journeys whose channels have the positions of these names. */
  bind(channels: readonly string[]): CreditWriter
}

/** A method that learns from all journeys. What it learned is plain JSON, so that it can be kept and restored. */
export interface FittableMethod {
  hasBaseline: boolean
  fit(journeys: Journeys, parameters: ModelParameters): Promise<unknown>
  /** @param coefficients  what `fit` gave, through JSON. */
  restore(coefficients: unknown): FittedModel
}

/** Threads that a fit may use; it runs beside requests. */
const WORKERS = 2
const SEED = 1

/** Intervals are drawn while that takes seconds: each replicate fits anew. */
const BOOTSTRAP_TOUCHES = 500_000
const REPLICATES = 40
const LEVEL = 0.9

/** The methods that are fitted. A new one is a line here. */
export const fittableMethods: Partial<Record<ModelMethod, FittableMethod>> = {
  markov: byChannelTotals('markov'),
  markov_shapley: byChannelTotals('markov_shapley'),
}

/** Weights by channel, and what a channel weighs that the fit never saw. */
interface ChannelWeights {
  weights: Record<string, number>
  unknown: number
  /** 90 % intervals of the shares of channels; null: there were too many touches to draw them again. */
  intervals: ShareIntervals | null
}

/**
 * A model of the registry that gives each channel its total: deals are divided by weights of channels that reach these totals.
 */
function byChannelTotals(name: string): FittableMethod {
  return {
    hasBaseline: false,
    async fit(journeys, { order = 1 }): Promise<ChannelWeights> {
      const model = attributionModels[name]!
      const isSmall = journeys.channel.length <= BOOTSTRAP_TOUCHES
      const bootstrap = isSmall ? { replicates: REPLICATES, level: LEVEL, seed: SEED } : null
      const options = { order, workers: WORKERS, bootstrap, seed: SEED }
      const { credit, interval } = await model.run(journeys, options)
      const hasValue = credit.value.some((value) => value > 0)
      // Without any amount, deals count alike.
      const valued = hasValue ? journeys : { ...journeys, value: journeys.conversions }
      const found = fitShareWeights(valued, hasValue ? credit.value : credit.conversions)
      const { channels } = journeys
      const whole = (hasValue ? credit.value : credit.conversions).reduce((a, b) => a + b, 0)
      const sum = found.reduce((a, b) => a + b, 0)
      return {
        weights: Object.fromEntries(channels.map((channel, c) => [channel, found[c]!])),
        unknown: channels.length === 0 ? 1 : sum / channels.length,
        intervals: interval && intervalsOf(interval, channels, hasValue, whole),
      }
    },
    restore: (coefficients) => weighted(coefficients as ChannelWeights),
  }
}

/** Bounds of each channel's amount over all that the data has. */
function intervalsOf(
  { low, high }: Interval,
  channels: readonly string[],
  hasValue: boolean,
  whole: number,
): ShareIntervals {
  const of = (credit: Credit, c: number) =>
    whole === 0 ? 0 : (hasValue ? credit.value[c]! : credit.conversions[c]!) / whole
  return Object.fromEntries(
    channels.map((channel, c) => [channel, { low: of(low, c), high: of(high, c) }]),
  )
}

function weighted({ weights, unknown }: ChannelWeights): FittedModel {
  return {
    hasBaseline: false,
    bind(channels) {
      const own = Float64Array.from(channels, (channel) => weights[channel] ?? unknown)
      return ({ channel }, from, to, out) => {
        let sum = 0
        for (let i = from; i < to; i++) sum += own[channel[i]!]!
        for (let i = from; i < to; i++) out[i] = sum > 0 ? own[channel[i]!]! / sum : 1 / (to - from)
        return 0
      }
    },
  }
}
