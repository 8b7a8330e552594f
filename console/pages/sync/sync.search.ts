import { z } from 'zod'
import { OutcomeKind, RunView } from '#sync/run.schema.ts'

const Text = z.string().min(1).max(200).optional().catch(undefined)

export const SyncSearch = z.object({
  connectionId: Text,
  state: RunView.shape.state.optional().catch(undefined),
})

export const RunSearch = z.object({
  stream: Text,
  outcome: OutcomeKind.optional().catch(undefined),
  code: Text,
})
