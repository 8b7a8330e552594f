import type { Overview } from '#reports/overview.schema.ts'
import type { OverviewDealRow, OverviewRow } from '#reports/overview.store.ts'

/** The chain in figures, from the counts and deals of both periods. */
export function overviewOf(
  counts: readonly OverviewRow[],
  deals: readonly OverviewDealRow[],
  currency: string,
  freshness: Overview['freshness'],
  now: Date,
  days: number,
): Overview {
  const count = (field: 'touches' | 'people' | 'leads' | 'mqls' | 'synced') => {
    const of = (which: string) => counts.find((row) => row.which === which)?.[field] ?? 0
    return step(of('current'), of('previous'))
  }
  const deal = (field: 'openDeals' | 'openMinor' | 'wonDeals' | 'wonMinor') => {
    const of = (which: string) =>
      deals.find((row) => row.which === which && row.currency === currency)?.[field] ?? 0
    return step(of('current'), of('previous'))
  }
  return {
    asOf: now,
    days,
    currency,
    touches: count('touches'),
    people: count('people'),
    leads: count('leads'),
    mqls: count('mqls'),
    synced: count('synced'),
    openPipeline: { deals: deal('openDeals'), amountMinor: deal('openMinor') },
    won: { deals: deal('wonDeals'), amountMinor: deal('wonMinor') },
    otherCurrencies: deals
      .filter((row) => row.which === 'current' && row.currency !== currency && row.wonDeals > 0)
      .map((row) => ({ currency: row.currency, deals: row.wonDeals, amountMinor: row.wonMinor })),
    freshness,
  }
}

function step(current: number, previous: number): Overview['touches'] {
  return { current, previous, change: previous === 0 ? null : current / previous - 1 }
}
