import { DAY_MS } from '#core/time.ts'
import type { AccountJourneys } from './data.ts'
import { seededRandom } from '#core/random.ts'

/** Moments at which an account converted (cases) or could have (controls). */
export interface RiskSet {
  /** r moments: account, epoch milliseconds, and 1 for a conversion. Conversions come first, in their order. */
  unit: Uint32Array
  atMs: Float64Array
  isCase: Uint8Array
  cases: number
  /** Log of controls a day at risk: added to the log hazard a day it gives the log odds of a case. */
  logControlRate: number
}

/**
 * Cases and sampled controls: the time at risk of all accounts is laid end to end, and controls stand on
 * it evenly with a random start, so that only the intercept of the hazard depends on their number.
 *
 * A control takes its time of day from a conversion: else touches of the morning would foretell
 * conversions that are booked at night.
 * @see Langholz & Goldstein, "Risk set sampling in epidemiologic cohort studies", Statistical Science 11 (1996).
 * O(u + r).
 */
export function sampleRiskSet(data: AccountJourneys, controls: number, seed: number): RiskSet {
  const random = seededRandom(seed, 77)
  const units = data.firstSeenMs.length
  const cases = data.conversionMs.length
  const until = endOfRisk(data)
  const days = (unit: number) =>
    Math.max(0, Math.ceil((until[unit]! - data.firstSeenMs[unit]!) / DAY_MS))
  let total = 0
  for (let unit = 0; unit < units; unit++) total += days(unit)
  const count = Math.min(controls, total)
  const set: RiskSet = {
    unit: new Uint32Array(cases + count),
    atMs: new Float64Array(cases + count),
    isCase: new Uint8Array(cases + count),
    cases,
    logControlRate: Math.log(count / Math.max(1, total)),
  }
  for (let i = 0; i < cases; i++) {
    set.unit[i] = data.conversionUnit[i]!
    set.atMs[i] = data.conversionMs[i]!
    set.isCase[i] = 1
  }
  const step = total / count
  let next = random.uniform() * step
  let before = 0
  let row = cases
  for (let unit = 0; unit < units && row < cases + count; unit++) {
    const after = before + days(unit)
    for (; next < after && row < cases + count; next += step) {
      const day = Math.floor(next - before)
      const clock =
        cases === 0
          ? 0.5 * DAY_MS
          : timeOfDay(data.conversionMs[Math.floor(random.uniform() * cases)]!)
      const midnight = Math.floor(data.firstSeenMs[unit]! / DAY_MS) * DAY_MS
      set.unit[row] = unit
      set.atMs[row] = midnight + day * DAY_MS + clock
      row += 1
    }
    before = after
  }
  return row === cases + count
    ? set
    : {
        ...set,
        unit: set.unit.slice(0, row),
        atMs: set.atMs.slice(0, row),
        isCase: set.isCase.slice(0, row),
      }
}

const timeOfDay = (ms: number) => ms - Math.floor(ms / DAY_MS) * DAY_MS

/** The end of each account's time at risk: its last conversion when nothing is seen of it afterwards. */
export function endOfRisk(data: AccountJourneys): Float64Array {
  const until = Float64Array.from(data.observedUntilMs)
  for (let i = 0; i < data.conversionUnit.length; i++) {
    const unit = data.conversionUnit[i]!
    const lastTouch = data.touchOffsets[unit + 1]! - 1
    const isLast = data.conversionUnit[i + 1] !== unit
    const livesOn =
      lastTouch >= data.touchOffsets[unit]! && data.touchMs[lastTouch]! > data.conversionMs[i]!
    if (isLast && !livesOn) until[unit] = Math.min(until[unit]!, data.conversionMs[i]!)
  }
  return until
}
