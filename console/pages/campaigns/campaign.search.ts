import { z } from 'zod'
import { LensSearch } from '#console/lens.ts'

/**
 * The address of a campaign's page, receipts included, so that each level of them can be sent to someone:
 * `receipt=total|<week>|uncredited`, then `deal=<opportunity>`.
 */
export const CampaignSearch = LensSearch.extend({
  unit: z.enum(['revenue', 'deals']).optional().catch(undefined),
  receipt: z
    .union([z.literal('total'), z.literal('uncredited'), z.iso.date()])
    .optional()
    .catch(undefined),
  deal: z.string().min(1).max(64).optional().catch(undefined),
})
export type CampaignSearch = z.infer<typeof CampaignSearch>
