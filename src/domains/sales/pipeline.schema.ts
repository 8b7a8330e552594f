import { z } from 'zod'
import { Id } from '#core/id.ts'

export const StageOutcome = z.enum(['open', 'won', 'lost'])
export type StageOutcome = z.infer<typeof StageOutcome>

const Stage = z.object({
  id: Id('stg'),
  label: z.string(),
  position: z.int(),
  probability: z.number(),
  outcome: StageOutcome,
  archived: z.boolean(),
})

/** A pipeline of a CRM with its stages in their order. */
const Pipeline = z.object({
  id: Id('pip'),
  label: z.string(),
  archived: z.boolean(),
  stages: z.array(Stage),
})

export const PipelineList = z.object({ data: z.array(Pipeline), nextCursor: z.null() })
