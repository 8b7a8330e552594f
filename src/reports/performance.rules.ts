import { campaignLine } from '#reports/campaign-line.rules.ts'
import type { Won } from '#reports/lens.schema.ts'
import type { Lens } from '#reports/lens.store.ts'
import { receiptsLink } from '#reports/links.ts'
import type { DealGroup, PerformanceReport, PeriodFigures } from '#reports/performance.schema.ts'
import type {
  DealClassRow,
  Focus,
  InfluenceRow,
  LeadRow,
  PeriodCreditRow,
  ReachedRow,
  Span,
  StageRow,
} from '#reports/performance.store.ts'
import { rateOf, ratioOf, SMALL_N, type Rate } from '#reports/rate.rules.ts'

const LISTED = 50
const NO_AMOUNT = { deals: 0, amountMinor: 0 }

/** The deals of one state and span, in one currency. */
export function dealGroup(
  rows: readonly DealClassRow[],
  state: DealClassRow['state'],
  which: DealClassRow['which'],
  currency: string,
): DealGroup {
  const own = rows.filter((row) => row.state === state && row.which === which)
  const of = (reach: DealClassRow['reach']) => {
    const row = own.find((row) => row.currency === currency && row.reach === reach)
    return row ? { deals: row.deals, amountMinor: row.amountMinor } : NO_AMOUNT
  }
  return {
    ...of(null),
    sourced: of('sourced'),
    influenced: of('influenced'),
    untouched: of('untouched'),
    dealsWithoutAmount:
      own.find((row) => row.currency === currency && row.reach === null)?.withoutAmount ?? 0,
    otherCurrencies: own
      .filter((row) => row.currency !== currency && row.reach === null)
      .map(({ currency, deals, amountMinor }) => ({ currency, deals, amountMinor })),
  }
}

export function pipelineOf(
  classes: readonly DealClassRow[],
  influence: readonly InfluenceRow[],
  currency: string,
  now: Date,
): PerformanceReport['pipeline'] {
  const group = dealGroup(classes, 'open', 'now', currency)
  const touchedMinor = group.sourced.amountMinor + group.influenced.amountMinor
  const amounts = (row: InfluenceRow) => ({
    influenced: { deals: row.influencedDeals, amountMinor: row.influencedMinor },
    sourced: { deals: row.sourcedDeals, amountMinor: row.sourcedMinor },
  })
  return {
    ...group,
    asOf: now,
    influencedShare: group.amountMinor === 0 ? null : touchedMinor / group.amountMinor,
    campaigns: influence
      .filter((row) => row.kind === 'campaign')
      .slice(0, LISTED)
      .map((row) => ({
        campaignId: row.key,
        name: row.name ?? 'Unknown campaign',
        ...amounts(row),
      })),
    channels: influence
      .filter((row) => row.kind === 'channel')
      .map((row) => ({ channel: row.key, ...amounts(row) })),
  }
}

/** All that was read for the spans; credit and won deals are of one span. */
export interface PeriodRows {
  classes: readonly DealClassRow[]
  leads: readonly LeadRow[]
  mqlDays: readonly { which: Span['which']; n: number; medianDays: number | null }[]
  reached: readonly ReachedRow[]
  stages: readonly StageRow[]
}

export function periodFigures(
  which: Span['which'],
  rows: PeriodRows,
  credit: readonly PeriodCreditRow[],
  won: Won,
  lens: Lens,
): PeriodFigures {
  const { from, to, currency } = lens.answer
  const conversions = conversionsOf(which, rows)
  const days = rows.mqlDays.find((row) => row.which === which)
  const leads = rows.leads.filter((row) => row.which === which)
  const accepted = sum(leads, (row) => row.accepted)
  const rejected = sum(leads, (row) => row.rejected)
  const { leads: count, mqls } = conversions.cohort.total
  return {
    from: from!,
    to: to!,
    closed: closedOf(which, rows.classes, currency),
    revenue: revenueOf(credit, won, lens),
    leads: {
      leads: count,
      mqls,
      mqlRate: rateOf(mqls, count),
      accepted,
      rejected,
      acceptance: rateOf(accepted, accepted + rejected),
      daysToMql: {
        n: days?.n ?? 0,
        medianDays: days?.medianDays ?? null,
        isSmall: (days?.n ?? 0) < SMALL_N,
      },
    },
    conversion: conversions,
    stages: rows.stages
      .filter((row) => row.which === which)
      .map((stage) => ({ ...stage, isSmall: stage.n < SMALL_N })),
  }
}

function closedOf(
  which: Span['which'],
  classes: readonly DealClassRow[],
  currency: string,
): PeriodFigures['closed'] {
  const won = dealGroup(classes, 'won', which, currency)
  const lost = dealGroup(classes, 'lost', which, currency)
  const all = classes.find(
    (row) =>
      row.state === 'won' && row.which === which && row.currency === currency && row.reach === null,
  )
  return {
    won,
    lost,
    winRate: rateOf(won.deals, won.deals + lost.deals),
    averageWonMinor: won.deals === 0 ? null : Math.round(won.amountMinor / won.deals),
    cycle: { n: won.deals, medianDays: all?.medianDays ?? null, isSmall: won.deals < SMALL_N },
  }
}

