import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { Forecast, ScorePage } from '#domains/scoring/model.schema.ts'
import {
  Improvement,
  ImprovementDealPage,
  ImprovementLeadPage,
  type ImprovementSpan,
  type LeadOutcome,
} from '#reports/improvement.schema.ts'
import { Slippage, SlippageDealPage, type SlippageOutcome } from '#reports/slippage.schema.ts'
import { read } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'
import { AREA } from '#console/pages/scores/scores.queries.ts'

export type Pipeline = z.output<typeof Forecast>
export type SlippageFigures = z.output<typeof Slippage>
export type SlippageDeal = z.output<typeof SlippageDealPage>['data'][number]

export type ImprovementFigures = z.output<typeof Improvement>
export type ImprovementLead = z.output<typeof ImprovementLeadPage>['data'][number]
export type ImprovementDeal = z.output<typeof ImprovementDealPage>['data'][number]

export function dealScoresQuery() {
  return listQuery([AREA], ScorePage, '/api/v1/scoring/opportunity-probabilities')
}

export function forecastExport(months: string) {
  return { path: '/api/v1/scoring/pipeline-forecast', fields: { months }, isList: false }
}

export function forecastQuery(months: string) {
  const { path, fields } = forecastExport(months)
  return queryOptions({
    queryKey: [AREA, 'forecast', months],
    queryFn: ({ signal }) => read(Forecast, path, fields, signal),
  })
}

/** First and last day of a period. */
type Days = Readonly<Record<'from' | 'to', string>>
type SlippageFields = Days & Readonly<Record<'outcome', SlippageOutcome | undefined>>

export function slippageQuery(period: Days) {
  return queryOptions({
    queryKey: [AREA, 'slippage', period],
    queryFn: ({ signal }) => read(Slippage, '/api/v1/reports/slippage', { ...period }, signal),
  })
}

export function slippageExport(fields: SlippageFields) {
  return { path: '/api/v1/reports/slippage/deals', fields }
}

export function slippageDealsQuery(deals: SlippageFields) {
  const { path, fields } = slippageExport(deals)
  return listQuery([AREA], SlippageDealPage, path, fields)
}

/** The two periods that are compared. */
export type Spans = Readonly<Record<'baselineFrom' | 'baselineTo' | 'from' | 'to', string>>

export function improvementQuery(spans: Spans) {
  const { path, fields } = improvementExport(spans)
  return queryOptions({
    queryKey: [AREA, 'improvement', spans],
    queryFn: ({ signal }) => read(Improvement, path, fields, signal),
  })
}

export function improvementExport(spans: Spans) {
  return { path: '/api/v1/reports/improvement', fields: { ...spans }, isList: false }
}

type LeadsOfFigure = Spans & Readonly<{ span: ImprovementSpan; outcome: LeadOutcome | undefined }>

export function improvementLeadsQuery(leads: LeadsOfFigure) {
  const { path, fields } = improvementLeadsExport(leads)
  return listQuery([AREA], ImprovementLeadPage, path, fields)
}

export function improvementLeadsExport(fields: LeadsOfFigure) {
  return { path: '/api/v1/reports/improvement/leads', fields }
}

type DealsOfFigure = Spans & Readonly<{ span: ImprovementSpan }>

export function improvementDealsQuery(deals: DealsOfFigure) {
  const { path, fields } = improvementDealsExport(deals)
  return listQuery([AREA], ImprovementDealPage, path, fields)
}

export function improvementDealsExport(fields: DealsOfFigure) {
  return { path: '/api/v1/reports/improvement/deals', fields }
}
