import type { z } from 'zod'
import { newId } from '#core/id.ts'
import { cutPage } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation } from '#gateway/operation.ts'
import {
  AgendaItem,
  ChangeAgendaItem,
  Comment,
  CommentListQuery,
  CommentPage,
  CreateWeekly,
  NewAgendaItem,
  NewComment,
  Weekly,
  WeeklyListQuery,
  WeeklyPage,
  WeeklyPath,
} from '#reports/weekly.schema.ts'
import {
  findWeek,
  findWeekly,
  hasOwner,
  insertAgenda,
  insertComment,
  listAgenda,
  listComments,
  listWeeklies,
  updateAgendaItem,
  type WeeklyRow,
} from '#reports/weekly.store.ts'
import { freezeWeek } from '#reports/weekly.ts'
import type { Transaction } from '#store/store.ts'

const about = { tag: 'Weekly report' } as const
const placeOf = (commentId: string) => `report_comments.body:${commentId}`

export const createWeekly = defineOperation({
  ...about,
  id: 'createWeeklyReport',
  method: 'POST',
  path: '/api/v1/reports/weekly',
  scope: 'reports:write',
  summary: 'Freeze the figures of a week, for all who meet about them',
  description:
    'Made every Monday by itself. A week has one report, which never changes: what moves later is in its changes. Its hash ' +
    'is that of the numbers, so that two who see the same hash see the same numbers, whatever their roles.',
  input: CreateWeekly,
  output: Weekly,
  event: 'report.weekly_created',
  subject: ({ id }) => id,
  location: ({ id }) => `/api/v1/reports/weekly/${id}`,
  async perform({ week: day }, { tx, principal, now }) {
    const week = await findWeek(tx, day ?? null, now)
    if (week >= (await findWeek(tx, now.toISOString().slice(0, 10), now)))
      throw new Problem('request.invalid', 'The week is not over yet.', {
        errors: [{ pointer: '/week', detail: 'Name a day of a week that has ended.' }],
      })
    await freezeWeek(tx, week, principal.id, now)
    return withAgenda(tx, (await findWeekly(tx, { week }))!)
  },
})

export const listWeeklyReports = defineOperation({
  ...about,
  id: 'listWeeklyReports',
  method: 'GET',
  path: '/api/v1/reports/weekly',
  scope: 'performance:read',
  summary: 'Weekly reports, newest first, with what each week brought and what is still open',
  input: WeeklyListQuery,
  output: WeeklyPage,
  csv: [
    { title: 'Week', field: 'week' },
    { title: 'Won (minor units)', field: 'wonMinor', type: 'number' },
    { title: 'Currency', field: 'currency' },
    { title: 'Deals won', field: 'wonDeals', type: 'number' },
    { title: 'Leads', field: 'leads', type: 'number' },
    { title: 'MQLs', field: 'mqls', type: 'number' },
    { title: 'Agenda items', field: 'items', type: 'number' },
    { title: 'Open agenda items', field: 'openItems', type: 'number' },
    { title: 'Comments', field: 'comments', type: 'number' },
    { title: 'SHA-256', field: 'sha256' },
  ],
  async perform(query, { tx }) {
    return cutPage(await listWeeklies(tx, query), query.limit, (row) => [row.week])
  },
})

export const getWeekly = defineOperation({
  ...about,
  id: 'getWeeklyReport',
  method: 'GET',
  path: '/api/v1/reports/weekly/{reportId}',
  scope: 'performance:read',
  summary: 'A weekly report with its agenda, items carried over from earlier weeks included',
  input: WeeklyPath,
  output: Weekly,
  perform: async ({ reportId }, { tx }) => withAgenda(tx, await getReport(tx, reportId)),
})

export const addAgendaItem = defineOperation({
  ...about,
  id: 'addAgendaItem',
  method: 'POST',
  path: '/api/v1/reports/weekly/{reportId}/agenda',
  scope: 'reports:write',
  summary: 'Put a decision on the agenda',
  input: NewAgendaItem,
  output: AgendaItem,
  event: 'report.agenda_changed',
  subject: ({ id }) => id,
  async perform({ reportId, title, ownerId }, { tx, now }) {
    const { week } = await getReport(tx, reportId)
    await requireOwner(tx, ownerId)
    const id = newId('agd')
    const item = { id, kind: 'decision', subject: id, title, link: null, ownerId }
    await insertAgenda(tx, week, [item], now)
    return (await listAgenda(tx, week)).find((each) => each.id === id)!
  },
})

export const changeAgendaItem = defineOperation({
  ...about,
  id: 'changeAgendaItem',
  method: 'PATCH',
  path: '/api/v1/reports/agenda/{itemId}',
  scope: 'reports:write',
  summary: 'Give an item an owner, or close it; an open one is carried over to the next week',
  row: {
    table: 'agenda_items',
    key: 'id',
    field: 'itemId',
    columns: ['state', 'owner_id', 'closed_at'],
  },
  input: ChangeAgendaItem,
  output: AgendaItem,
  event: 'report.agenda_changed',
  subject: ({ id }) => id,
  async perform(change, { tx, now }) {
    await requireOwner(tx, change.ownerId ?? null)
    const item = await updateAgendaItem(tx, change, now)
    if (!item) throw new Problem('resource.not_found', 'There is no agenda item with this id.')
    return item
  },
})

export const addComment = defineOperation({
  ...about,
  id: 'addReportComment',
  method: 'POST',
  path: '/api/v1/reports/weekly/{reportId}/comments',
  scope: 'reports:write',
  summary: 'Comment on a weekly report',
  input: NewComment,
  output: Comment,
  event: 'report.commented',
  subject: ({ id }) => id,
  async perform({ reportId, body }, { tx, principal, now }) {
    await getReport(tx, reportId)
    const comment = { id: newId('cmt'), createdAt: now, createdBy: principal.id }
    const sealed = tx.sealer.seal(body, placeOf(comment.id))
    await insertComment(tx, reportId, { ...comment, body: sealed })
    return { ...comment, body }
  },
})

export const listReportComments = defineOperation({
  ...about,
  id: 'listReportComments',
  method: 'GET',
  path: '/api/v1/reports/weekly/{reportId}/comments',
  scope: 'performance:read',
  summary: 'The comments on a weekly report, oldest first',
  input: CommentListQuery,
  output: CommentPage,
  async perform({ reportId, ...query }, { tx }) {
    const rows = await listComments(tx, reportId, query)
    const { data, nextCursor } = cutPage(rows, query.limit, (row) => [row.id])
    return {
      data: data.map((row) => ({
        ...row,
        body: tx.sealer.open<string>(row.body, placeOf(row.id)),
      })),
      nextCursor,
    }
  },
})

async function getReport(tx: Transaction, reportId: string): Promise<WeeklyRow> {
  const row = await findWeekly(tx, { id: reportId })
  if (!row) throw new Problem('resource.not_found', 'There is no weekly report with this id.')
  return row
}

async function withAgenda(tx: Transaction, row: WeeklyRow): Promise<z.output<typeof Weekly>> {
  return { ...row, agenda: await listAgenda(tx, row.week) }
}

async function requireOwner(tx: Transaction, ownerId: string | null): Promise<void> {
  if (ownerId === null || (await hasOwner(tx, ownerId))) return
  throw new Problem('request.invalid', 'There is no such owner.', {
    errors: [{ pointer: '/ownerId', detail: 'Use the id of an owner of the workspace.' }],
  })
}
