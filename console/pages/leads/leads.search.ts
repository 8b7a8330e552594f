import { z } from 'zod'

/** The e-mail that is looked for is not in it: addresses of pages are shared and kept in histories. */
export const LeadsSearch = z.object({
  view: z.enum(['new', 'unassigned', 'overdue', 'all']).optional().catch(undefined),
  owner: z
    .string()
    .regex(/^own_[0-9a-z]{1,60}$/i)
    .optional()
    .catch(undefined),
  mql: z.enum(['true', 'false']).optional().catch(undefined),
  least: z.enum(['25', '50', '75']).optional().catch(undefined),
})
export type LeadsSearch = z.infer<typeof LeadsSearch>
