import { z } from 'zod'
import { CurrencyCode } from '#core/money.ts'
import { Instant } from '#core/time.ts'

/** The workspace of the credentials, and what they may do. */
export const CurrentWorkspace = z.object({
  id: z.string(),
  name: z.string(),
  timeZone: z.string(),
  currency: CurrencyCode,
  createdAt: Instant,
  principal: z.object({
    id: z.string(),
    kind: z.enum(['api_key', 'user', 'client', 'system']),
    scopes: z.array(z.string()),
  }),
})
export type CurrentWorkspace = z.infer<typeof CurrentWorkspace>
