import { seededRandom } from '#core/random.ts'
import { emptyCredit } from './bootstrap.ts'
import type { Credit } from './bootstrap.ts'
import { estimateChain } from './chain.ts'
import type { Journeys } from './journeys.ts'
import { NO_CHANNEL } from './journeys.ts'
import { untouchedOf } from './linear-credit.ts'
import { solveRemovals } from './removal.ts'
import type { ShareWriter } from './rules.ts'

/** What coalitions of players are worth. Each is n flags by player: 1 takes part. */
export type Game = (coalitions: readonly Uint8Array[]) => {
  conversions: Float64Array
  value: Float64Array
}

export interface ShapleySettings {
  /** Up to how many players every coalition is looked at; above it orders are drawn. */
  exactUpTo: number
  /** How many pairs of orders are drawn, 2 or more. */
  pairs: number
  seed: number
}

export interface ShapleyValues {
  conversions: Float64Array
  value: Float64Array
  /** By drawing; null when the values are exact. */
  standardError: { conversions: Float64Array; value: Float64Array } | null
}

/**
 * The Shapley value of the game whose coalitions are worth the conversions of journeys that only they touched, in closed form: each
 * conversion is shared evenly by the distinct channels of its journey. Exact at any number of channels.
 *
 * The whole share of a channel stands at its first touch.
 * @see Zhao, Mahboobi & Bagheri, "Shapley value methods for attribution modeling in online advertising", arXiv 1804.05327 (2018), §3.
 * O(touches of the journey).
 */
export function shapleyWriter(): ShareWriter {
  const seenIn = new Uint32Array(NO_CHANNEL + 1)
  let journey = 0
  return ({ channel }, from, to, out, at) => {
    journey = (journey + 1) >>> 0 || 1
    let distinct = 0
    for (let t = from; t < to; t++) {
      const isFirst = seenIn[channel![t]!] !== journey
      seenIn[channel![t]!] = journey
      out[at + t - from] = isFirst ? 1 : 0
      if (isFirst) distinct += 1
    }
    for (let i = at; i < at + to - from; i++) out[i]! /= distinct
  }
}

/**
 * The Shapley value of a Markov chain: a coalition is worth what converts when all other channels are removed. Unlike removal effects it
 * needs no scaling, since the values of all channels sum to all conversions.
 *
 * @throws RangeError as `estimateChain`.
 * Solves of the chain: 2^C up to `exactUpTo` channels, else 2 · pairs · C.
 */
export function markovShapleyCredit(
  journeys: Journeys,
  order: number,
  settings: ShapleySettings,
): { credit: Credit; standardError: ShapleyValues['standardError'] } {
  const chain = estimateChain(journeys, order)
  const game: Game = (coalitions) =>
    solveRemovals(
      chain,
      coalitions.map((takesPart) => takesPart.map((flag) => 1 - flag)),
    )
  const { standardError, ...values } = shapleyValues(chain.channelCount, game, settings)
  const credit = emptyCredit(chain.channelCount)
  credit.conversions.set(values.conversions)
  credit.value.set(values.value)
  credit.baseline = untouchedOf(journeys)
  return { credit, standardError }
}

/**
 * Shapley values of any game: over all coalitions up to a size, beyond it over random orders and their reverses.
 *
 * @param players  n.
 * @returns n values each; they sum to the worth of all players less that of none.
 * @see Shapley (1953); Castro, Gómez & Tejada, "Polynomial calculation of the Shapley value based on sampling", 2009; Mitchell, Cooper,
 *   Frank & Holmes, "Sampling permutations for Shapley value estimation", JMLR 23 (2022), §2.2 (antithetic pairs).
 * O(2^n) worths and memory when exact, else 2 · pairs · n worths.
 */
export function shapleyValues(
  players: number,
  game: Game,
  settings: ShapleySettings,
): ShapleyValues {
  return players <= settings.exactUpTo
    ? exactValues(players, game)
    : sampledValues(players, game, settings)
}

function exactValues(players: number, game: Game): ShapleyValues {
  const coalitions = Array.from({ length: 2 ** players }, (_, mask) =>
    Uint8Array.from({ length: players }, (_unused, p) => (mask >> p) & 1),
  )
  const worth = game(coalitions)
  // The weight of a coalition of s others: s! (n − s − 1)! ⁄ n!.
  const weights = Array.from<number>({ length: players })
  for (let s = 0; s < players; s++)
    weights[s] = s === 0 ? 1 / players : (weights[s - 1]! * s) / (players - s)
  const conversions = new Float64Array(players)
  const value = new Float64Array(players)
  for (let mask = 0; mask < coalitions.length; mask++) {
    const size = coalitions[mask]!.reduce((sum, flag) => sum + flag, 0)
    for (let p = 0; p < players; p++) {
      if ((mask >> p) & 1) continue
      const joined = mask | (1 << p)
      conversions[p]! += weights[size]! * (worth.conversions[joined]! - worth.conversions[mask]!)
      value[p]! += weights[size]! * (worth.value[joined]! - worth.value[mask]!)
    }
  }
  return { conversions, value, standardError: null }
}

function sampledValues(
  players: number,
  game: Game,
  { pairs, seed }: ShapleySettings,
): ShapleyValues {
  if (!(pairs >= 2)) throw new RangeError(`Two pairs of orders or more are drawn, not ${pairs}.`)
  const random = seededRandom(seed, 0x5a)
  const order = Array.from({ length: players }, (_, p) => p)
  const sums = { conversions: new Float64Array(players), value: new Float64Array(players) }
  const squares = { conversions: new Float64Array(players), value: new Float64Array(players) }
  for (let pair = 0; pair < pairs; pair++) {
    for (let i = players - 1; i > 0; i--) {
      const j = random.integer(i + 1)
      ;[order[i], order[j]] = [order[j]!, order[i]!]
    }
    const forward = marginals(order, game)
    const backward = marginals(order.toReversed(), game)
    for (const part of ['conversions', 'value'] as const) {
      for (let p = 0; p < players; p++) {
        const mean = (forward[part][p]! + backward[part][p]!) / 2
        sums[part][p]! += mean
        squares[part][p]! += mean * mean
      }
    }
  }
  const means = (part: 'conversions' | 'value') => sums[part].map((sum) => sum / pairs)
  const errors = (part: 'conversions' | 'value') =>
    squares[part].map((square, p) => {
      const mean = sums[part][p]! / pairs
      return Math.sqrt(Math.max(0, square / pairs - mean * mean) / (pairs - 1))
    })
  return {
    conversions: means('conversions'),
    value: means('value'),
    standardError: { conversions: errors('conversions'), value: errors('value') },
  }
}

/** What each player adds when they join in this order. */
function marginals(order: readonly number[], game: Game) {
  const coalition = new Uint8Array(order.length)
  const coalitions = [coalition.slice()]
  for (const player of order) {
    coalition[player] = 1
    coalitions.push(coalition.slice())
  }
  const worth = game(coalitions)
  const conversions = new Float64Array(order.length)
  const value = new Float64Array(order.length)
  for (const [i, player] of order.entries()) {
    conversions[player] = worth.conversions[i + 1]! - worth.conversions[i]!
    value[player] = worth.value[i + 1]! - worth.value[i]!
  }
  return { conversions, value }
}
