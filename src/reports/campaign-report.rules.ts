import type { z } from 'zod'
import { addDays, mondayOf, mondaysBetween } from '#core/calendar.ts'
import type { CampaignReport, CampaignReportQuery } from '#reports/campaign-report.schema.ts'
import type { CampaignCredit, CampaignRow } from '#reports/campaign-report.store.ts'
import { NOTHING, type ModelCredits } from '#reports/credit-sums.ts'
import { costBetween, returnOn } from '#reports/cost.rules.ts'
import type { Credit, Won } from '#reports/lens.schema.ts'
import type { Lens } from '#reports/lens.store.ts'
import { link, receiptsLink } from '#reports/links.ts'

type Unit = z.output<typeof CampaignReportQuery>['unit']
type Week = CampaignReport['weeks'][number]

export interface CampaignFigures {
  campaign: CampaignRow
  credit: readonly CampaignCredit[]
  restated: readonly { week: string; deltaMinor: number }[]
  won: Won
  reach: { touches: number; people: number }
}

/** Puts the answer together from what was read. */
export function campaignReport(
  { campaign, credit, restated, won, reach }: CampaignFigures,
  lens: Lens,
  unit: Unit,
  withModels: boolean,
): CampaignReport {
  const { model, from, to } = lens.answer
  const total = credit.find((row) => row.week === null)?.models ?? {}
  const totals = total[model] ?? NOTHING
  const whole = unit === 'revenue' ? won.wonMinor : won.wonDeals
  const value = valueOf(totals, unit)
  const cost = costBetween(campaign, lens.answer.currency, from, to)
  const { deletedAt: _, budgetMinor, currency: budgetCurrency, ...head } = campaign
  return {
    ...lens.answer,
    campaign: head,
    unit,
    totals: { ...totals, value, share: whole === 0 ? null : value / whole },
    models: linesOf(total, lens),
    weeks: weekSeries(campaign, credit, restated, lens, unit, withModels),
    workspace: won,
    reach,
    cost: {
      budgetMinor,
      budgetCurrency,
      ...cost,
      roi: returnOn(totals.creditedMinor, cost.costMinor),
    },
    notes: notesOf(totals, won, lens),
    links: linksOf(campaign.id, lens),
  }
}

/** Every week of the period, also those without credit; from the first credited week when the period has no start. */
function weekSeries(
  campaign: CampaignRow,
  credit: readonly CampaignCredit[],
  restated: readonly { week: string; deltaMinor: number }[],
  lens: Lens,
  unit: Unit,
  withModels: boolean,
): Week[] {
  const { model, currency, from, to } = lens.answer
  const credited = credit.flatMap((row) => row.week ?? []).sort()
  const first = from === null ? (credited[0] ?? lens.thisWeek) : mondayOf(from)
  const until = to === null ? lens.thisWeek : mondayOf(to)
  const last = to === null && (credited.at(-1) ?? '') > until ? credited.at(-1)! : until
  const moved = new Map(restated.map((row) => [row.week, row.deltaMinor]))
  const byWeek = new Map(credit.map((row) => [row.week, row.models]))
  return mondaysBetween(first, last).map((week) => {
    const sunday = addDays(week, 6)
    const models = byWeek.get(week) ?? {}
    const figures = models[model] ?? NOTHING
    const start = from !== null && from > week ? from : week
    const end = to !== null && to < sunday ? to : sunday
    const { costMinor } = costBetween(campaign, currency, start, end)
    return {
      week,
      ...figures,
      value: valueOf(figures, unit),
      isPartial: lens.today <= sunday || start !== week || end !== sunday,
      costMinor,
      roi: returnOn(figures.creditedMinor, costMinor),
      restatedMinor: moved.get(week) ?? 0,
      ...(withModels && { models: linesOf(models, lens) }),
    }
  })
}

function linesOf(credits: ModelCredits, { models }: Lens): CampaignReport['models'] {
  return models.map((model) => ({ model, ...(credits[model] ?? NOTHING) }))
}

function valueOf({ creditedMinor, deals }: Credit, unit: Unit): number {
  return unit === 'revenue' ? creditedMinor : deals
}

/** Credit by a rule is bookkeeping: it says what it divided and by which rule, and claims nothing else. */
function notesOf(totals: Credit, won: Won, lens: Lens): string[] {
  const notes = [
    lens.hasBaseline
      ? 'A fitted model divides what was won; what it says would have come anyway is the baseline and no channel’s credit.'
      : 'Credit divides what was won by a rule; it is exact bookkeeping, so it has no interval, and it does not say what ' +
        'would have been won without the campaign.',
  ]
  if (totals.n === 0) notes.push('No won deal in this period has credit from this campaign.')
  if (won.dealsWithoutAmount > 0) {
    notes.push(`${won.dealsWithoutAmount} won deals have no amount in the CRM and count as 0.`)
  }
  if (won.otherCurrencies.length > 0) {
    const others = won.otherCurrencies.map(({ currency, deals }) => `${deals} in ${currency}`)
    notes.push(`Won deals of other currencies are not in these figures: ${others.join(', ')}.`)
  }
  if (lens.answer.freshness.computedAt === null) notes.push('The ledger was not computed yet.')
  else if (lens.answer.freshness.dirtyDeals > 0) {
    notes.push(`Changes of ${lens.answer.freshness.dirtyDeals} deals are not in these figures yet.`)
  }
  return notes
}

/** Where each figure opens to its records, under the same filters. */
function linksOf(campaignId: string, lens: Lens): CampaignReport['links'] {
  const { model, window, currency, from, to } = lens.answer
  return {
    credits: receiptsLink(lens, { campaignId }),
    uncredited: link('/api/v1/attribution/deals', {
      credited: 'false',
      window,
      currency,
      from,
      to,
    }),
    restatements: link('/api/v1/attribution/restatements', { campaignId, model, window, currency }),
  }
}
