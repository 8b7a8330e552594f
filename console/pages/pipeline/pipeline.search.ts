import { z } from 'zod'
import { ImprovementSpan } from '#reports/improvement.schema.ts'
import { SlippageOutcome } from '#reports/slippage.schema.ts'

export const PipelineSearch = z.object({
  view: z.enum(['forecast', 'slippage', 'improvement']).optional().catch(undefined),
  months: z.enum(['3', '6', '12']).optional().catch(undefined),
  quarter: z.enum(['this', 'last', 'before']).optional().catch(undefined),
  against: z.enum(['quarter', 'year']).optional().catch(undefined),
  of: z.enum(['quality', 'acceptance', 'cycle']).optional().catch(undefined),
  span: ImprovementSpan.optional().catch(undefined),
  outcome: SlippageOutcome.optional().catch(undefined),
})
export type PipelineSearch = z.infer<typeof PipelineSearch>
