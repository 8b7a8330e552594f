import { z } from 'zod'

/**
 * The address of a weekly report: which items of the agenda are shown, and the receipt that is open:
 * `receipt=won|uncredited|leads|channel.<key>|campaign.<id>`, then `deal=<opportunity>`.
 */
export const WeeklySearch = z.object({
  items: z.enum(['open', 'done']).optional().catch(undefined),
  receipt: z
    .string()
    .regex(/^(?:won|uncredited|leads|(?:channel|campaign)\..{1,64})$/)
    .optional()
    .catch(undefined),
  deal: z.string().min(1).max(64).optional().catch(undefined),
})
export type WeeklySearch = z.infer<typeof WeeklySearch>