function revenueOf(
  credit: readonly PeriodCreditRow[],
  won: Won,
  lens: Lens,
): PeriodFigures['revenue'] {
  const campaigns = credit.filter((row) => row.kind === 'campaign').slice(0, LISTED)
  const channels = credit.filter((row) => row.kind === 'channel')
  return {
    workspace: won,
    campaigns: campaigns.map(({ credit, key, ...row }) =>
      campaignLine({ ...row, campaignId: key === '' ? null : key, ...credit }, lens),
    ),
    channels: channels.map(({ key, credit }) => ({
      channel: key,
      ...credit,
      receipts: receiptsLink(lens, { channel: key }),
    })),
  }
}

interface Steps {
  leads: number
  mqls: number
  opportunities: number
  won: number
}

type Conversions = PeriodFigures['conversion']

function conversionsOf(which: Span['which'], rows: PeriodRows): Conversions {
  const channels = new Map<string, { cohort: Steps; period: Steps }>()
  const at = (channel: string) => {
    let steps = channels.get(channel)
    if (!steps) channels.set(channel, (steps = { cohort: noSteps(), period: noSteps() }))
    return steps
  }
  for (const row of rows.leads.filter((row) => row.which === which)) {
    const { cohort, period } = at(row.channel)
    Object.assign(cohort, { leads: row.leads, mqls: row.cohortMqls })
    Object.assign(period, { leads: row.leads, mqls: row.periodMqls })
  }
  for (const row of rows.reached.filter((row) => row.which === which)) {
    const { cohort, period } = at(row.channel)
    Object.assign(cohort, { opportunities: row.cohortOpportunities, won: row.cohortWon })
    Object.assign(period, { opportunities: row.periodOpportunities, won: row.periodWon })
  }
  const named = [...channels].sort(([a], [b]) => (a < b ? -1 : 1))
  const tableOf = (basis: 'cohort' | 'period', rate: (a: number, b: number) => Rate) => ({
    total: converted(total(named.map(([, steps]) => steps[basis])), rate),
    channels: named
      .map(([channel, steps]) => ({ channel, ...converted(steps[basis], rate) }))
      .filter(({ leads, mqls, opportunities, won }) => leads + mqls + opportunities + won > 0),
  })
  return { cohort: tableOf('cohort', rateOf), period: tableOf('period', ratioOf) }
}

function converted(steps: Steps, rate: (numerator: number, denominator: number) => Rate) {
  return {
    ...steps,
    leadToMql: rate(steps.mqls, steps.leads),
    leadToOpportunity: rate(steps.opportunities, steps.leads),
    opportunityToWon: rate(steps.won, steps.opportunities),
    leadToWon: rate(steps.won, steps.leads),
  }
}

const noSteps = (): Steps => ({ leads: 0, mqls: 0, opportunities: 0, won: 0 })

function total(parts: readonly Steps[]): Steps {
  return {
    leads: sum(parts, (part) => part.leads),
    mqls: sum(parts, (part) => part.mqls),
    opportunities: sum(parts, (part) => part.opportunities),
    won: sum(parts, (part) => part.won),
  }
}

function sum<T>(rows: readonly T[], value: (row: T) => number): number {
  return rows.reduce((total, row) => total + value(row), 0)
}

/** What each figure means, in a sentence that a page shows beside it. */
export const DEFINITIONS: PerformanceReport['definitions'] = {
  leadVelocity:
    'MQLs of a month against the month before: leads that first crossed the threshold in it, each counted once.',
  stageDays:
    'Days from entering a stage to leaving it, of stays that ended in the period; skipped stages count as no stay.',
  conversionCohort:
    'Of the leads captured in the period, the part that came so far until now; young leads had less time.',
  conversionPeriod:
    'What happened in the period, whenever the leads were captured: a ratio of two counts, not a share of the same leads.',
  pipelineVelocity: 'Open deals × win rate × average won amount ⁄ median days from opened to won.',
  influenced:
    'A campaign touched one of the deal’s people before its close; each deal is counted once.',
  sourced:
    'The very first touch of the deal’s people was a campaign’s, before the deal was opened.',
}

/** Growth from month to month; the month of today is not over and counts as partial. */
export function leadVelocityOf(
  rows: readonly { month: string; mqls: number }[],
): PerformanceReport['leadVelocity'] {
  const months = rows.map(({ month, mqls }, i) => {
    const before = rows[i - 1]?.mqls ?? 0
    return {
      month,
      mqls,
      growth: before === 0 ? null : mqls / before - 1,
      isPartial: i === rows.length - 1,
    }
  })
  return { months: months.slice(1), growth: months.at(-2)?.growth ?? null }
}

/** Open deals × win rate × average won amount ⁄ cycle; null when one of them is unknown. */
export function pipelineVelocity(
  openDeals: number,
  closed: PeriodFigures['closed'],
): number | null {
  const { winRate, averageWonMinor, cycle } = closed
  if (winRate.rate === null || averageWonMinor === null || !cycle.medianDays) return null
  return Math.round((openDeals * winRate.rate * averageWonMinor) / cycle.medianDays)
}

export function performanceNotes(lens: Lens, focus: Focus): string[] {
  const notes = [
    'Sourced and influenced say what came before a deal, not what caused it. What the customer, sales and the CRM say of it ' +
      'is at /api/v1/attribution/disagreements.',
  ]
  if (focus.channel !== null) {
    notes.push(
      'Won deals are those touched through the channel; credit is only that of the channel, so it is less.',
    )
  }
  const { computedAt, dirtyDeals } = lens.answer.freshness
  if (computedAt === null) notes.push('The ledger was not computed yet.')
  else if (dirtyDeals > 0)
    notes.push(`Changes of ${dirtyDeals} deals are not in the attribution figures yet.`)
  return notes
}
