import { allotMinor } from '#core/money.ts'
import { DAY_MS } from '#core/time.ts'
import { requireAscending, ruleModels, shareWriter } from './rules.ts'
import type { Rule, RuleModel, RuleSettings, ShareWriter } from './rules.ts'

/** Won deals as columns: d deals, t touches in all. A touch that two deals share stands in both. */
export interface DealColumns {
  /** d amounts in minor units of one currency, whole; 0 and negative (a refund) are allowed. */
  amountMinor: Float64Array
  /** d closing times, epoch milliseconds. */
  closedAtMs: Float64Array
  /** d + 1 positions: deal i owns the touches from `touchOffsets[i]` up to `touchOffsets[i + 1]`. */
  touchOffsets: Uint32Array
  /** t touch times, epoch milliseconds, ascending within each deal. */
  touchedAtMs: Float64Array
  /** t channel numbers; needed by `last_non_direct` only. */
  channel?: Uint16Array
  /** d times of the first lead and of the deal's creation, epoch milliseconds; `w_shaped` and `full_path` choose their touches by them. */
  leadAtMs?: Float64Array
  openedAtMs?: Float64Array
}

export interface CreditOptions<Model extends Rule = RuleModel> extends RuleSettings {
  /** Which models to run; those of the ledger unless given. */
  models?: readonly Model[]
  /** How many days of 24 hours before the close still count; null counts all time before the close. */
  windowDays: number | null
}

/** What one model gives each touch, in the order of `touchedAtMs`; 0 for a touch outside the window. */
export interface TouchCredit {
  /** t shares of the touch's deal, in [0, 1]: these count deals, also those of amount 0. */
  shares: Float64Array
  /** t whole minor units; over the touches of a credited deal they sum to its amount exactly. */
  creditMinor: Float64Array
}

export interface DealCredit<Model extends Rule = RuleModel> {
  /** One entry a model that was asked for. */
  byModel: Map<Model, TouchCredit>
  /** d flags: 1 when the deal has a touch in its window; its amount is credited, whichever the model. */
  isCredited: Uint8Array
  creditedDeals: number
  uncreditedDeals: number
  /** Amounts over all deals with and without a touch in the window; they sum to the deals' total. */
  creditedMinor: number
  uncreditedMinor: number
}

/**
 * Credits won deals to the touches that preceded them, to the cent, under each rule model.
 *
 * A touch counts when it lies in [closedAt − window, closedAt], both ends included. Touches of equal
 * time stand in array order, so the same input gives the same cents. Amounts are allotted by largest
 * remainder, ties to the earlier touch.
 *
 * @throws RangeError when columns do not fit together, an amount is not a safe integer, times within
 *   a window do not ascend, or the window is negative.
 * O(models · t log t) time at worst, two doubles a touch and model.
 */
export function creditDeals<Model extends Rule = RuleModel>(
  deals: DealColumns,
  options: CreditOptions<Model>,
): DealCredit<Model> {
  const models = options.models ?? (ruleModels as readonly Rule[] as readonly Model[])
  const windowMs = options.windowDays === null ? Infinity : options.windowDays * DAY_MS
  if (!(windowMs >= 0))
    throw new RangeError(`A window is 0 days or more, not ${options.windowDays}.`)
  requireColumns(deals)
  const count = deals.amountMinor.length
  const writers = models.map((model): [Model, ShareWriter] => [model, shareWriter(model, options)])
  const result: DealCredit<Model> = {
    byModel: new Map(models.map((model) => [model, emptyCredit(deals.touchedAtMs.length)])),
    isCredited: new Uint8Array(count),
    creditedDeals: 0,
    uncreditedDeals: 0,
    creditedMinor: 0,
    uncreditedMinor: 0,
  }
  for (let deal = 0; deal < count; deal++) {
    const amountMinor = deals.amountMinor[deal]!
    const { from, to } = touchesInWindow(deals, deal, windowMs)
    if (from === to) {
      result.uncreditedDeals += 1
      result.uncreditedMinor += amountMinor
      continue
    }
    result.isCredited[deal] = 1
    result.creditedDeals += 1
    result.creditedMinor += amountMinor
    requireAscending(deals.touchedAtMs, from, to)
    const moments = momentsOf(deals, deal)
    for (const [model, write] of writers) {
      const { shares, creditMinor } = result.byModel.get(model)!
      write(deals, from, to, shares, from, moments)
      if (amountMinor !== 0) setCredit(creditMinor, from, amountMinor, shares.subarray(from, to))
    }
  }
  return result
}

