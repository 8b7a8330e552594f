import { SECOND_MS } from '#core/time.ts'

export const UPTIME_DEFINITION =
  'Seconds in which a prober outside got a correct answer, of all since it began. An answer holds until the next one, one and a ' +
  'half of the prober’s intervals at most; what nobody looked at counts as down. Of several probers the one that saw least.'

/** An answer holds for so many intervals when no other comes. */
export const HOLDS = 1.5

export interface Probe {
  at: Date
  everyMs: number
  ok: boolean
}

export interface Uptime {
  upS: number
  downS: number
  /** Seconds that nobody looked at; they count as down. */
  gapS: number
}

/**
 * Seconds of each kind from the first probe, or `from` when that is later, until `to`.
 * @param probes  of one prober, by time.
 */
export function uptimeOf(probes: readonly Probe[], from: Date, to: Date): Uptime {
  const sums = { upS: 0, downS: 0, gapS: 0 }
  const seconds = (startMs: number, endMs: number) =>
    Math.max(0, Math.min(endMs, to.getTime()) - Math.max(startMs, from.getTime())) / SECOND_MS
  probes.forEach(({ at, everyMs, ok }, i) => {
    const nextMs = probes[i + 1]?.at.getTime() ?? Number.POSITIVE_INFINITY
    const heldMs = Math.min(nextMs, at.getTime() + HOLDS * everyMs)
    sums[ok ? 'upS' : 'downS'] += seconds(at.getTime(), heldMs)
    sums.gapS += seconds(heldMs, nextMs)
  })
  return sums
}

export function shareUp({ upS, downS, gapS }: Uptime): number | null {
  const all = upS + downS + gapS
  return all === 0 ? null : upS / all
}

/** The one that saw least; null when there is none. */
export function lowestOf<U extends Uptime>(all: readonly U[]): U | null {
  const share = (one: U) => shareUp(one) ?? 1
  return all.reduce<U | null>((low, one) => (low && share(low) <= share(one) ? low : one), null)
}
