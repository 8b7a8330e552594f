import { queryOptions } from '@tanstack/react-query'
import { z } from 'zod'
import { Page } from '#core/page.ts'
import { MINUTE_MS } from '#core/time.ts'
import { TaskPage } from '#domains/sales/task.schema.ts'
import { Overview } from '#reports/overview.schema.ts'
import { read } from '#console/api.ts'
import { LensSearch } from '#console/lens.ts'

export const HomeSearch = LensSearch

export const overviewQuery = queryOptions({
  queryKey: ['overview'],
  queryFn: ({ signal }) => read(Overview, '/api/v1/overview', {}, signal),
  refetchInterval: MINUTE_MS,
})

const MOST = 100

/** How many rows a list has under its filters, as far as one page tells. */
export interface Counted {
  count: number
  /** There are more than were counted. */
  isMore: boolean
}

function countQuery(path: string, fields: Record<string, string>) {
  return queryOptions({
    queryKey: ['count', path, fields],
    queryFn: async ({ signal }): Promise<Counted> => {
      const page = await read(Page(z.looseObject({})), path, { ...fields, limit: MOST }, signal)
      return { count: page.data.length, isMore: page.nextCursor !== null }
    },
    refetchInterval: MINUTE_MS,
  })
}

export const UNROUTED = { path: '/api/v1/leads', fields: { ownerId: 'none' } }
export const CONFLICTS = { path: '/api/v1/identity-conflicts', fields: { state: 'open' } }
export const OVERDUE = { path: '/api/v1/tasks', fields: { state: 'open', isOverdue: 'true' } }

export const unroutedQuery = countQuery(UNROUTED.path, UNROUTED.fields)
export const conflictsQuery = countQuery(CONFLICTS.path, CONFLICTS.fields)

/** Follow-ups that are overdue; an escalated one was overdue long enough that its owner's manager was told. */
export const overdueQuery = queryOptions({
  queryKey: ['overdue'],
  queryFn: async ({ signal }): Promise<Counted & { escalated: number }> => {
    const page = await read(TaskPage, OVERDUE.path, { ...OVERDUE.fields, limit: MOST }, signal)
    const escalated = page.data.filter((task) => task.escalatedAt !== null).length
    return { count: page.data.length, isMore: page.nextCursor !== null, escalated }
  },
  refetchInterval: MINUTE_MS,
})
