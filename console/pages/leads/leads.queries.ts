import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { MINUTE_MS } from '#core/time.ts'
import type { dispositions } from '#domains/sales/disposition.schema.ts'
import { LeadDetail, LeadPage } from '#domains/sales/lead.schema.ts'
import { OwnerPage } from '#domains/sales/owner.schema.ts'
import { Task, TaskPage } from '#domains/sales/task.schema.ts'
import { act, read } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'
import { decideMany } from '#console/many.ts'
import type { LeadsSearch } from '#console/pages/leads/leads.search.ts'

export type LeadRow = z.output<typeof LeadPage>['data'][number]
export type LeadWhole = z.output<typeof LeadDetail>
export type LeadTask = z.output<typeof Task>
export type Owner = z.output<typeof OwnerPage>['data'][number]
export type Verdict = keyof typeof dispositions

/** What an act on leads reads again. */
export const AREA = 'leads'

const LEADS = '/api/v1/leads'

/** What each tab asks for. */
const views = {
  new: { status: 'new' },
  unassigned: { isOpen: 'true', ownerId: 'none' },
  overdue: { isOverdue: 'true' },
  all: {},
} as const

export function leadsExport({ view = 'new', owner, mql, least }: LeadsSearch, q?: string) {
  const fields = { ownerId: owner, isMql: mql, minScore: least, q, ...views[view] }
  return { path: LEADS, fields }
}

export function leadsQuery(search: LeadsSearch, q?: string) {
  const { path, fields } = leadsExport(search, q)
  return listQuery([AREA], LeadPage, path, fields)
}

function leadPath(leadId: string): string {
  return `${LEADS}/${encodeURIComponent(leadId)}`
}

export function leadExport(leadId: string) {
  return { path: leadPath(leadId), fields: {}, isList: false }
}

export function leadQuery(leadId: string) {
  return queryOptions({
    queryKey: [AREA, 'lead', leadId],
    queryFn: ({ signal }) => read(LeadDetail, leadPath(leadId), {}, signal),
  })
}

export function tasksQuery(leadId: string) {
  return listQuery([AREA], TaskPage, '/api/v1/tasks', { leadId }, 25)
}

/** The first 200 owners; of a team with more, the others go by their ids. */
export const ownersQuery = queryOptions({
  queryKey: [AREA, 'owners'],
  queryFn: async ({ signal }) =>
    (await read(OwnerPage, '/api/v1/owners', { limit: 200 }, signal)).data,
  staleTime: MINUTE_MS,
})

async function change(method: 'POST' | 'PUT', path: string, body: object): Promise<LeadWhole> {
  return LeadDetail.parse(await act(method, path, body))
}

export function disposeLead(leadId: string, verdict: Verdict, reason: string) {
  return change('POST', `${leadPath(leadId)}/disposition`, { verdict, reason })
}

/** Leads that one request decides. */
export const MOST_AT_ONCE = 1000

export function disposeLeads(leadIds: readonly string[], verdict: Verdict, reason: string) {
  const dispositions = leadIds.map((leadId) => ({ leadId, verdict, reason }))
  return decideMany('/api/v1/lead-dispositions', { dispositions })
}

export function assignLeads(leadIds: readonly string[], ownerId: string) {
  const assignments = leadIds.map((leadId) => ({ leadId, ownerId }))
  return decideMany('/api/v1/lead-assignments', { assignments })
}

/** The ids of all that match, the newest first, as many as one request decides. */
export async function listMatching(search: LeadsSearch, q?: string): Promise<string[]> {
  const { path, fields } = leadsExport(search, q)
  const ids: string[] = []
  let cursor: string | null = null
  do {
    const page: z.output<typeof LeadPage> = await read(LeadPage, path, {
      ...fields,
      limit: 500,
      cursor,
    })
    ids.push(...page.data.map(({ id }) => id))
    cursor = page.nextCursor
  } while (cursor !== null && ids.length < MOST_AT_ONCE)
  return ids.slice(0, MOST_AT_ONCE)
}

/** @param ownerId  null lets the rules choose. */
export function rerouteLead(leadId: string, ownerId: string | null) {
  return change('POST', `${leadPath(leadId)}/reroute`, ownerId === null ? {} : { ownerId })
}

export function overrideScore(
  leadId: string,
  fields: { score: number; reason: string; days: number },
) {
  return change('PUT', `${leadPath(leadId)}/score-override`, fields)
}

export async function liftOverride(leadId: string): Promise<void> {
  await act('DELETE', `${leadPath(leadId)}/score-override`)
}

export async function closeTask(taskId: string, state: 'done' | 'cancelled'): Promise<void> {
  Task.parse(await act('PATCH', `/api/v1/tasks/${encodeURIComponent(taskId)}`, { state }))
}
