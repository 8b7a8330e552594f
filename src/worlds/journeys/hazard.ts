import type { Account, Chances } from './life.ts'
import type { JourneySpec } from './spec.ts'

/** Working memory of the hazard of one account at a time. */
export interface HazardRoom {
  stock: Float64Array
  /** Hazard of each day before the scale. */
  daily: Float64Array
  /** Adstocks at the day that was asked for. */
  keptStock: Float64Array
}

export function createHazardRoom(spec: JourneySpec): HazardRoom {
  return {
    stock: new Float64Array(spec.channels.length),
    daily: new Float64Array(spec.days),
    keptStock: new Float64Array(spec.channels.length),
  }
}

/** How much a channel moves at this adstock, in [0, 1] and less with fatigue. */
function response(spec: JourneySpec, channel: number, stock: number): number {
  const { halfSaturation, fatigue } = spec.channels[channel]!
  const filled = stock / (stock + halfSaturation)
  return fatigue > 0 ? filled * Math.exp(-fatigue * stock) : filled
}

/**
 * What marketing adds at these adstocks, before it enters the hazard by the form of the world.
 *
 * @param off  a channel that is thought away; −1 for none.
 */
function push(spec: JourneySpec, stock: Float64Array, scale: number, off: number): number {
  let sum = 0
  for (let c = 0; c < stock.length; c++) {
    if (c !== off && stock[c]! > 1e-6)
      sum += spec.channels[c]!.effect * response(spec, c, stock[c]!)
  }
  for (const { first, second, effect } of spec.synergies) {
    if (first === off || second === off) continue
    if (stock[first]! > 1e-6 && stock[second]! > 1e-6)
      sum += effect * response(spec, first, stock[first]!) * response(spec, second, stock[second]!)
  }
  return sum * scale
}

/** The hazard of a day with these adstocks. */
export function hazardAt(
  spec: JourneySpec,
  base: number,
  stock: Float64Array,
  effectScale: number,
  off = -1,
): number {
  const pushed = push(spec, stock, effectScale, off)
  switch (spec.form) {
    case 'additive':
      return base + pushed
    case 'multiplicative':
      return base * Math.exp(pushed)
    case 'scaled':
      return base * (1 + pushed)
  }
}

/**
 * Fills `room.daily` from the touches taken and returns their sum.
 *
 * @param keepDay  the day whose adstocks are left in `room.keptStock`; −1 for none.
 * O(days · channels).
 */
export function integrate(
  spec: JourneySpec,
  account: Account,
  chances: Chances,
  taken: Uint8Array,
  effectScale: number,
  room: HazardRoom,
  keepDay = -1,
): number {
  const { stock, daily } = room
  stock.fill(0)
  const keeps = spec.channels.map(({ halfLifeDays }) => 0.5 ** (1 / halfLifeDays))
  const lastBefore = new Map<number, number>()
  let next = 0
  let any = false
  let sum = 0
  for (let day = 0; day < spec.days; day++) {
    if (any) for (let c = 0; c < stock.length; c++) stock[c]! *= keeps[c]!
    for (; next < chances.count && Math.floor(chances.day[next]!) <= day - spec.lagDays; next++) {
      if (taken[next] === 0) continue
      const channel = chances.channel[next]!
      stock[channel]! += weightOf(spec, chances, next, lastBefore)
      any = true
    }
    if (day === keepDay) room.keptStock.set(stock)
    const hazard = any ? hazardAt(spec, account.base[day]!, stock, effectScale) : account.base[day]!
    daily[day] = hazard
    sum += hazard
  }
  return sum
}

/** The strength of the touch's campaign, more when it follows the touch that prepares it. */
function weightOf(
  spec: JourneySpec,
  chances: Chances,
  i: number,
  lastBefore: Map<number, number>,
): number {
  const channel = chances.channel[i]!
  const day = chances.day[i]!
  let weight = spec.channels[channel]!.campaigns[chances.campaign[i]!]!.strength
  for (const { before, after, factor } of spec.orders) {
    if (after === channel && day - (lastBefore.get(before) ?? -Infinity) < 30) weight *= factor
  }
  if (spec.orders.length > 0) lastBefore.set(channel, day)
  return weight
}
