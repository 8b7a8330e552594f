import { z } from 'zod'
import { Id } from '#core/id.ts'
import { CurrencyCode } from '#core/money.ts'
import { Page, PageQuery } from '#core/page.ts'
import { CalendarDate, Instant } from '#core/time.ts'
import { PerformanceReport } from '#reports/performance.schema.ts'

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

/** A week in the list: what it brought, and what is left to talk about. */
export const WeeklySummary = WeeklyHead.extend({
  currency: CurrencyCode,
  wonMinor: z.int(),
  wonDeals: z.int(),
  leads: z.int().meta({ description: 'Captured in the week' }),
  mqls: z.int().meta({ description: 'Leads that qualified in the week' }),
  items: z.int().meta({ description: 'Agenda items that came up in the week' }),
  openItems: z.int().meta({ description: 'Those of them that are still open' }),
  comments: z.int(),
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

/**
 * The figures of a report as they are made today. On the wire they are plain JSON, so that the hash of an older report
 * stays that of what is sent.
 */
export const FrozenFigures = PerformanceReport.omit({ freshness: true }).extend({
  pipeline: PerformanceReport.shape.pipeline.omit({ asOf: true }),
})
export type FrozenFigures = z.output<typeof FrozenFigures>

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
export const WeeklyPage = Page(WeeklySummary)
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
