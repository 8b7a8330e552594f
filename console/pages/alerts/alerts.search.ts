import { z } from 'zod'

export const AlertsSearch = z.object({
  status: z.enum(['open', 'resolved']).optional().catch(undefined),
})
export type AlertsStatus = NonNullable<z.infer<typeof AlertsSearch>['status']>
