import { z } from 'zod'

const Text = (max: number) => z.string().min(1).max(max).optional().catch(undefined)

export const AccessSearch = z.object({
  view: z
    .enum(['roles', 'grants', 'teams', 'rules', 'why', 'clients', 'keys'])
    .optional()
    .catch(undefined),
  /** Whose grants are shown. */
  subject: Text(64),
  /** What “why” is asked about. */
  principal: Text(64),
  scope: Text(60),
  record: Text(64),
  team: Text(40),
})
export type AccessSearch = z.infer<typeof AccessSearch>
