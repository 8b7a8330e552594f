import { z } from 'zod'

export const EndpointSearch = z.object({
  state: z.enum(['pending', 'delivered', 'failed']).optional().catch(undefined),
  event: z
    .string()
    .regex(/^[a-z_]{1,30}\.[a-z_]{1,29}$/)
    .optional()
    .catch(undefined),
  /** The delivery that is open. */
  message: z.string().min(1).max(64).optional().catch(undefined),
})
export type EndpointSearch = z.infer<typeof EndpointSearch>
