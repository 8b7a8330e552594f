import { z } from 'zod'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

export const LiftSuppression = z.object({
  email: z.email().max(254).meta({ personal: 'contact' }),
  reason: z.string().trim().min(1).max(1000).meta({
    description: 'Why the person may be kept again. Without personal data: it outlives an erasure',
  }),
})

export const Suppression = z.object({
  id: z.string().meta({ description: 'Of the keyed hash; tells nothing of the address' }),
  requestId: z.string().meta({ description: 'The request by which the person was erased' }),
  suppressedAt: Instant,
  liftedAt: Instant.nullable(),
  liftedBy: z.string().nullable(),
  liftReason: z.string().nullable(),
})
export type Suppression = z.output<typeof Suppression>
export const SuppressionQuery = PageQuery
export const SuppressionPage = Page(Suppression)
