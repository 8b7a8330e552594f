import { logit, sigmoid } from '#analytics/learning/metrics.ts'
import { seededRandom } from '#core/random.ts'
import { DAY_MS } from '#core/time.ts'

/** An open opportunity as a forecast sees it. */
export interface OpenDeal {
  currency: string
  amountMinor: number
  openedAtMs: number
  /** Of being won at all, with its 90 % interval. */
  probability: number
  low: number
  high: number
}

export interface ForecastPeriod {
  startsAtMs: number
  endsAtMs: number
}

/** Won amount of one period and currency, in minor units. Nine times of ten it lies between low and high. */
export interface ForecastCell {
  period: number
  currency: string
  deals: number
  expectedMinor: number
  lowMinor: number
  highMinor: number
}

const Z90 = 1.6448536269514722
const FORECAST_STREAM = 53

/**
 * How many of the deals that are won in the end are still open after so many days: the survival of past won deals,
 * beyond the longest one falling off at their mean rate.
 */
export function survivalOf(wonDays: readonly number[]): (days: number) => number {
  const sorted = Float64Array.from(wonDays).sort()
  const n = sorted.length
  const mean = Math.max(1, sorted.reduce((sum, days) => sum + days, 0) / Math.max(1, n))
  const last = sorted[n - 1] ?? 0
  return (days) => {
    if (days >= last) return (0.5 / (n + 1)) * Math.exp(-(days - last) / mean)
    let [low, high] = [0, n]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sorted[middle]! <= days) low = middle + 1
      else high = middle
    }
    return (n - low + 0.5) / (n + 1)
  }
}

/** The chance that a deal which is won in the end is won in each period, given that it is open at `nowMs`. */
export function periodShares(
  survival: (days: number) => number,
  openedAtMs: number,
  nowMs: number,
  periods: readonly ForecastPeriod[],
): number[] {
  const daysAt = (atMs: number) => (Math.max(atMs, nowMs) - openedAtMs) / DAY_MS
  const alive = survival((nowMs - openedAtMs) / DAY_MS)
  return periods.map(
    ({ startsAtMs, endsAtMs }) =>
      (survival(daysAt(startsAtMs)) - survival(daysAt(endsAtMs))) / alive,
  )
}

/**
 * Expected won amounts of the deals that are open now, by period and currency: the sum of amount × probability × share
 * of the period. The interval is of the amount that will be won, by simulation: each deal is won or lost as a whole, in
 * one period, and the doubt about the probabilities is shared by all deals of a draw, which does not average out.
 *
 * Deals that are yet to be opened are no part of it. O(draws · deals).
 */
export function forecastPipeline(
  deals: readonly OpenDeal[],
  wonDays: readonly number[],
  periods: readonly ForecastPeriod[],
  nowMs: number,
  seed: number,
): ForecastCell[] {
  const survival = survivalOf(wonDays)
  const byCurrency = Map.groupBy(deals, ({ currency }) => currency)
  return [...byCurrency]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([currency, own], place) => {
      const shares = own.map(({ openedAtMs }) => periodShares(survival, openedAtMs, nowMs, periods))
      const draws = simulate(own, shares, periods.length, seed + place)
      return periods.map((_, period): ForecastCell => {
        let expected = 0
        own.forEach(({ amountMinor, probability }, i) => {
          expected += amountMinor * probability * shares[i]![period]!
        })
        const sorted = draws.map((draw) => draw[period]!).toSorted((a, b) => a - b)
        return {
          period,
          currency,
          deals: own.length,
          expectedMinor: Math.round(expected),
          lowMinor: sorted[Math.floor(0.05 * sorted.length)]!,
          highMinor: sorted[Math.min(sorted.length - 1, Math.ceil(0.95 * sorted.length))]!,
        }
      })
    })
}

function simulate(
  deals: readonly OpenDeal[],
  shares: readonly number[][],
  periods: number,
  seed: number,
): Float64Array[] {
  const random = seededRandom(seed, FORECAST_STREAM)
  const logOdds = deals.map(({ probability }) => logit(probability))
  const doubt = deals.map(({ low, high }) => (logit(high) - logit(low)) / (2 * Z90))
  const count = Math.min(1000, Math.max(200, Math.floor(1e6 / Math.max(1, deals.length))))
  return Array.from({ length: count }, () => {
    const won = new Float64Array(periods)
    const shift = random.normal()
    deals.forEach(({ amountMinor }, i) => {
      let left = random.uniform() / sigmoid(logOdds[i]! + shift * doubt[i]!)
      for (let period = 0; period < periods; period += 1) {
        left -= shares[i]![period]!
        if (left < 0) {
          won[period]! += amountMinor
          break
        }
      }
    })
    return won
  })
}

/** The rest of this month and the whole months after it, in UTC. */
export function monthsFrom(nowMs: number, count: number): ForecastPeriod[] {
  const now = new Date(nowMs)
  const start = (ahead: number) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1)
  return Array.from({ length: count }, (_, i) => ({
    startsAtMs: i === 0 ? nowMs : start(i),
    endsAtMs: start(i + 1),
  }))
}
