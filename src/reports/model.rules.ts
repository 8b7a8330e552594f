import { shareWriter, type RuleSettings } from '#analytics/attribution/rules.ts'
import { shapleyWriter } from '#analytics/attribution/shapley.ts'
import { Problem } from '#core/problem.ts'
import { DAY_MS } from '#core/time.ts'
import type { FittedModel } from '#reports/fit.rules.ts'
import {
  isFittedMethod,
  type ModelDefinition,
  type ModelParameters,
} from '#reports/model.schema.ts'

/** The touches of many journeys as columns, each journey from one position up to another. */
export interface JourneyColumns {
  /** Epoch milliseconds, ascending within a journey. */
  touchedAtMs: Float64Array
  /** Channels by the number they have among those that the model was bound to. */
  channel: Uint16Array
  /** People, numbered within their deal. */
  person: Uint16Array
}

/** When the lead and the deal came about and the deal closed, epoch milliseconds. */
export interface JourneyDates {
  /** Null: no lead is known. */
  leadAtMs: number | null
  openedAtMs: number
  closedAtMs: number
}

/**
 * Writes the shares of the touches from `from` up to `to`, at least one, to the same positions of `out`.
 * @returns the baseline: the part of the deal that would have come anyway, in [0, 1]. Shares and baseline sum to 1 within 1e-9.
 */
export type CreditWriter = (
  touches: JourneyColumns,
  from: number,
  to: number,
  out: Float64Array,
  dates: JourneyDates,
) => number

/** A model as the ledger runs it. */
export interface CreditModel {
  model: string
  /** Changes whenever the same journey may get other shares: by definition and fit. */
  version: string
  hasBaseline: boolean
  /** The writer for journeys whose channels have the positions of these names. */
  bind(channels: readonly string[]): CreditWriter
}

/** Which settings each method takes; rules without any are not listed. */
const settingsOf: Readonly<Record<string, readonly (keyof ModelParameters)[]>> = {
  time_decay: ['halfLifeDays'],
  last_non_direct: ['directChannel'],
  custom: ['milestones', 'rest'],
  markov: ['order'],
  markov_shapley: ['order'],
}

/** @throws Problem `attribution.model_invalid` when a setting does not belong to the method, or one that it needs is missing. */
export function requireSound({ method, parameters }: ModelDefinition): void {
  const allowed = settingsOf[method] ?? []
  const refuse = (setting: string, detail: string) =>
    new Problem('attribution.model_invalid', `The method ${method} does not fit: ${detail}`, {
      errors: [{ pointer: `/parameters/${setting}`, detail }],
    })
  for (const setting of Object.keys(parameters)) {
    if (!allowed.includes(setting as keyof ModelParameters))
      throw refuse(setting, `Leave out ${setting}, which is of another method.`)
  }
  if (method !== 'custom') return
  const { milestones, rest } = parameters
  if (milestones === undefined || rest === undefined)
    throw refuse('milestones', 'Give the weights of milestones and of the rest.')
  if (rest === 0 && milestones.every((weight) => weight === 0))
    throw refuse('milestones', 'Make at least one weight above 0.')
}

/** @param fit  of a fitted method; rules take none. */
export function creditModelOf(
  model: string,
  version: string,
  definition: Pick<ModelDefinition, 'method' | 'journey' | 'parameters'>,
  fit: FittedModel | null,
): CreditModel {
  const { method, journey, parameters } = definition
  const bindOne = fit
    ? (channels: readonly string[]) => fit.bind(channels)
    : (channels: readonly string[]) => ruleWriter(method, parameters, channels)
  return {
    model,
    version,
    hasBaseline: fit?.hasBaseline ?? false,
    bind: journey === 'account' ? bindOne : (channels) => byPerson(bindOne(channels)),
  }
}

function ruleWriter(
  method: ModelDefinition['method'],
  parameters: ModelParameters,
  channels: readonly string[],
): CreditWriter {
  if (isFittedMethod(method)) throw new Error(`The method ${method} is fitted: it has no rule.`)
  const { halfLifeDays, directChannel = 'direct', milestones, rest } = parameters
  const settings: RuleSettings = { directChannel: channels.indexOf(directChannel) }
  if (halfLifeDays !== undefined) settings.halfLifeMs = halfLifeDays * DAY_MS
  if (milestones !== undefined && rest !== undefined) settings.weights = { milestones, rest }
  const write = method === 'shapley' ? shapleyWriter() : shareWriter(method, settings)
  return (touches, from, to, out, { leadAtMs, openedAtMs }) => {
    write(touches, from, to, out, from, [leadAtMs ?? openedAtMs, openedAtMs])
    return 0
  }
}

/** Each person with a touch gets the same part, divided among that person's touches by the model. */
function byPerson(write: CreditWriter): CreditWriter {
  return (touches, from, to, out, dates) => {
    const positions = new Map<number, number[]>()
    for (let i = from; i < to; i++) {
      const own = positions.get(touches.person[i]!)
      if (own) own.push(i)
      else positions.set(touches.person[i]!, [i])
    }
    if (positions.size === 1) return write(touches, from, to, out, dates)
    let baseline = 0
    for (const own of positions.values()) {
      const journey: JourneyColumns = {
        touchedAtMs: Float64Array.from(own, (i) => touches.touchedAtMs[i]!),
        channel: Uint16Array.from(own, (i) => touches.channel[i]!),
        person: new Uint16Array(own.length),
      }
      const shares = new Float64Array(own.length)
      baseline += write(journey, 0, own.length, shares, dates) / positions.size
      own.forEach((i, k) => (out[i] = shares[k]! / positions.size))
    }
    return baseline
  }
}
