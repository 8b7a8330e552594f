import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { AccuracyCard } from '#reports/accuracy.schema.ts'
import { Comparison } from '#reports/compare.schema.ts'
import { RestatementPage } from '#reports/credit.schema.ts'
import { ModelList, type ModelMethod } from '#reports/model.schema.ts'
import { Preview } from '#reports/preview.schema.ts'
import { Disagreement } from '#reports/source-claim.schema.ts'
import { act, read } from '#console/api.ts'
import type { LensFields } from '#console/lens.ts'
import { listQuery } from '#console/list-query.ts'

export type Compared = z.output<typeof Comparison>
export type ComparedRow = Compared['rows'][number]
export type Card = z.output<typeof AccuracyCard>
export type Dispute = z.output<typeof Disagreement>['data'][number]
export type Agreement = z.output<typeof Disagreement>['agreement'][number]
export type Restatement = z.output<typeof RestatementPage>['data'][number]
export type Previewed = z.output<typeof Preview>
export type Model = z.output<typeof ModelList>['data'][number]
export type Method = z.output<typeof ModelMethod>

/** What an act on models reads again: every figure that stands on them. */
export const AREA = 'attribution'

const PATH = '/api/v1/attribution'

export type By = 'channel' | 'campaign'

export function compareExport(lens: LensFields, by: By) {
  return { path: `${PATH}/compare`, fields: { ...lens, by, limit: 200 }, isList: false }
}

export function compareQuery(lens: LensFields, by: By) {
  const { path, fields } = compareExport(lens, by)
  return queryOptions({
    queryKey: [AREA, 'compare', fields],
    queryFn: ({ signal }) => read(Comparison, path, fields, signal),
  })
}

export const accuracyQuery = queryOptions({
  queryKey: [AREA, 'accuracy'],
  queryFn: ({ signal }) => read(AccuracyCard, `${PATH}/accuracy`, {}, signal),
})

export const modelsQuery = queryOptions({
  queryKey: [AREA, 'models'],
  queryFn: async ({ signal }) => (await read(ModelList, `${PATH}/models`, {}, signal)).data,
})

export type Show = 'open' | 'resolved' | 'all'

export function disagreementsExport(lens: LensFields, show: Show) {
  return { path: `${PATH}/disagreements`, fields: { ...lens, show }, isList: false }
}

export function disagreementsQuery(lens: LensFields, show: Show) {
  const { path, fields } = disagreementsExport(lens, show)
  return listQuery([AREA], Disagreement, path, fields)
}

export interface RestatementFilter {
  model: string
  window: string
  campaignId: string | undefined
}

export function restatementsExport(filter: RestatementFilter) {
  return { path: `${PATH}/restatements`, fields: { ...filter } }
}

export function restatementsQuery(filter: RestatementFilter) {
  const { path, fields } = restatementsExport(filter)
  return listQuery([AREA], RestatementPage, path, fields)
}

/** A side of a preview: a model of the workspace by name, or a method that is not published. */
export type Side = { window: string } & (
  | { model: string }
  | { definition: { name: string; method: Method } }
)

/** Reads what would move; the question is long, so that it is asked by POST. Nothing is stored. */
export function previewQuery(fields: {
  before: Side
  after: Side
  from: string | null
  to: string | null
}) {
  const { from, to, ...sides } = fields
  const body = {
    ...sides,
    ...(from === null ? {} : { from }),
    ...(to === null ? {} : { to }),
  }
  return queryOptions({
    queryKey: [AREA, 'preview', body],
    queryFn: async () => Preview.parse(await act('POST', `${PATH}/preview`, body)),
  })
}

/** Publishes a method under its own name: its ledger is computed and kept beside the others. */
export function publishModel(definition: { name: string; method: Method }): Promise<unknown> {
  return act('PUT', `${PATH}/models/${definition.method}`, definition)
}

export function putClaim(subjectId: string, channel: string): Promise<unknown> {
  return act('PUT', `${PATH}/claims/${encodeURIComponent(subjectId)}/resolved`, { channel })
}
