import { countOf, percentileMs } from '#levels/histogram.rules.ts'
import type { KpiSource, Measured } from '#levels/kpi.ts'
import { levelOf, startOf, timedOf } from '#levels/level.rules.ts'
import { sumCalls, sumCallsOf } from '#levels/level.store.ts'
import { lowestOf, shareUp, UPTIME_DEFINITION } from '#levels/probe.rules.ts'
import { readUptime } from '#levels/probe.store.ts'

const WINDOW = '30d'

/** Seconds from an accepted change to its write at a connected system, noted as if it were a call. */
export const LAG_OPERATION = 'sync.lag'

const latency =
  'Calls to the API with valid credentials, exports and calls over a limit left out; kept to two digits, rounded up.'

export const levelKpis: KpiSource = {
  kpis: [
    {
      id: 'api_p90',
      name: 'API response time, 90 % of calls',
      definition: latency,
      window: WINDOW,
      unit: 'milliseconds',
      targets: [{ level: 'now', comparison: 'at_most', value: 500 }],
    },
    {
      id: 'api_p95',
      name: 'API response time, 95 % of calls',
      definition: latency,
      window: WINDOW,
      unit: 'milliseconds',
      targets: [{ level: 'later', comparison: 'at_most', value: 200 }],
    },
    {
      id: 'error_rate',
      name: 'Error rate',
      definition:
        'Calls to the API that ended in a fault of ours (5xx), of all that were not refused for the caller’s fault. Records of ' +
        'a sync that did not arrive are no part of it: each becomes an error item with an owner and what to do.',
      window: WINDOW,
      unit: 'share',
      targets: [
        { level: 'now', comparison: 'at_most', value: 0.01 },
        { level: 'later', comparison: 'at_most', value: 0.001 },
      ],
    },
    {
      id: 'uptime',
      name: 'Uptime',
      definition: UPTIME_DEFINITION,
      window: WINDOW,
      unit: 'share',
      targets: [
        { level: 'now', comparison: 'at_least', value: 0.98 },
        { level: 'later', comparison: 'at_least', value: 0.999 },
      ],
    },
    {
      id: 'realtime_p95',
      name: 'Real-time sync, 95 % of changes',
      definition:
        'From the first unsent change of a record, accepted here, to its write at the connected system, in runs that changes began. ' +
        'Times above 100 s show as 100 s.',
      window: WINDOW,
      unit: 'milliseconds',
      targets: [{ level: 'later', comparison: 'at_most', value: 5000 }],
    },
    ...(
      [
        ['cross_domain_efficiency', 'Cross-domain process efficiency'],
        ['data_driven_decisions', 'Data-driven decisions'],
        ['customer_experience', 'Customer experience'],
      ] as const
    ).map(([id, name]) => ({
      id,
      name,
      definition:
        'The change against a baseline that the company names, with a holdout where one is possible.',
      window: 'quarter',
      unit: 'share' as const,
      targets: [],
    })),
  ],
  async measure(tx, now) {
    const from = startOf(WINDOW, now)
    const counts = await sumCalls(tx, 'call_hours', from)
    const { p90Ms, p95Ms, errorRate } = levelOf(counts)
    const lags = timedOf(await sumCallsOf(tx, 'call_hours', from, [LAG_OPERATION]))
    const lowest = lowestOf(await readUptime(tx, from, now))
    const business = 'Not measured yet: there is no instrument with a baseline for it.'
    return {
      api_p90: orReason(p90Ms, 'No call was counted yet.'),
      api_p95: orReason(p95Ms, 'No call was counted yet.'),
      error_rate: orReason(errorRate, 'No call was counted yet.'),
      uptime: orReason(
        lowest && shareUp(lowest),
        'No prober has reported: run throughline probe on another machine.',
      ),
      realtime_p95: orReason(
        percentileMs(lags, 0.95),
        'No change was sent at once to a connected system yet.',
        `Of ${countOf(lags)} changes.`,
      ),
      cross_domain_efficiency: { value: null, reason: business },
      data_driven_decisions: { value: null, reason: business },
      customer_experience: { value: null, reason: business },
    }
  },
}

function orReason(value: number | null, reason: string, note?: string): Measured {
  if (value === null) return { value, reason }
  return note === undefined ? { value } : { value, note }
}
