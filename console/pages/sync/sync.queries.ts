import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { z } from 'zod'
import { Page } from '#core/page.ts'
import { SECOND_MS } from '#core/time.ts'
import { Health } from '#sync/error-item.schema.ts'
import { Journey, RecordOutcome, RunDetail, RunView } from '#sync/run.schema.ts'
import { act, read } from '#console/api.ts'

export type ConnectionHealth = z.output<typeof Health>['data'][number]
export type ErrorGroup = ConnectionHealth['errors'][number]
export type Run = z.output<typeof RunView>
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

export function runQuery(runId: string) {
  return queryOptions({
    queryKey: ['sync', 'run', runId],
    queryFn: ({ signal }) => read(RunDetail, `${RUNS}/${encodeURIComponent(runId)}`, {}, signal),
    ...LIVE,
  })
}

export interface OutcomeFilter {
  stream: string | undefined
  outcome: string | undefined
  code: string | undefined
}

export function recordsPath(runId: string): string {
  return `${RUNS}/${encodeURIComponent(runId)}/records`
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

export function journeyQuery(entity: string, localId: string) {
  const path = `/api/v1/sync/records/${encodeURIComponent(entity)}/${encodeURIComponent(localId)}`
  return queryOptions({
    queryKey: ['sync', 'journey', entity, localId],
    queryFn: ({ signal }) => read(Journey, path, {}, signal),
  })
}

export function startRun(connectionId: string): Promise<unknown> {
  return act('POST', RUNS, { connectionId })
}

export function setConnectionState(
  connectionId: string,
  state: 'active' | 'paused',
): Promise<unknown> {
  return act('PATCH', `/api/v1/connections/${encodeURIComponent(connectionId)}`, { state })
}

interface Group {
  connectionId: string
  stream: string
  code: string
}

export function retryErrors(group: Group): Promise<unknown> {
  return act('POST', '/api/v1/sync/errors/retry', group)
}

export function ignoreErrors(group: Group & { reason: string }): Promise<unknown> {
  return act('POST', '/api/v1/sync/errors/ignore', group)
}
