import { z } from 'zod'
import { ImportState } from '#imports/import.schema.ts'

export const ImportsSearch = z.object({
  target: z
    .string()
    .regex(/^[a-z_]{1,60}$/)
    .optional()
    .catch(undefined),
  state: ImportState.optional().catch(undefined),
})
export type ImportsSearch = z.infer<typeof ImportsSearch>
