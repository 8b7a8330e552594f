import type { KpiSource } from '#levels/kpi.ts'
import type { ForecastTest } from './model.schema.ts'
import { findPromoted } from './model.store.ts'

const MOST_DAYS = 92

/** How close earlier forecasts of the pipeline would have come. */
export const scoringKpis: KpiSource = {
  kpis: [
    {
      id: 'forecast_accuracy',
      name: 'Forecast accuracy of the pipeline',
      definition:
        'One less the sum of absolute errors by the sum of what came (1 − WAPE), over forecasts that the promoted model would have ' +
        'made at earlier dates for up to three months, in the currency of most deals; deals that were yet to be opened are no part of it.',
      window: 'back-test of the promoted model',
      unit: 'share',
      targets: [{ level: 'now', comparison: 'at_least', value: 0.85 }],
    },
  ],
  async measure(tx) {
    const promoted = await findPromoted(tx, 'opportunity_won')
    if (!promoted)
      return {
        forecast_accuracy: {
          value: null,
          reason: 'No model of won deals was trained and promoted.',
        },
      }
    const value = accuracyOf(promoted.report?.forecastTests ?? [])
    return {
      forecast_accuracy:
        value === null ? { value, reason: 'The back-test has no revenue to compare.' } : { value },
    }
  },
}

/** 1 − WAPE in the currency of most deals; null when nothing came. */
export function accuracyOf(tests: readonly ForecastTest[]): number | null {
  const within = tests.filter(({ days }) => days <= MOST_DAYS)
  const groups = [...Map.groupBy(within, ({ currency }) => currency).values()]
  const dealsOf = (group: readonly ForecastTest[]) => group.reduce((sum, one) => sum + one.deals, 0)
  const largest = groups.sort((a, b) => dealsOf(b) - dealsOf(a))[0] ?? []
  let [error, came] = [0, 0]
  for (const { expectedMinor, actualMinor } of largest) {
    error += Math.abs(expectedMinor - actualMinor)
    came += actualMinor
  }
  return came === 0 ? null : 1 - error / came
}
