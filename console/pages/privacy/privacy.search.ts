import { z } from 'zod'
import { RequestKind } from '#compliance/privacy.schema.ts'

export const PrivacySearch = z.object({
  view: z
    .enum(['requests', 'retention', 'holds', 'suppressions', 'runs'])
    .optional()
    .catch(undefined),
  kind: RequestKind.optional().catch(undefined),
  standing: z.enum(['true', 'false']).optional().catch(undefined),
  /** The kind of record whose rule is open, as if it were kept so many days. */
  rule: z
    .string()
    .regex(/^[a-z_]{1,40}$/)
    .optional()
    .catch(undefined),
  days: z
    .string()
    .regex(/^[1-9]\d{0,4}$/)
    .optional()
    .catch(undefined),
  run: z.string().min(1).max(64).optional().catch(undefined),
})
export type PrivacySearch = z.infer<typeof PrivacySearch>
