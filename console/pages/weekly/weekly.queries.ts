import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { LeadPage } from '#domains/sales/lead.schema.ts'
import {
  AgendaItem,
  Comment,
  CommentPage,
  FrozenFigures,
  Weekly,
  WeeklyPage,
} from '#reports/weekly.schema.ts'
import { act, read } from '#console/api.ts'
import { addDays } from '#core/calendar.ts'
import { dayStart } from '#console/filters.ts'
import { listQuery } from '#console/list-query.ts'

export type WeekRow = z.output<typeof WeeklyPage>['data'][number]
export type WeeklyWhole = z.output<typeof Weekly>
export type Item = z.output<typeof AgendaItem>
export type Note = z.output<typeof Comment>

/** What an act on weekly reports reads again. */
export const AREA = 'weekly'

const WEEKLY = '/api/v1/reports/weekly'

export const weekliesExport = { path: WEEKLY, fields: {} }
export const weekliesQuery = listQuery([AREA], WeeklyPage, WEEKLY)

function weeklyPath(reportId: string): string {
  return `${WEEKLY}/${encodeURIComponent(reportId)}`
}

export function weeklyExport(reportId: string) {
  return { path: weeklyPath(reportId), fields: {}, isList: false }
}

export function weeklyQuery(reportId: string) {
  return queryOptions({
    queryKey: [AREA, 'report', reportId],
    queryFn: ({ signal }) => read(Weekly, weeklyPath(reportId), {}, signal),
  })
}

/** The figures of a report; null where another version of the hub made it in a form that this page does not know. */
export function figuresOf({ figures }: WeeklyWhole): FrozenFigures | null {
  const parsed = FrozenFigures.safeParse(figures)
  return parsed.success ? parsed.data : null
}

export function commentsQuery(reportId: string) {
  return listQuery([AREA], CommentPage, `${weeklyPath(reportId)}/comments`, {}, 25)
}

const LEADS = '/api/v1/leads'

function leadFields({ from, to, timeZone }: { from: string; to: string; timeZone: string }) {
  return {
    from: dayStart(from, timeZone).toISOString(),
    to: dayStart(addDays(to, 1), timeZone).toISOString(),
  }
}

/** The leads that were captured in a week, as they are now. */
export function weekLeadsQuery(week: { from: string; to: string; timeZone: string }) {
  const fields = leadFields(week)
  return infiniteQueryOptions({
    queryKey: ['leads', 'week', fields],
    queryFn: ({ pageParam, signal }) =>
      read(LeadPage, LEADS, { ...fields, limit: 100, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  })
}

export function weekLeadsExport(week: { from: string; to: string; timeZone: string }) {
  return { path: LEADS, fields: leadFields(week) }
}

/** @param week  any day of it; the last full week when null. */
export async function makeWeekly(week: string | null): Promise<WeeklyWhole> {
  return Weekly.parse(await act('POST', WEEKLY, week === null ? {} : { week }))
}

export async function addItem(
  reportId: string,
  fields: { title: string; ownerId: string | null },
): Promise<Item> {
  return AgendaItem.parse(await act('POST', `${weeklyPath(reportId)}/agenda`, fields))
}

export async function changeItem(
  itemId: string,
  fields: { state: Item['state'] } | { ownerId: string | null },
): Promise<Item> {
  const path = `/api/v1/reports/agenda/${encodeURIComponent(itemId)}`
  return AgendaItem.parse(await act('PATCH', path, fields))
}

export async function addComment(reportId: string, body: string): Promise<Note> {
  return Comment.parse(await act('POST', `${weeklyPath(reportId)}/comments`, { body }))
}
