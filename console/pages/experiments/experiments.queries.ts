import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { ChangeReport } from '#reports/change-report.schema.ts'
import {
  Experiment,
  ExperimentDetail,
  ExperimentPage,
  Proposals,
} from '#reports/experiment.schema.ts'
import { act, ApiProblem, read } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'
import type { ExperimentsSearch } from '#console/pages/experiments/experiments.search.ts'

export type Proposed = z.output<typeof Proposals>
export type Proposal = Proposed['data'][number]
export type Result = NonNullable<Experiment['result']>
export type Effect = ExperimentDetail['effects'][number]

/** What an act on experiments reads again. */
export const AREA = 'experiments'

const EXPERIMENTS = '/api/v1/experiments'

function experimentPath(experimentId: string): string {
  return `${EXPERIMENTS}/${encodeURIComponent(experimentId)}`
}

export function proposalsExport({ weeks, holdout }: ExperimentsSearch) {
  const fields = { maxWeeks: weeks, maxHoldout: holdout }
  return { path: `${EXPERIMENTS}/proposals`, fields, isList: false }
}

export function proposalsQuery(search: ExperimentsSearch) {
  const { path, fields } = proposalsExport(search)
  return queryOptions({
    queryKey: [AREA, 'proposals', fields],
    queryFn: ({ signal }) => read(Proposals, path, fields, signal),
  })
}

/** There is nothing to weigh a test by yet: what is missing is said in the detail. */
export function isUnready(error: Error | null): boolean {
  return (
    error instanceof ApiProblem &&
    (error.code === 'attribution.model_unknown' || error.code === 'attribution.model_unready')
  )
}

export function experimentsQuery({ state }: ExperimentsSearch) {
  return listQuery([AREA], ExperimentPage, EXPERIMENTS, { state })
}

export function experimentExport(experimentId: string) {
  return { path: experimentPath(experimentId), fields: {}, isList: false }
}

export function experimentQuery(experimentId: string) {
  return queryOptions({
    queryKey: [AREA, 'experiment', experimentId],
    queryFn: ({ signal }) => read(ExperimentDetail, experimentPath(experimentId), {}, signal),
  })
}

/** What moved the credit of the channel from the moment of the result until the model was fitted for other reasons. */
export function movedQuery(channel: string, closedAt: Date, { model, until }: Effect) {
  const fields = {
    model,
    channel,
    since: closedAt.toISOString(),
    until: until?.toISOString(),
    limit: 1,
  }
  return queryOptions({
    queryKey: [AREA, 'moved', fields],
    queryFn: ({ signal }) => read(ChangeReport, '/api/v1/attribution/changes', fields, signal),
  })
}

export interface Design {
  channel: string
  holdoutShare: number
  weeks: number
  startsOn: string
}

export async function planExperiment(design: Design): Promise<Experiment> {
  return Experiment.parse(await act('POST', EXPERIMENTS, design))
}

export type Counts = Pick<
  Result,
  'peopleHeldOut' | 'conversionsHeldOut' | 'peopleOthers' | 'conversionsOthers'
>

export async function recordResult(experimentId: string, counts: Counts): Promise<Experiment> {
  return Experiment.parse(await act('PUT', `${experimentPath(experimentId)}/result`, counts))
}

export async function cancelExperiment(experimentId: string): Promise<Experiment> {
  return Experiment.parse(await act('DELETE', experimentPath(experimentId)))
}
