import { z } from 'zod'
import { ModelStatus, Target } from '#domains/scoring/model.schema.ts'

export const ScoresSearch = z.object({
  view: z.enum(['models', 'leads']).optional().catch(undefined),
  target: Target.optional().catch(undefined),
  status: ModelStatus.optional().catch(undefined),
})
export type ScoresSearch = z.infer<typeof ScoresSearch>
