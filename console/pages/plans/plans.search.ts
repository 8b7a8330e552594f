import { z } from 'zod'

const Version = z
  .string()
  .regex(/^[1-9]\d{0,5}$/)
  .optional()
  .catch(undefined)

/** The address of a quarter's plan: the view, the version that is shown, and the two that are compared. */
export const PlanSearch = z.object({
  view: z.enum(['needs', 'versions', 'edit']).optional().catch(undefined),
  version: Version,
  from: Version,
  to: Version,
})
export type PlanSearch = z.infer<typeof PlanSearch>
