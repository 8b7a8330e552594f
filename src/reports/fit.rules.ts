import type { Credit, Interval } from '#analytics/attribution/bootstrap.ts'
import { estimateChain } from '#analytics/attribution/chain.ts'
import type { Journeys } from '#analytics/attribution/journeys.ts'
import { attributionModels, type AttributionModel } from '#analytics/attribution/models.ts'
import { causalCredit } from '#analytics/attribution/causal/from-journeys.ts'
import type { NamedLift } from '#analytics/attribution/causal/holdouts.ts'
import { counterfactualWriter } from '#analytics/attribution/causal/counterfactual.ts'
import type { Counterfactual } from '#analytics/attribution/causal/counterfactual.ts'
import { pathRemovalOf, pathWriter } from '#analytics/attribution/path-removal.ts'
import type { PathRemoval } from '#analytics/attribution/path-removal.ts'
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
  /** Whether it says what would have come anyway. */
  hasBaseline: boolean
  /** @param lifts  what experiments found; methods that know no effects leave them aside. */
  fit(
    journeys: Journeys,
    parameters: ModelParameters,
    lifts: readonly NamedLift[],
  ): Promise<unknown>
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
  markov: byTotals(attributionModels['markov']!, pathRemovals),
  markov_shapley: byTotals(attributionModels['markov_shapley']!),
  data_driven: byCounterfactuals(),
}

/** Weights by channel, and what a channel weighs that the fit never saw. */
interface ChannelWeights {
  weights: Record<string, number>
  unknown: number
  /** What the baseline weighs in each journey; 0: there is none. */
  baseline: number
  /** What a path loses without each of its channels; left out: touches of one channel weigh the same wherever they stand. */
  paths?: PathRemoval
  /** 90 % intervals of the shares of channels; null: there were too many touches to draw them again. */
  intervals: ShareIntervals | null
}

/**
 * A model of the registry that gives each channel, and the baseline, its total: deals are divided by weights that reach these
 * totals. A deal that comes later is divided by the same weights, until the next fit.
 *
 * @param pathsOf  what a single path loses without each of its channels: then a deal is divided by that, times the weights,
 *   which make the sums over all deals the model's own.
 */
function byTotals(
  model: AttributionModel,
  pathsOf: ((journeys: Journeys, order: number) => PathRemoval) | null = null,
): FittableMethod {
  return {
    hasBaseline: model.knowsBaseline,
    async fit(journeys, { order = 1 }): Promise<ChannelWeights> {
      const isSmall = journeys.channel.length <= BOOTSTRAP_TOUCHES
      const bootstrap = isSmall ? { replicates: REPLICATES, level: LEVEL, seed: SEED } : null
      const options = { order, workers: WORKERS, bootstrap, seed: SEED }
      const { credit, interval } = await model.run(journeys, options)
      const hasValue = credit.value.some((value) => value > 0)
      // Without any amount, deals count alike.
      const valued = hasValue ? journeys : { ...journeys, value: journeys.conversions }
      const totals = hasValue ? credit.value : credit.conversions
      const anyway = hasValue ? credit.baseline.value : credit.baseline.conversions
      const baseline = model.knowsBaseline ? anyway : 0
      const { channels } = journeys
      const paths = pathsOf?.(journeys, order)
      const pulls = paths ? pullsOf(journeys, paths) : null
      const found = fitShareWeights(valued, totals, baseline, pulls)
      const whole = totals.reduce((a, b) => a + b, baseline)
      const sum = found.subarray(0, channels.length).reduce((a, b) => a + b, 0)
      return {
        weights: Object.fromEntries(channels.map((channel, c) => [channel, found[c]!])),
        unknown: channels.length === 0 ? 1 : sum / channels.length,
        baseline: found.at(-1)!,
        ...(paths && { paths }),
        intervals: interval && intervalsOf(interval, channels, hasValue, whole),
      }
    },
    restore: (coefficients) => weighted(coefficients as ChannelWeights),
  }
}

function pathRemovals(journeys: Journeys, order: number): PathRemoval {
  return pathRemovalOf(estimateChain(journeys, order), journeys.channels)
}

/** What each touch weighs in its own path. */
function pullsOf({ offsets, channel, channels }: Journeys, paths: PathRemoval): Float64Array {
  const pulls = new Float64Array(channel.length)
  const write = pathWriter(paths, channels)
  for (let j = 0; j + 1 < offsets.length; j++)
    if (offsets[j]! < offsets[j + 1]!) write(channel, offsets[j]!, offsets[j + 1]!, pulls)
  return pulls
}

interface KeptCounterfactual extends Counterfactual {
  /** Shares ÷ removals: by it experiments and intervals come to one scale. */
  overlap: number
  intervals: ShareIntervals | null
}

/** Each deal is divided by what it would lack without each of its own channels, at the times of its own touches. */
function byCounterfactuals(): FittableMethod {
  return {
    hasBaseline: true,
    async fit(journeys, _parameters, lifts): Promise<KeptCounterfactual> {
      const { interval, counterfactual, overlap } = causalCredit(journeys, REPLICATES, SEED, lifts)
      const hasValue = journeys.value.some((value) => value > 0)
      const whole = (hasValue ? journeys.value : journeys.conversions).reduce((a, b) => a + b, 0)
      const { channels } = journeys
      return {
        ...counterfactual,
        overlap,
        intervals: interval && intervalsOf(interval, channels, hasValue, whole),
      }
    },
    restore(coefficients) {
      const model = coefficients as KeptCounterfactual
      return {
        hasBaseline: true,
        bind(channels) {
          const write = counterfactualWriter(model, channels)
          return (touches, from, to, out, { closedAtMs }) =>
            write(touches, from, to, out, closedAtMs)
        },
      }
    },
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

function weighted({ weights, unknown, baseline, paths }: ChannelWeights): FittedModel {
  return {
    hasBaseline: baseline > 0,
    bind(channels) {
      const own = Float64Array.from(channels, (channel) => weights[channel] ?? unknown)
      const pull = paths ? pathWriter(paths, channels) : null
      return ({ channel }, from, to, out) => {
        if (pull) pull(channel, from, to, out)
        else out.fill(1, from, to)
        let sum = baseline
        for (let i = from; i < to; i++) sum += out[i]! *= own[channel[i]!]!
        for (let i = from; i < to; i++) out[i] = sum > 0 ? out[i]! / sum : 1 / (to - from)
        return sum > 0 ? baseline / sum : 0
      }
    },
  }
}
