import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

const Days = z.union([z.literal('keep'), z.int().min(1).max(36_500)]).meta({
  description: 'Days that a record is kept, or keep: for good',
})

const Kind = z
  .string()
  .regex(/^[a-z_]{1,40}$/)
  .meta({ description: 'A kind of record, as GET /api/v1/retention/rules lists them' })

export const RetentionRule = z.object({
  kind: z.string(),
  about: z.string().meta({ description: 'What goes, and what that means for figures' }),
  days: Days,
  isDefault: z.boolean().meta({ description: 'No rule of the workspace says otherwise' }),
  minimumDays: z.int(),
  isHeld: z.boolean().meta({ description: 'A legal hold keeps the whole kind' }),
  changedAt: Instant.nullable(),
  changedBy: z.string().nullable(),
})
export type RetentionRule = z.output<typeof RetentionRule>
export const RetentionRules = z.object({ data: z.array(RetentionRule), nextCursor: z.null() })

export const PutRetentionRule = z.object({ kind: Kind, days: Days })

export const PreviewQuery = z.object({
  kind: Kind,
  days: z.coerce
    .number()
    .int()
    .min(1)
    .max(36_500)
    .optional()
    .meta({ description: 'As if the rule said so; without it, the rule that holds' }),
})

export const RetentionPreview = z.object({
  kind: z.string(),
  days: Days,
  before: Instant.nullable().meta({ description: 'What is older would go; null: nothing would' }),
  count: z.int(),
  held: z.int().meta({ description: 'Due, and kept by a legal hold' }),
  months: z.array(
    z.object({ month: z.string(), count: z.int(), held: z.int() }).meta({
      description: 'By the month of the records, the oldest first',
    }),
  ),
  samples: z.array(z.string()).meta({ description: 'Ids of some of the oldest' }),
})

export const RetentionRun = z.object({
  id: Id('rtr'),
  startedAt: Instant,
  endedAt: Instant.nullable().meta({ description: 'Null: it still runs, or goes on after a stop' }),
  removed: z.int(),
  held: z.int(),
  kinds: z.array(
    z.object({
      kind: z.string(),
      before: Instant,
      removed: z.int(),
      held: z.int().meta({ description: 'Due, and kept by a legal hold' }),
      oldest: Instant.nullable().meta({ description: 'Of what was removed' }),
      newest: Instant.nullable(),
      doneAt: Instant.nullable(),
    }),
  ),
})
export type RetentionRun = z.output<typeof RetentionRun>

export const RunPath = z.object({ runId: Id('rtr') })
export const RunQuery = PageQuery
export const RunPage = Page(RetentionRun)
