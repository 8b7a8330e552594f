import type { Chain } from './chain.ts'
import { NO_CHANNEL } from './journeys.ts'

/** What a single path loses without each channel, by the states that it passes through: plain JSON. */
export interface PathRemoval {
  order: number
  /** Channels by the numbers that states are made of. */
  channels: string[]
  /** S states as numbers: the last k channels, the newest in the lowest place, each its number + 1 to the base channels + 1. */
  states: number[]
  /** S × C: of what a visit to the state comes to, the part that goes through the channel. */
  effects: number[]
  /** C: the same for a visit to a state that is not listed. */
  overall: number[]
}

/** Beyond so many figures, the states that are visited least are left to `overall`. */
const MOST_FIGURES = 200_000
const MOST_SWEEPS = 2000
const TOLERANCE = 1e-10

/**
 * By state and channel, the removal effect from there on: 1 − P(conversion without the channel) ⁄ P(conversion). A state with
 * the channel in it has 1.
 *
 * P solves v = converts + P·v; without a channel, over the states that are left. Both are found by sweeps over the transitions.
 * @see Anderl et al. (2016), §3: the removal effect of the whole chain is the mean of these over the first states of
 *   converting journeys.
 * O(sweeps · E · C) time, two doubles a state and channel.
 */
export function pathRemovalOf(chain: Chain, channels: readonly string[]): PathRemoval {
  const { order, channelCount, visits, members, start } = chain
  const count = visits.length
  const whole = outlook(chain, -1)
  const effects = new Float64Array(count * channelCount)
  const overall = new Float64Array(channelCount)
  let all = 0
  for (let s = 0; s < count; s++) all += start[s]! * whole[s]!
  for (let c = 0; c < channelCount; c++) {
    const left = outlook(chain, c)
    let remaining = 0
    for (let s = 0; s < count; s++) {
      effects[s * channelCount + c] = whole[s]! > 0 ? 1 - left[s]! / whole[s]! : 0
      remaining += start[s]! * left[s]!
    }
    overall[c] = all > 0 ? 1 - remaining / all : 0
  }
  const kept = Array.from({ length: count }, (_, s) => s)
    .sort((a, b) => visits[b]! - visits[a]! || a - b)
    .slice(0, Math.floor(MOST_FIGURES / Math.max(1, channelCount)))
  const keyOf = (s: number) => {
    let key = 0
    for (let m = order - 1; m >= 0; m--) {
      const member = members[s * order + m]!
      key = key * (channelCount + 1) + (member === NO_CHANNEL ? 0 : member + 1)
    }
    return key
  }
  return {
    order,
    channels: [...channels],
    states: kept.map(keyOf),
    effects: kept.flatMap((s) => [...effects.subarray(s * channelCount, (s + 1) * channelCount)]),
    overall: [...overall],
  }
}

/** By state the probability of a conversion from there on; without a channel, states that hold it have none. */
function outlook(chain: Chain, without: number): Float64Array {
  const { order, visits, members, converts, entries, source, probability } = chain
  const count = visits.length
  const isLost = new Uint8Array(count)
  if (without >= 0)
    for (let m = 0; m < members.length; m++)
      if (members[m] === without) isLost[Math.floor(m / order)] = 1
  let values = converts.map((p, s) => (isLost[s] === 1 ? 0 : p))
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    const next = converts.slice()
    for (let target = 0; target < count; target++) {
      const value = values[target]!
      if (value === 0) continue
      for (let e = entries[target]!; e < entries[target + 1]!; e++)
        next[source[e]!]! += probability[e]! * value
    }
    let change = 0
    for (let s = 0; s < count; s++) {
      if (isLost[s] === 1) next[s] = 0
      change = Math.max(change, Math.abs(next[s]! - values[s]!))
    }
    values = next
    if (change < TOLERANCE) return values
  }
  throw new Error('The outlook of a chain did not converge.')
}

/** Writes what each touch from `from` up to `to` weighs; touches of one channel weigh alike, and together what the channel does. */
export type PathWriter = (channel: Uint16Array, from: number, to: number, out: Float64Array) => void

/**
 * The writer for journeys whose channels have the positions of these names.
 *
 * A path is the states that it passes through, identical neighbours once. What a channel of the path weighs is its removal effect
 * from each of these states on, on the mean: a moment after which most ways to a conversion lead through the channel counts for
 * it before it was met, and every moment with the channel in it does so fully. A channel that the fit never saw is in no known
 * state. Own method; for the journey's first state alone it is the removal effect of Anderl et al. in its parts.
 * O(touches · channels of the journey).
 */
export function pathWriter(model: PathRemoval, names: readonly string[]): PathWriter {
  const { order, effects, overall } = model
  const count = model.channels.length
  const numbers = new Map(model.channels.map((name, c) => [name, c]))
  // Channels of no fit get numbers behind: their states are in no table.
  const digit = Uint16Array.from(names, (name, i) => numbers.get(name) ?? count + i)
  const rows = new Map(model.states.map((key, row) => [key, row]))
  return (channel, from, to, out) => {
    const touches = new Map<number, number>()
    for (let i = from; i < to; i++) {
      const c = digit[channel[i]!]!
      touches.set(c, (touches.get(c) ?? 0) + 1)
    }
    const met = [...touches.keys()]
    const sums = new Map(met.map((c) => [c, 0]))
    let visits = 0
    let before: string | null = null
    for (let end = Math.min(from + order, to); end <= to; end++) {
      const state = Array.from(
        { length: Math.min(order, end - from) },
        (_, m) => digit[channel[end - 1 - m]!]!,
      )
      const name = state.join(' ')
      if (name === before) continue
      before = name
      visits += 1
      const isKnown = state.every((c) => c < count)
      const row = isKnown
        ? rows.get(state.reduceRight((key, c) => key * (count + 1) + c + 1, 0))
        : undefined
      for (const c of met) {
        const effect = state.includes(c)
          ? 1
          : row === undefined
            ? (overall[c] ?? 0)
            : (effects[row * count + c] ?? 0)
        sums.set(c, sums.get(c)! + effect)
      }
    }
    for (let i = from; i < to; i++) {
      const c = digit[channel[i]!]!
      out[i] = sums.get(c)! / visits / touches.get(c)!
    }
  }
}
