import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { Page } from '#core/page.ts'
import { SECOND_MS } from '#core/time.ts'
import { Certificate as CertificateAnswer } from '#sync/certificate.schema.ts'
import { ChangePlan, ChangePlanDetail, PlannedChangeView } from '#sync/change-plan.schema.ts'
import { Affected, ErrorItem, Health } from '#sync/error-item.schema.ts'
import { UndoPreview } from '#sync/undo.schema.ts'
import { Journey, RecordOutcome, RunDetail, RunView } from '#sync/run.schema.ts'
import { act, read } from '#console/api.ts'
import { connectionPath } from '#console/pages/connections/connections.queries.ts'

export type ConnectionHealth = z.output<typeof Health>['data'][number]
export type ErrorGroup = ConnectionHealth['errors'][number]
export type Run = z.output<typeof RunView>
export type ErrorRow = z.output<typeof ErrorItem>
export type Certificate = z.output<typeof CertificateAnswer>
export type Plan = z.output<typeof ChangePlan>
export type PlanDetail = z.output<typeof ChangePlanDetail>
export type PlannedChange = z.output<typeof PlannedChangeView>
export type Undo = z.output<typeof UndoPreview>
export type Outcome = z.output<typeof RecordOutcome>

const HEALTH = '/api/v1/sync/health'
const RUNS = '/api/v1/sync/runs'

/** Sync moves while it is looked at. */
const LIVE = { refetchInterval: 10 * SECOND_MS }

export const healthQuery = queryOptions({
  queryKey: ['sync', 'health'],
  queryFn: ({ signal }) => read(Health, HEALTH, {}, signal),
  ...LIVE,
})

export function runsQuery(fields: { connectionId: string | undefined; state: string | undefined }) {
  return infiniteQueryOptions({
    queryKey: ['sync', 'runs', fields],
    queryFn: ({ pageParam, signal }) =>
      read(Page(RunView), RUNS, { ...fields, limit: 20, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    ...LIVE,
  })
}

export function runsExport(fields: {
  connectionId: string | undefined
  state: string | undefined
}) {
  return { path: RUNS, fields }
}

export function runQuery(runId: string) {
  return queryOptions({
    queryKey: ['sync', 'run', runId],
    queryFn: ({ signal }) => read(RunDetail, `${RUNS}/${encodeURIComponent(runId)}`, {}, signal),
    ...LIVE,
  })
}

export function certificateQuery(runId: string) {
  return queryOptions({
    queryKey: ['sync', 'certificate', runId],
    queryFn: ({ signal }) =>
      read(CertificateAnswer, `${RUNS}/${encodeURIComponent(runId)}/certificate`, {}, signal),
    ...LIVE,
  })
}

export interface OutcomeFilter {
  stream: string | undefined
  outcome: string | undefined
  code: string | undefined
}

function recordsPath(runId: string): string {
  return `${RUNS}/${encodeURIComponent(runId)}/records`
}

export function recordsExport(runId: string, filter: OutcomeFilter) {
  return { path: recordsPath(runId), fields: { ...filter } }
}

export function recordsQuery(runId: string, filter: OutcomeFilter) {
  return infiniteQueryOptions({
    queryKey: ['sync', 'records', runId, filter],
    queryFn: ({ pageParam, signal }) =>
      read(
        Page(RecordOutcome),
        recordsPath(runId),
        { ...filter, limit: 100, cursor: pageParam },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  })
}

function journeyPath(entity: string, localId: string): string {
  return `/api/v1/records/${encodeURIComponent(entity)}/${encodeURIComponent(localId)}/journey`
}

export function journeyQuery(entity: string, localId: string) {
  return queryOptions({
    queryKey: ['sync', 'journey', entity, localId],
    queryFn: ({ signal }) => read(Journey, journeyPath(entity, localId), {}, signal),
  })
}

export function journeyExport(entity: string, localId: string) {
  return { path: journeyPath(entity, localId), fields: {}, isList: false }
}

export function startRun(connectionId: string): Promise<unknown> {
  return act('POST', `${connectionPath(connectionId)}/runs`, {})
}

/** All open items of one cause in one stream. */
export interface GroupKey {
  connectionId: string
  stream: string
  code: string
}

const ERRORS = '/api/v1/sync/errors'

export function errorItemsQuery(group: GroupKey) {
  return infiniteQueryOptions({
    queryKey: ['sync', 'errors', group],
    queryFn: ({ pageParam, signal }) =>
      read(Page(ErrorItem), ERRORS, { ...group, limit: 20, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  })
}

export function errorItemsExport(group: GroupKey) {
  return { path: ERRORS, fields: { ...group } }
}

/** @returns how many items will be tried again. */
export async function retryErrors(group: GroupKey): Promise<number> {
  return Affected.parse(await act('POST', `${ERRORS}/retry`, group)).items
}

/** @returns how many items were set aside. */
export async function ignoreErrors(group: GroupKey, reason: string): Promise<number> {
  return Affected.parse(await act('POST', `${ERRORS}/ignore`, { ...group, reason })).items
}

const PLANS = '/api/v1/sync/plans'

function planPath(planId: string): string {
  return `${PLANS}/${encodeURIComponent(planId)}`
}

/** The newest plans; the open ones stand among them. */
export const plansQuery = queryOptions({
  queryKey: ['sync', 'plans'],
  queryFn: ({ signal }) => read(Page(ChangePlan), PLANS, { limit: 20 }, signal),
  ...LIVE,
})

export function planQuery(planId: string) {
  return queryOptions({
    queryKey: ['sync', 'plan', planId],
    queryFn: ({ signal }) => read(ChangePlanDetail, planPath(planId), {}, signal),
    ...LIVE,
  })
}

export interface PlannedFilter {
  stream: string | undefined
  action: string | undefined
  state: string | undefined
}

export function plannedQuery(planId: string, filter: PlannedFilter) {
  return infiniteQueryOptions({
    queryKey: ['sync', 'planned', planId, filter],
    queryFn: ({ pageParam, signal }) =>
      read(
        Page(PlannedChangeView),
        `${planPath(planId)}/changes`,
        { ...filter, limit: 50, cursor: pageParam },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  })
}

export function plannedExport(planId: string, filter: PlannedFilter) {
  return { path: `${planPath(planId)}/changes`, fields: { ...filter } }
}

/** @param domain  for which it is signed; null where nobody has to sign. */
export function approvePlan(planId: string, domain: string | null): Promise<unknown> {
  return act('POST', `${planPath(planId)}/approval`, domain === null ? {} : { domain })
}

export function discardPlan(planId: string): Promise<unknown> {
  return act('POST', `${planPath(planId)}/discard`, {})
}

export function undoQuery(runId: string, removeCreated: boolean) {
  return queryOptions({
    queryKey: ['sync', 'undo', runId, removeCreated],
    queryFn: ({ signal }) =>
      read(UndoPreview, undoPath(runId), { removeCreated: String(removeCreated) }, signal),
  })
}

export function undoRun(runId: string, removeCreated: boolean): Promise<unknown> {
  return act('POST', undoPath(runId), { removeCreated })
}

function undoPath(runId: string): string {
  return `${RUNS}/${encodeURIComponent(runId)}/undo`
}
