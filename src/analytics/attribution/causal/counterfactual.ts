import { DAY_MS } from '#core/time.ts'
import { shareOut } from './credit.ts'
import type { AccountJourneys } from './data.ts'
import { HALF_LIVES_DAYS, saturated } from './ensemble.ts'
import type { Ensemble } from './ensemble.ts'
import type { Link } from './fit.ts'

/** What the model keeps to credit a single conversion, now or later: plain JSON. */
export interface Counterfactual {
  /** Channels that may have an effect. */
  channels: string[]
  /** Channels that are no marketing: their touches get nothing. */
  without: string[]
  /** One hazard each; weights sum to 1. `coefficients`: channel · half-lives + h, not below 0. */
  members: { link: Link; weight: number; coefficients: number[] }[]
  /** What the shares of each channel are multiplied by before they are made to sum to 1 again: corrected and calibrated totals come out. */
  factors: number[]
  /** The same for what would have come anyway. */
  baseline: number
}

/** Members below this weight move nothing that anyone sees. */
const NEGLIGIBLE = 1e-6

/** @param factors  by channel of the data, the baseline's last. */
export function counterfactualOf(
  data: AccountJourneys,
  { effective, input, members }: Ensemble,
  factors: Float64Array,
): Counterfactual {
  const kept = members.filter(({ weight }) => weight > NEGLIGIBLE)
  const total = kept.reduce((sum, { weight }) => sum + weight, 0)
  return {
    channels: effective.map((c) => data.channels[c]!),
    without: data.channels.filter((_, c) => !effective.includes(c)),
    members: kept.map(({ link, weight, fit }) => ({
      link,
      weight: weight / total,
      coefficients: [...fit.coefficients.subarray(input.contextWidth)],
    })),
    factors: effective.map((c) => factors[c]!),
    baseline: factors.at(-1)!,
  }
}

/** A model that knows nothing: all would have come anyway. */
export function noCounterfactual(data: AccountJourneys): Counterfactual {
  return { channels: [], without: [...data.channels], members: [], factors: [], baseline: 1 }
}

/**
 * Divides a conversion by what would be missing without each channel.
 *
 * @param touchedAtMs  ascending; those after `convertedAtMs` are no part of it.
 * @param out  gets the shares of the touches from `from` up to `to` at their positions.
 * @returns the share that would have come anyway; shares and baseline sum to 1 within 1e-12.
 */
export type CounterfactualWriter = (
  touches: { touchedAtMs: Float64Array; channel: Uint16Array },
  from: number,
  to: number,
  out: Float64Array,
  convertedAtMs: number,
) => number

/**
 * The writer for journeys whose channels have the positions of these names. A channel that the fit never saw counts as the mean
 * of those it saw.
 *
 * Within a channel its touches are told apart by how well they are remembered, as campaigns are.
 * O(touches + members · channels of the journey) a conversion.
 */
export function counterfactualWriter(
  model: Counterfactual,
  names: readonly string[],
): CounterfactualWriter {
  const lives = HALF_LIVES_DAYS.length
  const known = model.channels.length
  const number = new Map(model.channels.map((name, k) => [name, k]))
  for (const name of model.without) number.set(name, -1)
  // The mean of all stands behind them.
  const places = Int32Array.from(names, (name) => number.get(name) ?? (known > 0 ? known : -1))
  const members = model.members.map((member) => ({
    ...member,
    coefficients: withMean(member.coefficients, lives),
  }))
  const factors = [...withMean(model.factors, 1), model.baseline]
  const rates = HALF_LIVES_DAYS.map((days) => Math.LN2 / (days * DAY_MS))
  const width = known + 2
  const stock = new Float64Array((known + 1) * lives)
  const credit = new Float64Array(width)
  return ({ touchedAtMs, channel }, from, to, out, convertedAtMs) => {
    const met: number[] = []
    const remembered = (i: number, h: number) =>
      Math.exp(-Math.max(0, convertedAtMs - touchedAtMs[i]!) * rates[h]!)
    for (let i = from; i < to; i++) {
      const k = places[channel[i]!]!
      if (k < 0) continue
      if (stock[k * lives] === 0) met.push(k)
      for (let h = 0; h < lives; h++) stock[k * lives + h]! += remembered(i, h)
    }
    for (const member of members) {
      let push = 0
      const parts = Float64Array.from(met, (k) => {
        let part = 0
        for (let h = 0; h < lives; h++)
          part += saturated(stock[k * lives + h]!) * member.coefficients[k * lives + h]!
        push += part
        return part
      })
      shareOut(credit, 0, met, parts, push, member, width)
    }
    if (members.length === 0) credit[width - 1] = 1
    const sum = scale(credit, factors, met, width)
    for (let i = from; i < to; i++) {
      const k = places[channel[i]!]!
      out[i] = k < 0 ? 0 : (credit[k]! / sum) * (remembered(i, 1) / stock[k * lives + 1]!)
    }
    const baseline = credit[width - 1]! / sum
    credit.fill(0)
    for (const k of met) stock.fill(0, k * lives, (k + 1) * lives)
    return baseline
  }
}

/** @returns the sum after the scaling; above 0. */
function scale(
  credit: Float64Array,
  factors: readonly number[],
  met: readonly number[],
  width: number,
): number {
  let sum = 0
  for (const k of [...met, width - 1]) {
    credit[k]! *= factors[k]!
    sum += credit[k]!
  }
  if (sum > 0) return sum
  credit[width - 1] = 1
  return 1
}

/** Rows of `width`, and the mean of them behind. */
function withMean(rows: readonly number[], width: number): Float64Array {
  const count = rows.length / width
  const all = new Float64Array(rows.length + width)
  all.set(rows)
  rows.forEach((value, i) => {
    all[rows.length + (i % width)]! += value / count
  })
  return all
}
