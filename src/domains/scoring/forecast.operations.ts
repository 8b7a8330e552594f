import { defineOperation } from '#gateway/operation.ts'
import { forecastPipeline, monthsFrom, type OpenDeal } from './forecast.rules.ts'
import { Forecast, ForecastQuery } from './model.schema.ts'
import { findPromoted } from './model.store.ts'
import { listWonDays, streamOpenDeals, type OpenDealRow } from './opportunity-case.store.ts'

export const getPipelineForecast = defineOperation({
  id: 'getPipelineForecast',
  method: 'GET',
  path: '/api/v1/scoring/pipeline-forecast',
  scope: 'performance:read',
  tag: 'Learned scores',
  summary: 'What the open pipeline is expected to bring by month and currency, with an interval',
  description:
    'Win probability × how long past won deals took, for deals that are open now; currencies are kept apart. Comes with ' +
    'what forecasts made at earlier dates would have said, and what came.',
  input: ForecastQuery,
  output: Forecast,
  async perform({ months }, { tx, now }) {
    const promoted = await findPromoted(tx, 'opportunity_won')
    const deals: OpenDeal[] = []
    let [openDeals, dealsWithoutAmount] = [0, 0]
    for await (const rows of streamOpenDeals(tx)) {
      openDeals += rows.length
      for (const row of rows) {
        const deal = toDeal(row, promoted !== null)
        if (deal === null) dealsWithoutAmount += 1
        else deals.push(deal)
      }
    }
    const periods = monthsFrom(now.getTime(), months)
    const wonDays = await listWonDays(tx, now)
    const cells =
      wonDays.length === 0 ? [] : forecastPipeline(deals, wonDays, periods, now.getTime(), 42)
    return {
      asOf: now,
      method: promoted === null ? ('crm_stage' as const) : ('learned' as const),
      modelId: promoted?.id ?? null,
      openDeals,
      dealsWithoutAmount,
      note:
        (wonDays.length === 0
          ? 'No deal was won here yet, so that nothing says how long it takes.'
          : 'Deals that are yet to be opened are no part of it.') +
        (promoted === null
          ? ' The interval holds no doubt about the CRM’s stage probabilities.'
          : ''),
      cells: cells.map(({ period, ...cell }) => ({
        ...cell,
        startsAt: new Date(periods[period]!.startsAtMs),
        endsAt: new Date(periods[period]!.endsAtMs),
      })),
      tests: promoted?.report?.forecastTests ?? [],
    }
  },
})

/** Null for a deal without an amount. A deal that was not scored yet counts by its stage, without any by one half. */
function toDeal(row: OpenDealRow, isLearned: boolean): OpenDeal | null {
  const { currency, amountMinor, openedAt, stageProbability, probability, low, high } = row
  if (amountMinor === null) return null
  const byStage = Math.min(0.999, Math.max(0.001, stageProbability ?? 0.5))
  const isScored = isLearned && probability !== null && low !== null && high !== null
  return {
    currency,
    amountMinor,
    openedAtMs: openedAt.getTime(),
    ...(isScored
      ? { probability, low, high }
      : { probability: byStage, low: byStage, high: byStage }),
  }
}
