import { z } from 'zod'
import { AttributionModel, AttributionWindow } from '#reports/lens.schema.ts'
import { DisagreementQuery } from '#reports/source-claim.schema.ts'
import { LensSearch } from '#console/lens.ts'

/**
 * The address of the attribution page: the lens, the view, and the receipt that is open: `receipt=row.<key>|baseline|uncredited`
 * under the model `of`, then `deal=<opportunity>`.
 */
export const AttributionSearch = LensSearch.extend({
  view: z.enum(['compare', 'preview', 'disagreements', 'restatements']).optional().catch(undefined),
  by: z.enum(['channel', 'campaign']).optional().catch(undefined),
  of: AttributionModel.optional().catch(undefined),
  receipt: z
    .string()
    .regex(/^(?:baseline|uncredited|row\..{1,64})$/)
    .optional()
    .catch(undefined),
  deal: z.string().min(1).max(64).optional().catch(undefined),
  show: DisagreementQuery.shape.show.unwrap().optional().catch(undefined),
  after: z
    .string()
    .regex(/^(?:method\.)?[a-z][a-z0-9_]{0,39}$/)
    .optional()
    .catch(undefined),
  afterWindow: AttributionWindow.optional().catch(undefined),
  campaignId: z.string().min(1).max(64).optional().catch(undefined),
})
export type AttributionSearch = z.infer<typeof AttributionSearch>
