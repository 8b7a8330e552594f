import type { Credit, Interval } from '#analytics/attribution/bootstrap.ts'
import { NO_CHANNEL } from '#analytics/attribution/journeys.ts'
import type { Journeys } from '#analytics/attribution/journeys.ts'
import type { Counterfactual } from './counterfactual.ts'
import type { AccountJourneys } from './data.ts'
import type { NamedLift } from './holdouts.ts'
import { attributeCausally } from './model.ts'

/**
 * The data-driven model on journeys. Its intervals are of 90 %, whatever level is asked for: that is what
 * simulated worlds taught it to hold.
 *
 * @param replicates  of the bootstrap; 0 for no interval.
 * @param lifts  what experiments found that the journeys do not show.
 */
export function causalCredit(
  journeys: Journeys,
  replicates: number,
  seed: number,
  lifts: readonly NamedLift[] = [],
): { credit: Credit; interval: Interval | null; counterfactual: Counterfactual; overlap: number } {
  const answer = attributeCausally(toAccounts(journeys), { replicates, seed, lifts })
  const channels = journeys.channels.length
  const width = channels + 1
  const sums = new Float64Array(width)
  const values = new Float64Array(width)
  answer.credit.forEach((share, i) => {
    sums[i % width]! += share
    values[i % width]! += answer.creditMinor[i]! / 100
  })
  const toCredit = (conversions: Float64Array, value: Float64Array): Credit => ({
    conversions: conversions.subarray(0, channels),
    value: value.subarray(0, channels),
    baseline: { conversions: conversions[channels]!, value: value[channels]! },
  })
  const won = values.reduce((sum, value) => sum + value, 0)
  const count = answer.credit.length / width
  const bound = (shares: Float64Array) =>
    toCredit(
      shares.map((share) => share * count),
      shares.map((share) => share * won),
    )
  return {
    counterfactual: answer.counterfactual,
    overlap: answer.overlap,
    credit: toCredit(sums, values),
    interval:
      replicates > 0
        ? { level: 0.9, replicates, low: bound(answer.low), high: bound(answer.high) }
        : null,
  }
}

/**
 * Journeys as accounts: rows of one cluster are one account, its touches in order of time. What a source of
 * journeys does not tell (segments, the number of people, campaigns) is left out, and the answer is a little
 * less certain for it.
 *
 * @param minorPerUnit  minor units in a unit of `value`.
 * @throws RangeError when times are missing or a row stands for several journeys.
 * O(touches + journeys · log journeys).
 */
export function toAccounts(journeys: Journeys, minorPerUnit = 100): AccountJourneys {
  const { touchedAtMs, startedAtMs, endedAtMs, offsets } = journeys
  if (touchedAtMs === null || startedAtMs === null || endedAtMs === null)
    throw new RangeError('A causal model needs the times of touches and of observation.')
  const count = offsets.length - 1
  const rows = rowsByAccount(journeys, startedAtMs)
  const units = rows.length
  const data = {
    firstSeenMs: new Float64Array(units),
    observedUntilMs: new Float64Array(units),
    personOffsets: Uint32Array.from({ length: units + 1 }, (_, i) => i),
    heldOut: new Int16Array(units).fill(-1),
    touchOffsets: new Uint32Array(units + 1),
    touchMs: new Float64Array(touchedAtMs.length),
    touchChannel: new Uint16Array(touchedAtMs.length),
  }
  const conversions: { unit: number; atMs: number; minor: number }[] = []
  let next = 0
  rows.forEach((own, unit) => {
    data.firstSeenMs[unit] = Math.min(...own.map((row) => startedAtMs[row]!))
    data.observedUntilMs[unit] = Math.max(...own.map((row) => endedAtMs[row]!))
    for (const row of own) {
      const heldOut = journeys.heldOut?.[row] ?? NO_CHANNEL
      if (heldOut !== NO_CHANNEL) data.heldOut[unit] = heldOut
      for (let t = offsets[row]!; t < offsets[row + 1]!; t++) {
        data.touchMs[next] = touchedAtMs[t]!
        data.touchChannel[next] = journeys.channel[t]!
        next += 1
      }
      if (journeys.conversions[row]! + journeys.nulls[row]! > 1)
        throw new RangeError(
          `Row ${row} of ${count} stands for several journeys, whose times differ.`,
        )
      if (journeys.conversions[row]! > 0)
        conversions.push({
          unit,
          atMs: endedAtMs[row]!,
          minor: Math.round(journeys.value[row]! * minorPerUnit),
        })
    }
    data.touchOffsets[unit + 1] = next
  })
  return {
    channels: journeys.channels,
    campaigns: journeys.channels,
    campaignChannel: Uint16Array.from(journeys.channels, (_, c) => c),
    segments: [],
    ...data,
    touchCampaign: Uint32Array.from(data.touchChannel),
    conversionUnit: Uint32Array.from(conversions, ({ unit }) => unit),
    conversionMs: Float64Array.from(conversions, ({ atMs }) => atMs),
    revenueMinor: Float64Array.from(conversions, ({ minor }) => minor),
  }
}

/** Rows of each account in order of time; without clusters each row is an account. */
function rowsByAccount({ offsets, cluster }: Journeys, startedAtMs: Float64Array): number[][] {
  const count = offsets.length - 1
  if (cluster === null) return Array.from({ length: count }, (_, row) => [row])
  const byCluster = new Map<number, number[]>()
  for (let row = 0; row < count; row++) {
    const own = byCluster.get(cluster[row]!)
    if (own === undefined) byCluster.set(cluster[row]!, [row])
    else own.push(row)
  }
  const rows = [...byCluster.values()]
  for (const own of rows) own.sort((a, b) => startedAtMs[a]! - startedAtMs[b]!)
  return rows
}
