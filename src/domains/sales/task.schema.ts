import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

const TaskState = z.enum(['open', 'done', 'cancelled'])

/** A follow-up that its owner is to make by `dueAt`. */
export const Task = z.object({
  id: Id('tsk'),
  leadId: Id('lead'),
  kind: z.literal('follow_up'),
  ownerId: Id('own').nullable(),
  state: TaskState,
  dueAt: Instant,
  escalatedAt: Instant.nullable().meta({ description: 'When it was overdue and escalated, once.' }),
  closedAt: Instant.nullable(),
  createdAt: Instant,
})

export const TaskQuery = PageQuery.extend({
  state: TaskState.optional(),
  ownerId: Id('own').optional(),
  leadId: Id('lead').optional(),
  isOverdue: z.stringbool().optional(),
})

export const TaskChange = z.object({ taskId: Id('tsk'), state: z.enum(['done', 'cancelled']) })
export const TaskPage = Page(Task)
