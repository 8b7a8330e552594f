import { z } from 'zod'
import { Threat, ThreatKind } from '#access/threats/threat.schema.ts'
import { QuotaSubject } from '#levels/quota.schema.ts'
import { WindowName } from '#levels/level.schema.ts'

export const OperationsSearch = z.object({
  view: z.enum(['levels', 'quotas', 'scorecard', 'threats']).optional().catch(undefined),
  window: WindowName.optional().catch(undefined),
  subject: QuotaSubject.optional().catch(undefined),
  state: Threat.shape.state.optional().catch(undefined),
  kind: ThreatKind.optional().catch(undefined),
  /** The threat in the drawer. */
  threat: z.string().min(1).max(64).optional().catch(undefined),
})
export type OperationsSearch = z.infer<typeof OperationsSearch>
