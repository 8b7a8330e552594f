import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

const Reason = z
  .string()
  .trim()
  .min(1)
  .max(1000)
  .meta({ description: 'Without personal data: it is kept with the proof' })

export const HoldTarget = z.enum(['person', 'account', 'kind']).meta({
  description:
    'person: all that is kept of them, and of whom they were merged with. account: of all people of its leads and deals. kind: every record of a kind of the retention rules',
})

export const NewHold = z.object({
  target: HoldTarget,
  subject: z
    .string()
    .min(1)
    .max(64)
    .meta({ description: 'The id of the person or account, or the kind' }),
  reason: Reason,
})

export const Hold = z.object({
  id: Id('hld'),
  target: HoldTarget,
  subject: z.string(),
  reason: z.string(),
  placedBy: z.string(),
  placedAt: Instant,
  liftedBy: z.string().nullable(),
  liftedAt: Instant.nullable(),
  liftReason: z.string().nullable(),
})
export type Hold = z.output<typeof Hold>

export const HoldPath = z.object({ holdId: Id('hld') })
export const LiftHold = HoldPath.extend({ reason: Reason })
export const HoldQuery = PageQuery.extend({
  standing: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'true: only those that were not lifted' }),
})
export const HoldPage = Page(Hold)
