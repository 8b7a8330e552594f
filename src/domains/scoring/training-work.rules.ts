import type { Table } from '#analytics/learning/table.ts'
import { forecastPipeline, type OpenDeal } from './forecast.rules.ts'
import type { ForecastTest } from './model.schema.ts'
import { learn, predictAsOf, type History, type Lesson } from './training.rules.ts'

/** The pipeline as it was at a moment, and what was won of it within the days after. */
export interface PastPipeline {
  cutAtMs: number
  days: number
  cases: Table
  deals: { currency: string; amountMinor: number; openedAtMs: number; wonAtMs: number | null }[]
  /** How long deals that were won until then had been open, in days. */
  wonDays: number[]
}

export interface TrainingWork {
  history: History
  pipelines: PastPipeline[]
}

export interface TrainingResult {
  lesson: Lesson | null
  forecastTests: ForecastTest[]
}

/** The whole of a training; pure, so that it can run on a thread of its own. Cost: 2 trainings, and 1 a pipeline. */
export function workTraining({ history, pipelines }: TrainingWork): TrainingResult {
  const lesson = learn(history)
  return {
    lesson,
    forecastTests: lesson === null ? [] : pipelines.flatMap((one) => testForecast(history, one)),
  }
}

/** What a forecast made at the cut would have said of the days after it, and what came. */
function testForecast(history: History, past: PastPipeline): ForecastTest[] {
  const { cutAtMs, days, cases, deals, wonDays } = past
  const predictions = wonDays.length === 0 ? null : predictAsOf(history, cutAtMs, cases)
  if (predictions === null) return []
  const endsAtMs = cutAtMs + days * 86_400_000
  const open = deals.map((deal, i): OpenDeal => ({ ...deal, ...predictions[i]! }))
  const cells = forecastPipeline(open, wonDays, [{ startsAtMs: cutAtMs, endsAtMs }], cutAtMs, 42)
  return cells.map(({ currency, deals: count, expectedMinor, lowMinor, highMinor }) => ({
    cutAt: new Date(cutAtMs).toISOString(),
    days,
    currency,
    deals: count,
    expectedMinor,
    lowMinor,
    highMinor,
    actualMinor: deals
      .filter(
        (deal) => deal.currency === currency && deal.wonAtMs !== null && deal.wonAtMs <= endsAtMs,
      )
      .reduce((sum, { amountMinor }) => sum + amountMinor, 0),
  }))
}