/**
 * Adds up touch values (shares or credit) by a key of the touch, such as its channel or campaign.
 *
 * @param keys  t keys, each below `keyCount`.
 * @returns `keyCount` sums; whole minor units stay exact up to 2^53.
 * @throws RangeError when the lengths differ or a key is not below `keyCount`.
 * O(t).
 */
export function sumByKey(
  values: Float64Array,
  keys: Uint16Array | Uint32Array,
  keyCount: number,
): Float64Array {
  if (values.length !== keys.length) {
    throw new RangeError(`${values.length} values do not fit ${keys.length} keys.`)
  }
  const sums = new Float64Array(keyCount)
  for (let i = 0; i < values.length; i++) {
    const key = keys[i]!
    if (key >= keyCount) throw new RangeError(`Key ${key} is not below ${keyCount}.`)
    sums[key]! += values[i]!
  }
  return sums
}

function momentsOf({ leadAtMs, openedAtMs }: DealColumns, deal: number): number[] | undefined {
  return leadAtMs && openedAtMs ? [leadAtMs[deal]!, openedAtMs[deal]!] : undefined
}

function emptyCredit(length: number): TouchCredit {
  return { shares: new Float64Array(length), creditMinor: new Float64Array(length) }
}

/** The deal's touches in [closedAt − window, closedAt], as positions; `from === to` when there are none. */
function touchesInWindow(
  { touchOffsets, touchedAtMs, closedAtMs }: DealColumns,
  deal: number,
  windowMs: number,
): { from: number; to: number } {
  const closedAt = closedAtMs[deal]!
  let from = touchOffsets[deal]!
  let to = touchOffsets[deal + 1]!
  while (to > from && touchedAtMs[to - 1]! > closedAt) to -= 1
  while (from < to && touchedAtMs[from]! < closedAt - windowMs) from += 1
  return { from, to }
}

function setCredit(
  creditMinor: Float64Array,
  from: number,
  amountMinor: number,
  shares: Float64Array,
): void {
  const whole = shares.indexOf(1)
  if (whole >= 0) creditMinor[from + whole] = amountMinor
  else creditMinor.set(allotMinor(amountMinor, shares), from)
}

function requireColumns({ amountMinor, closedAtMs, touchOffsets, touchedAtMs }: DealColumns): void {
  const count = amountMinor.length
  if (closedAtMs.length !== count || touchOffsets.length !== count + 1) {
    throw new RangeError('Deal columns fit together: d amounts, d closing times, d + 1 offsets.')
  }
  if (touchOffsets[0] !== 0 || touchOffsets[count] !== touchedAtMs.length) {
    throw new RangeError('Touch offsets begin at 0 and end at the number of touches.')
  }
  for (let deal = 0; deal < count; deal++) {
    if (touchOffsets[deal]! > touchOffsets[deal + 1]!) {
      throw new RangeError(`Touch offsets ascend: deal ${deal} ends before it begins.`)
    }
    if (!Number.isSafeInteger(amountMinor[deal]!)) {
      throw new RangeError(`Amounts are whole minor units: deal ${deal} has ${amountMinor[deal]}.`)
    }
    if (!Number.isFinite(closedAtMs[deal]!)) {
      throw new RangeError(`Closing times are finite: deal ${deal} has ${closedAtMs[deal]}.`)
    }
  }
}
