import { z } from 'zod'
import { SlippageOutcome } from '#reports/slippage.schema.ts'

export const PipelineSearch = z.object({
  view: z.enum(['forecast', 'slippage']).optional().catch(undefined),
  months: z.enum(['3', '6', '12']).optional().catch(undefined),
  quarter: z.enum(['this', 'last', 'before']).optional().catch(undefined),
  outcome: SlippageOutcome.optional().catch(undefined),
})
export type PipelineSearch = z.infer<typeof PipelineSearch>
