import { z } from 'zod'

/** The address of the experiments: which of them are shown, and how large a test may be that is proposed. */
export const ExperimentsSearch = z.object({
  state: z.enum(['planned', 'done', 'cancelled']).optional().catch(undefined),
  weeks: z.enum(['4', '8', '26', '52']).optional().catch(undefined),
  holdout: z.enum(['0.05', '0.1', '0.35', '0.5']).optional().catch(undefined),
})
export type ExperimentsSearch = z.infer<typeof ExperimentsSearch>
