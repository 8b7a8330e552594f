import { HOUR_MS, MINUTE_MS } from '#core/time.ts'
import { countOf, countSlow, percentileMs } from '#levels/histogram.rules.ts'

/**
 * How a call ended. `refused` is the caller's doing (4xx), `limited` a limit's or quota's (429), `fault` ours (5xx) or, of a
 * connected system, its own or no answer at all.
 */
export type CallClass = 'ok' | 'refused' | 'limited' | 'fault'

export function classOf(status: number): CallClass {
  if (status === 0 || status >= 500) return 'fault'
  if (status === 429) return 'limited'
  return status >= 400 ? 'refused' : 'ok'
}

export interface CallCount {
  class: CallClass
  bucket: number
  calls: number
}

/** One operation's calls, or all calls, as figures. */
export interface Level {
  calls: number
  refused: number
  limited: number
  faults: number
  errorRate: number | null
  p50Ms: number | null
  p90Ms: number | null
  p95Ms: number | null
  p99Ms: number | null
}

/** Limited calls are not timed: the hub itself holds up who goes on in spite of refusals. */
export function timedOf(counts: readonly CallCount[]): Map<number, number> {
  const histogram = new Map<number, number>()
  for (const { class: ended, bucket, calls } of counts)
    if (ended !== 'limited') histogram.set(bucket, (histogram.get(bucket) ?? 0) + calls)
  return histogram
}

export function levelOf(counts: readonly CallCount[]): Level {
  const of = (ended: CallClass) =>
    counts.reduce((sum, one) => (one.class === ended ? sum + one.calls : sum), 0)
  const [ok, refused, limited, faults] = [of('ok'), of('refused'), of('limited'), of('fault')]
  const timed = timedOf(counts)
  return {
    calls: ok + refused + limited + faults,
    refused,
    limited,
    faults,
    errorRate: ok + faults === 0 ? null : faults / (ok + faults),
    p50Ms: percentileMs(timed, 0.5),
    p90Ms: percentileMs(timed, 0.9),
    p95Ms: percentileMs(timed, 0.95),
    p99Ms: percentileMs(timed, 0.99),
  }
}

export const windows = {
  '5m': 5 * MINUTE_MS,
  '30m': 30 * MINUTE_MS,
  '1h': HOUR_MS,
  '6h': 6 * HOUR_MS,
  '1d': 24 * HOUR_MS,
  '7d': 7 * 24 * HOUR_MS,
  '30d': 30 * 24 * HOUR_MS,
} as const

export type Window = keyof typeof windows

/** Minutes are kept for a day; longer windows go by hours. */
export function isByHour(window: Window): boolean {
  return windows[window] > windows['1d']
}

/** So many whole minutes, or hours, and what there is of the running one. */
export function startOf(window: Window, now: Date): Date {
  const unitMs = isByHour(window) ? HOUR_MS : MINUTE_MS
  return new Date(Math.floor(now.getTime() / unitMs) * unitMs - windows[window])
}

export interface Objective {
  id: string
  name: string
  definition: string
  /** The share of what is counted that must be good. */
  target: number
  /** What is counted, and what of it is bad. */
  count(counts: readonly CallCount[]): { total: number; bad: number }
}

const slowerThan = (limitMs: number) => (counts: readonly CallCount[]) => {
  const timed = timedOf(counts)
  return { total: countOf(timed), bad: countSlow(timed, limitMs) }
}

/** What the requirements promise of calls. */
export const callObjectives: readonly Objective[] = [
  {
    id: 'latency_p90',
    name: '90 % of calls within 500 ms',
    definition: 'Calls to the API that took less than 500 ms, of all that no limit refused.',
    target: 0.9,
    count: slowerThan(500),
  },
  {
    id: 'latency_p95',
    name: '95 % of calls within 200 ms',
    definition: 'Calls to the API that took less than 200 ms, of all that no limit refused.',
    target: 0.95,
    count: slowerThan(200),
  },
  {
    id: 'errors',
    name: 'Fewer than 1 % of calls fail',
    definition:
      'Calls to the API that did not end in a fault of ours (5xx), of all that were not refused for the caller’s fault.',
    target: 0.99,
    count(counts) {
      const { calls, refused, limited, faults } = levelOf(counts)
      return { total: calls - refused - limited, bad: faults }
    },
  },
]

export const UPTIME_TARGET = 0.999

export interface Share {
  total: number
  bad: number
}

/** How fast the budget of bad calls is used up: 1 uses it up in just the objective's window. Null: nothing was counted. */
export function burnRate({ total, bad }: Share, target: number): number | null {
  return total === 0 ? null : bad / total / (1 - target)
}

/** The part of the window's budget that is left; below 0 it is overdrawn. */
export function budgetLeft(share: Share, target: number): number | null {
  const burn = burnRate(share, target)
  return burn === null ? null : 1 - burn
}

/** 2 % of a budget of 30 days in an hour, and 5 % in six: the pairs of windows of the Google SRE Workbook, chapter 5. */
const FAST_BURN = 14.4
const SLOW_BURN = 6

/** A long window shows that it matters, the short one that it still goes on. */
export function alertOf(
  burns: Readonly<Record<'5m' | '30m' | '1h' | '6h', number | null>>,
): 'fast' | 'slow' | null {
  const above = (limit: number, long: number | null, short: number | null) =>
    long !== null && short !== null && long > limit && short > limit
  if (above(FAST_BURN, burns['1h'], burns['5m'])) return 'fast'
  return above(SLOW_BURN, burns['6h'], burns['30m']) ? 'slow' : null
}
