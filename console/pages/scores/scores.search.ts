import { z } from 'zod'
import { ModelStatus, Target } from '#domains/scoring/model.schema.ts'
import { SlippageOutcome } from '#reports/slippage.schema.ts'

export const ScoresSearch = z.object({
  view: z.enum(['models', 'leads', 'pipeline', 'slippage']).optional().catch(undefined),
  target: Target.optional().catch(undefined),
  status: ModelStatus.optional().catch(undefined),
  quarter: z.enum(['this', 'last', 'before']).optional().catch(undefined),
  outcome: SlippageOutcome.optional().catch(undefined),
  months: z.enum(['3', '6', '12']).optional().catch(undefined),
})
export type ScoresSearch = z.infer<typeof ScoresSearch>
