import { z } from 'zod'

const Text = (max: number) => z.string().min(1).max(max).optional().catch(undefined)
const Day = z.iso.date().optional().catch(undefined)

export const AuditSearch = z.object({
  view: z.enum(['log', 'proof']).optional().catch(undefined),
  actor: Text(64),
  action: Text(60),
  subject: Text(64),
  from: Day,
  to: Day,
  /** The entry that is open. */
  entry: Text(64),
})
export type AuditSearch = z.infer<typeof AuditSearch>
