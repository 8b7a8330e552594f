import { z } from 'zod'
import { Conflict } from '#sync/conflict.schema.ts'
import { Policy } from '#sync/field.schema.ts'

const Text = z.string().min(1).max(200).optional().catch(undefined)

/** `open` names the conflict in the drawer; `policy` rehearses a rule for the field of the address. */
export const ConflictsSearch = z.object({
  state: Conflict.shape.state.optional().catch(undefined),
  connectionId: Text,
  stream: Text,
  field: Text,
  owner: Text,
  overdue: z.literal('true').optional().catch(undefined),
  open: Text,
  policy: Policy.optional().catch(undefined),
  days: z.enum(['30', '92', '366']).optional().catch(undefined),
})
export type ConflictsSearch = z.infer<typeof ConflictsSearch>
