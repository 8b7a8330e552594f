import { DAY_MS } from '#core/time.ts'

/** The rule models, by the name they carry on the wire. */
export const ruleModels = ['first', 'last', 'linear', 'position', 'time_decay'] as const
export type RuleModel = (typeof ruleModels)[number]

/** A touch loses half its credit with every week before the last one, unless told otherwise. */
export const DEFAULT_HALF_LIFE_MS = 7 * DAY_MS

/**
 * The shares of one rule model over one journey (a person's or an account's touches).
 *
 * @param touchedAtMs  n touch times, epoch milliseconds, ascending; equal times keep their order.
 * @param halfLifeMs  of `time_decay` only.
 * @returns n shares in [0, 1] that sum to 1 within 1e-12; empty for n = 0.
 * @throws RangeError when the times do not ascend or `halfLifeMs` is not above 0.
 * O(n) time, one allocation of n doubles.
 */
export function ruleShares(
  model: RuleModel,
  touchedAtMs: Float64Array,
  halfLifeMs: number = DEFAULT_HALF_LIFE_MS,
): Float64Array {
  return kernels[model](touchedAtMs, halfLifeMs)
}

/**
 * First touch: the earliest touch gets everything; of equal times, the earlier in the array.
 *
 * @param touchedAtMs  n touch times, epoch milliseconds, ascending.
 * @returns n shares, a single 1 at the front; empty for n = 0.
 * @throws RangeError when the times do not ascend.
 * @see Shao & Li, "Data-driven multi-touch attribution models", KDD 2011, §1, for the rule models.
 * O(n).
 */
export function firstTouchShares(touchedAtMs: Float64Array): Float64Array {
  requireAscending(touchedAtMs)
  const shares = new Float64Array(touchedAtMs.length)
  if (shares.length > 0) shares[0] = 1
  return shares
}

/**
 * Last touch: the latest touch gets everything; of equal times, the later in the array.
 *
 * @param touchedAtMs  n touch times, epoch milliseconds, ascending.
 * @returns n shares, a single 1 at the end; empty for n = 0.
 * @throws RangeError when the times do not ascend.
 * @see Shao & Li, KDD 2011, §1.
 * O(n).
 */
export function lastTouchShares(touchedAtMs: Float64Array): Float64Array {
  requireAscending(touchedAtMs)
  const shares = new Float64Array(touchedAtMs.length)
  if (shares.length > 0) shares[shares.length - 1] = 1
  return shares
}

/**
 * Linear: each touch gets the same.
 *
 * @param touchedAtMs  n touch times, epoch milliseconds, ascending.
 * @returns n shares of 1/n; empty for n = 0.
 * @throws RangeError when the times do not ascend.
 * @see Shao & Li, KDD 2011, §1.
 * O(n).
 */
export function linearShares(touchedAtMs: Float64Array): Float64Array {
  requireAscending(touchedAtMs)
  return new Float64Array(touchedAtMs.length).fill(1 / touchedAtMs.length)
}

/**
 * Position-based 40-20-40: 40 % to the first touch, 40 % to the last, 20 % evenly to those between.
 * One touch gets everything, two get half each: with nothing between, the ends share alike.
 *
 * @param touchedAtMs  n touch times, epoch milliseconds, ascending.
 * @returns n shares that sum to 1 within 1e-12; empty for n = 0.
 * @throws RangeError when the times do not ascend.
 * @see the "position based" model of Google Analytics Universal, the source of the 40-20-40 default.
 * O(n).
 */
export function positionShares(touchedAtMs: Float64Array): Float64Array {
  const n = touchedAtMs.length
  if (n <= 2) return linearShares(touchedAtMs)
  requireAscending(touchedAtMs)
  const shares = new Float64Array(n).fill(0.2 / (n - 2))
  shares[0] = 0.4
  shares[n - 1] = 0.4
  return shares
}

/**
 * Time-decay attribution: a touch's credit halves with every `halfLifeMs` before the last one.
 *
 * Counting from the last touch or from the close gives the same shares, since the factor between
 * the two is common to all touches and falls out; from the last touch, no weight sum underflows.
 *
 * @param touchedAtMs  n touch times, epoch milliseconds, ascending.
 * @param halfLifeMs  half-life in milliseconds, above 0; a week unless given.
 * @returns n shares in [0, 1] that sum to 1 within 1e-12; empty for n = 0.
 * @throws RangeError when `halfLifeMs` is not above 0 or the times do not ascend.
 * @see the "time decay" model of Google Analytics Universal: 2^(−age ⁄ half-life), 7 days by default.
 *
 * O(n) time, one allocation of n doubles.
 */
export function timeDecayShares(
  touchedAtMs: Float64Array,
  halfLifeMs: number = DEFAULT_HALF_LIFE_MS,
): Float64Array {
  if (!(halfLifeMs > 0)) throw new RangeError(`A half-life is above 0 ms, not ${halfLifeMs}.`)
  requireAscending(touchedAtMs)
  const n = touchedAtMs.length
  const shares = new Float64Array(n)
  const lastAtMs = touchedAtMs[n - 1] ?? 0
  let total = 0
  for (let i = 0; i < n; i++) {
    const weight = 2 ** ((touchedAtMs[i]! - lastAtMs) / halfLifeMs)
    shares[i] = weight
    total += weight
  }
  for (let i = 0; i < n; i++) shares[i]! /= total
  return shares
}

const kernels: Record<RuleModel, (touchedAtMs: Float64Array, halfLifeMs: number) => Float64Array> =
  {
    first: firstTouchShares,
    last: lastTouchShares,
    linear: linearShares,
    position: positionShares,
    time_decay: timeDecayShares,
  }

/** @throws RangeError at the first time that is not a finite number or is before the one before it. */
function requireAscending(touchedAtMs: Float64Array): void {
  let before = -Infinity
  for (let i = 0; i < touchedAtMs.length; i++) {
    const at = touchedAtMs[i]!
    if (!(at >= before && Number.isFinite(at))) {
      throw new RangeError(`Touch times ascend: number ${i} is ${at} after ${before}.`)
    }
    before = at
  }
}
