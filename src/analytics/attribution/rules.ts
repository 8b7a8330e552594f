import { DAY_MS } from '#core/time.ts'

/** The rule models that the ledger keeps for each deal, by the name they carry on the wire. */
export const ruleModels = ['first', 'last', 'linear', 'position', 'time_decay'] as const
export type RuleModel = (typeof ruleModels)[number]

/** Every rule: those of the ledger and those that are computed when they are asked for. */
export const rules = [...ruleModels, 'last_non_direct', 'w_shaped', 'full_path', 'custom'] as const
export type Rule = (typeof rules)[number]

/** A touch loses half its credit with every week before the last one, unless told otherwise. */
export const DEFAULT_HALF_LIFE_MS = 7 * DAY_MS

/**
 * Weights of a position rule. `milestones[0]` goes to the first touch, the last of them to the last touch, those between to touches in
 * between; `rest` is spread evenly over all others. They need not sum to 1.
 */
export interface PositionWeights {
  milestones: readonly number[]
  rest: number
}

export interface RuleSettings {
  /** Of `time_decay`: milliseconds, above 0; a week unless given. */
  halfLifeMs?: number
  /** Of `last_non_direct`: the number of the channel that is passed over; without one, nothing is. */
  directChannel?: number
  /** Of `custom`, which needs it. */
  weights?: PositionWeights
}

/** The touches of journeys as columns, which a rule reads from one position up to another. */
export interface TouchColumns {
  /** Times in epoch milliseconds, ascending within a journey; null: only the order is known. */
  touchedAtMs: Float64Array | null
  /** Channel numbers; read by `last_non_direct` only. */
  channel?: Uint16Array | undefined
}

/**
 * Writes the shares of one journey: the touches from `from` up to `to`.
 *
 * @param out  gets to − from shares from position `at`, in [0, 1], summing to 1 within 1e-12; nothing when `from === to`.
 * @param moments  when the lead and the deal came about, epoch milliseconds; see `writePositions`.
 */
export type ShareWriter = (
  touches: TouchColumns,
  from: number,
  to: number,
  out: Float64Array,
  at: number,
  moments?: readonly number[],
) => void

/**
 * The shares of one rule over one journey (a person's or an account's touches).
 *
 * @param touchedAtMs  n touch times, epoch milliseconds, ascending; equal times keep their order.
 * @param settings  of the rules that have some.
 * @returns n shares in [0, 1] that sum to 1 within 1e-12; empty for n = 0.
 * @throws RangeError when the times do not ascend or a setting is out of its range.
 * O(n) time, one allocation of n doubles.
 */
export function ruleShares(
  rule: Rule,
  touchedAtMs: Float64Array,
  settings: RuleSettings & { channel?: Uint16Array; moments?: readonly number[] } = {},
): Float64Array {
  requireAscending(touchedAtMs, 0, touchedAtMs.length)
  const shares = new Float64Array(touchedAtMs.length)
  const touches = { touchedAtMs, channel: settings.channel }
  shareWriter(rule, settings)(touches, 0, shares.length, shares, 0, settings.moments)
  return shares
}

/**
 * The rule as a function that writes the shares of a journey into a column, without an allocation.
 *
 * - `first`, `last`, `linear`: everything to the earliest or the latest touch, or the same to each. Of equal times, array order decides.
 * - `last_non_direct`: the latest touch that is not of the direct channel; the latest one when all are.
 * - `position` (U): 40 % first, 40 % last, 20 % evenly between. `w_shaped`: 30 % each to the first touch, lead creation and opportunity
 *   creation, 10 % to the others. `full_path` (Z): 22.5 % each to these three and the last touch, 10 % to the others. `custom`: by weights.
 * - `time_decay`: a touch's credit halves with every half-life before the last one. Counting from the last touch or from the close gives
 *   the same shares, since the factor between the two is common to all; from the last touch, no weight sum underflows.
 *
 * @throws RangeError when a setting is out of its range, or (from the writer) when `time_decay` meets touches without times.
 * @see Shao & Li, "Data-driven multi-touch attribution models", KDD 2011, §1; Google Analytics Universal for position-based 40-20-40,
 *   time decay with 7 days and last non-direct click; Bizible (Marketo Measure) for W-shaped and full path.
 * O(n) a journey.
 */
export function shareWriter(rule: Rule, settings: RuleSettings = {}): ShareWriter {
  const { halfLifeMs = DEFAULT_HALF_LIFE_MS, directChannel = -1, weights } = settings
  switch (rule) {
    case 'first':
      return (_, from, to, out, at) => writeOne(from, to, from, out, at)
    case 'last':
      return (_, from, to, out, at) => writeOne(from, to, to - 1, out, at)
    case 'last_non_direct':
      return (touches, from, to, out, at) =>
        writeOne(from, to, lastOther(touches.channel, from, to, directChannel), out, at)
    case 'linear':
      return (_, from, to, out, at) => void out.fill(1 / (to - from), at, at + to - from)
    case 'time_decay':
      if (!(halfLifeMs > 0)) throw new RangeError(`A half-life is above 0 ms, not ${halfLifeMs}.`)
      return (touches, from, to, out, at) => writeDecay(touches, from, to, out, at, halfLifeMs)
    case 'position':
      return positionWriter({ milestones: [0.4, 0.4], rest: 0.2 })
    case 'w_shaped':
      return positionWriter({ milestones: [0.3, 0.3, 0.3], rest: 0.1 }, 'lead-and-deal')
    case 'full_path':
      return positionWriter({ milestones: [0.225, 0.225, 0.225, 0.225], rest: 0.1 })
    case 'custom':
      return positionWriter(requireWeights(weights))
  }
}

