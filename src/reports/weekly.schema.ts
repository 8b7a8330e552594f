import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Page, PageQuery } from '#core/page.ts'
import { CalendarDate, Instant } from '#core/time.ts'

export const CreateWeekly = z.object({
  week: CalendarDate.optional().meta({
    description: 'Any day of the week to report; the last full week unless given',
  }),
})

export const WeeklyHead = z.object({
  id: Id('rpt'),
  week: CalendarDate.meta({ description: 'Monday of the week that it reports' }),
  sha256: z.string().meta({
    description: 'Of the figures as canonical JSON: who has the same hash sees the same numbers',
  }),
  createdAt: Instant,
  createdBy: z.string(),
})

export const AgendaItem = z.object({
  id: Id('agd'),
  week: CalendarDate.meta({ description: 'The week in which it came up' }),
  kind: z.enum(['change', 'miss', 'dispute', 'decision']),
  title: z.string(),
  link: z.string().nullable(),
  ownerId: z.string().nullable(),
  state: z.enum(['open', 'done']),
  isCarriedOver: z.boolean().meta({ description: 'It is from an earlier week and still open' }),
  createdAt: Instant,
})
export type AgendaItem = z.output<typeof AgendaItem>

/** The report of a week, frozen. */
export const Weekly = WeeklyHead.extend({
  figures: z.record(z.string(), z.unknown()).meta({
    description:
      'The performance report of the week as it was when the report was made, the week before under `previous`',
  }),
  agenda: z.array(AgendaItem),
})
export type Weekly = z.output<typeof Weekly>

export const WeeklyPath = z.object({ reportId: Id('rpt') })
export const WeeklyPage = Page(WeeklyHead)
export const WeeklyListQuery = PageQuery

export const Comment = z.object({
  id: Id('cmt'),
  body: z.string().meta({ personal: 'contact' }),
  createdAt: Instant,
  createdBy: z.string(),
})
export const CommentPage = Page(Comment)
export const CommentListQuery = WeeklyPath.extend(PageQuery.shape)
export const NewComment = WeeklyPath.extend({
  body: z.string().trim().min(1).max(4000).meta({ personal: 'contact' }),
})

export const NewAgendaItem = WeeklyPath.extend({
  title: z.string().trim().min(1).max(300),
  ownerId: z.string().max(64).nullable().default(null),
})
export const ChangeAgendaItem = z.object({
  itemId: Id('agd'),
  state: z.enum(['open', 'done']).optional(),
  ownerId: z.string().max(64).nullable().optional(),
})
