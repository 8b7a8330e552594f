import { daysBetween } from '#core/calendar.ts'

/** What a campaign may cost. There is no spend yet, only the budget that was set for it. */
export interface Budget {
  budgetMinor: number | null
  currency: string | null
  startsOn: string | null
  endsOn: string | null
}

export type CostReason = 'no_budget' | 'no_dates' | 'other_currency' | 'not_in_period'

/** The cost of a campaign in a period, or why there is none. */
export type Cost = { costMinor: number; reason: null } | { costMinor: null; reason: CostReason }

/**
 * The part of a budget that falls into a period, the budget spread evenly over the days of its campaign.
 *
 * Parts of periods that follow each other sum to the part of the whole, to the cent: each is the difference of two
 * rounded running totals.
 * @param from  first day, `to` last day included; null for no bound.
 */
export function costBetween(
  budget: Budget,
  currency: string,
  from: string | null,
  to: string | null,
): Cost {
  const { budgetMinor, startsOn, endsOn } = budget
  if (budgetMinor === null) return { costMinor: null, reason: 'no_budget' }
  if (budget.currency !== currency) return { costMinor: null, reason: 'other_currency' }
  if (from === null && to === null) return { costMinor: budgetMinor, reason: null }
  if (startsOn === null || endsOn === null || endsOn < startsOn) {
    return { costMinor: null, reason: 'no_dates' }
  }
  const days = daysBetween(startsOn, endsOn) + 1
  const spentBefore = (day: number) =>
    Math.round((budgetMinor * Math.min(Math.max(day, 0), days)) / days)
  const first = from === null ? 0 : daysBetween(startsOn, from)
  const end = to === null ? days : daysBetween(startsOn, to) + 1
  if (end <= 0 || first >= days) return { costMinor: null, reason: 'not_in_period' }
  return { costMinor: spentBefore(end) - spentBefore(first), reason: null }
}

/** Return on a cost: (credited − cost) ⁄ cost; null when there is no cost to divide by. */
export function returnOn(creditedMinor: number, costMinor: number | null): number | null {
  if (costMinor === null || costMinor <= 0) return null
  return (creditedMinor - costMinor) / costMinor
}