function writeOne(from: number, to: number, chosen: number, out: Float64Array, at: number): void {
  out.fill(0, at, at + to - from)
  if (from < to) out[at + chosen - from] = 1
}

/** The latest touch of another channel, or the latest one when there is none. */
function lastOther(
  channel: Uint16Array | undefined,
  from: number,
  to: number,
  direct: number,
): number {
  if (channel === undefined)
    throw new RangeError('last_non_direct needs the channel of each touch.')
  for (let i = to - 1; i >= from; i--) if (channel[i] !== direct) return i
  return to - 1
}

function writeDecay(
  { touchedAtMs }: TouchColumns,
  from: number,
  to: number,
  out: Float64Array,
  at: number,
  halfLifeMs: number,
): void {
  if (touchedAtMs === null) throw new RangeError('time_decay needs the time of each touch.')
  const n = to - from
  const lastAtMs = touchedAtMs[to - 1] ?? 0
  let total = 0
  for (let i = 0; i < n; i++) {
    const weight = 2 ** ((touchedAtMs[from + i]! - lastAtMs) / halfLifeMs)
    out[at + i] = weight
    total += weight
  }
  for (let i = 0; i < n; i++) out[at + i]! /= total
}

/**
 * A rule of k milestones and a rest. Moments that are known (lead, deal) choose the latest touch at or before them, or the first;
 * milestones that fall on one touch add up. Where they are not known, the k milestones stand evenly spread over the journey, both ends
 * included, and a journey with fewer than k touches shares alike. When no touch is left for the rest, the milestones share it in proportion.
 *
 * @param kind  whether the last milestone is the last touch, or (`lead-and-deal`) the moment of the deal, as in W.
 */
function positionWriter(
  { milestones, rest }: PositionWeights,
  kind: 'ends' | 'lead-and-deal' = 'ends',
): ShareWriter {
  const k = milestones.length
  const inner = kind === 'ends' ? k - 2 : k - 1
  return ({ touchedAtMs }, from, to, out, at, moments) => {
    const n = to - from
    const areKnown = moments?.length === inner && inner > 0 && touchedAtMs !== null
    if (!areKnown && n < k) {
      out.fill(1 / n, at, at + n)
      return
    }
    out.fill(-1, at, at + n) // no milestone yet
    let total = 0
    for (let m = 0; m < k; m++) {
      let position = Math.round((m * (n - 1)) / (k - 1))
      if (areKnown && m > 0 && m <= inner)
        position = lastUpTo(touchedAtMs, from, to, moments[m - 1]!) - from
      out[at + position] = Math.max(out[at + position]!, 0) + milestones[m]!
      total += milestones[m]!
    }
    let others = 0
    for (let i = 0; i < n; i++) if (out[at + i] === -1) others += 1
    if (others > 0) total += rest
    if (total === 0) {
      out.fill(1 / n, at, at + n)
      return
    }
    const share = others > 0 ? rest / others : 0
    // A total of 1 up to rounding is not divided by: 0.4 stays 0.4.
    const by = Math.abs(total - 1) < 1e-12 && others > 0 ? 1 : total
    for (let i = 0; i < n; i++) {
      if (out[at + i] === -1) out[at + i] = share
      out[at + i]! /= by
    }
  }
}

function lastUpTo(touchedAtMs: Float64Array, from: number, to: number, atMs: number): number {
  for (let i = to - 1; i > from; i--) if (touchedAtMs[i]! <= atMs) return i
  return from
}

function requireWeights(weights: PositionWeights | undefined): PositionWeights {
  if (weights === undefined) throw new RangeError('The rule custom needs weights.')
  const all = [...weights.milestones, weights.rest]
  if (weights.milestones.length < 2 || all.some((weight) => !(weight >= 0 && weight < Infinity)))
    throw new RangeError(
      'Weights are two or more for milestones and one for the rest, each 0 or more.',
    )
  if (weights.milestones.every((weight) => weight === 0) && weights.rest === 0)
    throw new RangeError('At least one weight is above 0.')
  return weights
}

/** @throws RangeError at the first time that is not a finite number or is before the one before it. */
export function requireAscending(touchedAtMs: Float64Array, from: number, to: number): void {
  let before = -Infinity
  for (let i = from; i < to; i++) {
    const at = touchedAtMs[i]!
    if (!(at >= before && Number.isFinite(at))) {
      throw new RangeError(`Touch times ascend: number ${i - from} is ${at} after ${before}.`)
    }
    before = at
  }
}
