import { drawCount, emptyCredit } from './bootstrap.ts'
import type { BootstrapOptions, Credit } from './bootstrap.ts'
import type { Journeys } from './journeys.ts'
import type { ShareWriter } from './rules.ts'

/**
 * Credit by a rule that divides each conversion among the touches of its own journey, and the same for each bootstrap replicate, in one
 * pass: such credit is linear in the journeys, so a replicate only counts each journey another number of times.
 *
 * Conversions without a touch are the baseline: credit and baseline sum to all conversions and all value.
 *
 * @returns the credit, and one credit a replicate (none without `bootstrap`).
 * O(touches + touches of converting journeys · replicates) time, O(channels · replicates) memory.
 */
export function linearCredit(
  journeys: Journeys,
  write: ShareWriter,
  bootstrap: BootstrapOptions | null,
): { credit: Credit; replicates: Credit[] } {
  const { offsets, channel, conversions, value } = journeys
  const credit = emptyCredit(journeys.channels.length)
  const replicates = Array.from({ length: bootstrap?.replicates ?? 0 }, () =>
    emptyCredit(journeys.channels.length),
  )
  let shares = new Float64Array(64)
  for (let i = 0; i < conversions.length; i++) {
    const count = conversions[i]!
    if (count === 0) continue
    const from = offsets[i]!
    const to = offsets[i + 1]!
    if (to - from > shares.length) shares = new Float64Array(2 * (to - from))
    if (from < to) write(journeys, from, to, shares, 0)
    addShares(credit, channel, from, to, shares, count, value[i]!)
    for (let b = 0; b < replicates.length; b++) {
      const times = drawnCount(journeys, bootstrap!, b, i)
      if (times > 0)
        addShares(replicates[b]!, channel, from, to, shares, times, (value[i]! / count) * times)
    }
  }
  return { credit, replicates }
}

/** Conversions and value of journeys without a touch. O(journeys). */
export function untouchedOf({ offsets, conversions, value }: Journeys): Credit['baseline'] {
  const untouched = { conversions: 0, value: 0 }
  for (let i = 0; i < conversions.length; i++) {
    if (offsets[i] !== offsets[i + 1]) continue
    untouched.conversions += conversions[i]!
    untouched.value += value[i]!
  }
  return untouched
}

/** As `drawJourneys` draws the conversions of row `i`. */
function drawnCount(
  { conversions, cluster }: Journeys,
  { seed }: BootstrapOptions,
  replicate: number,
  i: number,
): number {
  const count = conversions[i]!
  return cluster === null
    ? drawCount(seed, replicate, 2 * i, count)
    : count * drawCount(seed, replicate, cluster[i]!, 1)
}

function addShares(
  credit: Credit,
  channel: Uint16Array,
  from: number,
  to: number,
  shares: Float64Array,
  count: number,
  value: number,
): void {
  if (from === to) {
    credit.baseline.conversions += count
    credit.baseline.value += value
    return
  }
  for (let t = from; t < to; t++) {
    const share = shares[t - from]!
    if (share === 0) continue
    const c = channel[t]!
    credit.conversions[c]! += share * count
    credit.value[c]! += share * value
  }
}
