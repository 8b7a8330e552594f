import { addDays, daysBetween } from '#core/calendar.ts'
import type { Actual, Need, Plan, PlanProgress, PutPlan } from '#reports/plan.schema.ts'
import { rateOf, type Rate } from '#reports/rate.rules.ts'

/** What was measured of a segment. */
export interface SegmentPast {
  channel: string
  leads: number
  opportunities: number
  won: number
  wonMinor: number
  wonWithAmount: number
  medianDaysToWon: number | null
  /** Of campaigns of the channel, in the days measured; 0 where none has a budget in the currency. */
  costMinor: number
}

type Segment = PutPlan['segments'][number]

/** Adds up what was measured of channels. */
export function mergePast(rows: readonly SegmentPast[]): SegmentPast {
  const sum = (of: (row: SegmentPast) => number) => rows.reduce((total, row) => total + of(row), 0)
  const won = sum((row) => row.won)
  // The mean of medians, weighted by deals: what can be said without the deals themselves.
  const days = sum((row) => row.won * (row.medianDaysToWon ?? 0))
  return {
    channel: '',
    leads: sum((row) => row.leads),
    opportunities: sum((row) => row.opportunities),
    won,
    wonMinor: sum((row) => row.wonMinor),
    wonWithAmount: sum((row) => row.wonWithAmount),
    medianDaysToWon: won === 0 ? null : days / won,
    costMinor: sum((row) => row.costMinor),
  }
}

/** What a target needs: deals, then back through the measured rates to opportunities, leads and spend. */
export function needOf(segment: Segment, past: SegmentPast, lastDay: string): Need {
  const { targetMinor, assume, channel } = segment
  const leadToWon = rateOf(past.won, past.leads)
  const leadToOpportunity = rateOf(past.opportunities, past.leads)
  const averageWonMinor =
    past.wonWithAmount === 0 ? null : Math.round(past.wonMinor / past.wonWithAmount)
  const costPerLeadMinor =
    past.leads === 0 || past.costMinor === 0 ? null : Math.round(past.costMinor / past.leads)
  const average = assume.averageWonMinor ?? averageWonMinor
  const deals = average ? Math.ceil(targetMinor / average) : null
  const winRate = assume.leadToWon ?? leadToWon.rate
  const openRate = assume.leadToOpportunity ?? leadToOpportunity.rate
  const leads = dividedUp(deals, winRate)
  const opportunities = leads === null || openRate === null ? null : Math.ceil(leads * openRate)
  const cost = assume.costPerLeadMinor ?? costPerLeadMinor
  const isAssumed = assume.leadToWon !== undefined
  return {
    channel,
    targetMinor,
    measured: {
      leadToWon,
      leadToOpportunity,
      averageWonMinor,
      medianDaysToWon: past.medianDaysToWon,
      costPerLeadMinor,
    },
    deals,
    opportunities,
    pipelineMinor: opportunities === null || !average ? null : Math.round(opportunities * average),
    leads,
    leadsLow: isAssumed ? leads : dividedUp(deals, leadToWon.high),
    leadsHigh: isAssumed ? leads : dividedUp(deals, leadToWon.low),
    spendMinor: leads === null || cost === null ? null : Math.round(leads * cost),
    leadsBy:
      past.medianDaysToWon === null ? null : addDays(lastDay, -Math.ceil(past.medianDaysToWon)),
    warnings: warningsOf(leadToWon, isAssumed, average, cost),
  }
}

function dividedUp(deals: number | null, rate: number | null): number | null {
  return deals === null || rate === null || rate <= 0 ? null : Math.ceil(deals / rate)
}

function warningsOf(
  leadToWon: Rate,
  isAssumed: boolean,
  average: number | null,
  cost: number | null,
): string[] {
  return [
    ...(leadToWon.isSmall && !isAssumed
      ? [`Only ${leadToWon.denominator} leads were measured: the rate is not to be relied on.`]
      : []),
    ...(leadToWon.rate === 0 && !isAssumed
      ? ['No lead was won in the days measured: assume a rate, or the need cannot be computed.']
      : []),
    ...(average === null ? ['No deal with an amount was won: assume an average amount.'] : []),
    ...(cost === null ? ['No budget is known: assume a cost per lead to see the spend.'] : []),
  ]
}

/** The sum of what is needed; null as soon as one segment’s need is unknown. */
export function totalOf(needs: readonly Need[]): Plan['total'] {
  const sum = (of: (need: Need) => number | null) =>
    needs.reduce<number | null>((total, need) => {
      const value = of(need)
      return total === null || value === null ? null : total + value
    }, 0)
  return {
    targetMinor: needs.reduce((total, need) => total + need.targetMinor, 0),
    pipelineMinor: sum((need) => need.pipelineMinor),
    leads: sum((need) => need.leads),
    spendMinor: sum((need) => need.spendMinor),
  }
}

/** What came in of a channel; null: of deals none of whose people was a lead. */
export type ChannelActual = Actual & { channel: string | null }

/** Holds what came in against what was planned; a segment without a channel takes all that no other names. */
export function progressOf(
  plan: Plan,
  actuals: readonly ChannelActual[],
): Pick<PlanProgress, 'segments' | 'outside' | 'total'> {
  const named = new Set(plan.needs.map(({ channel }) => channel))
  const rest = actuals.filter(({ channel }) => channel === null || !named.has(channel))
  return {
    segments: plan.needs.map(({ channel, ...need }) => ({
      channel,
      planned: {
        targetMinor: need.targetMinor,
        deals: need.deals,
        opportunities: need.opportunities,
        pipelineMinor: need.pipelineMinor,
        leads: need.leads,
        spendMinor: need.spendMinor,
      },
      actual: sumOf(channel === null ? rest : actuals.filter((row) => row.channel === channel)),
    })),
    outside: sumOf(named.has(null) ? [] : rest),
    total: sumOf(actuals),
  }
}

function sumOf(rows: readonly ChannelActual[]): Actual {
  const sum = (field: keyof Actual) => rows.reduce((total, row) => total + row[field], 0)
  return {
    wonMinor: sum('wonMinor'),
    wonDeals: sum('wonDeals'),
    opportunities: sum('opportunities'),
    pipelineMinor: sum('pipelineMinor'),
    leads: sum('leads'),
    spendMinor: sum('spendMinor'),
  }
}

/** The part of a quarter that is over at the end of a day, in [0, 1]. */
export function elapsedOf({ first, last }: { first: string; last: string }, day: string): number {
  const days = daysBetween(first, last) + 1
  return Math.min(1, Math.max(0, (daysBetween(first, day) + 1) / days))
}

const FIELDS = [
  'targetMinor',
  'deals',
  'opportunities',
  'pipelineMinor',
  'leads',
  'spendMinor',
] as const

/** What differs, segment by segment; a segment that one version lacks has null there. */
export function diffOf(before: Plan, after: Plan) {
  const channels = new Set([...before.needs, ...after.needs].map(({ channel }) => channel))
  return [...channels].flatMap((channel) => {
    const [old, now] = [before, after].map(({ needs }) =>
      needs.find((need) => need.channel === channel),
    )
    return FIELDS.flatMap((field) => {
      const change = { channel, field, before: old?.[field] ?? null, after: now?.[field] ?? null }
      return change.before === change.after ? [] : [change]
    })
  })
}
