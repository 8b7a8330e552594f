import { z } from 'zod'
import { BackfillView } from '#sync/backfill.schema.ts'
import { PlannedQuery } from '#sync/change-plan.schema.ts'
import { OutcomeKind, RunView } from '#sync/run.schema.ts'

const Text = z.string().min(1).max(200).optional().catch(undefined)

export const SyncSearch = z.object({
  connectionId: Text,
  state: RunView.shape.state.optional().catch(undefined),
})

export const BackfillsSearch = z.object({
  connectionId: Text,
  state: BackfillView.shape.state.optional().catch(undefined),
})
export type BackfillsSearch = z.infer<typeof BackfillsSearch>

export const RunSearch = z.object({
  stream: Text,
  outcome: OutcomeKind.optional().catch(undefined),
  code: Text,
})

export const PlanSearch = z.object({
  stream: Text,
  action: PlannedQuery.shape.action.catch(undefined),
  state: PlannedQuery.shape.state.catch(undefined),
})
