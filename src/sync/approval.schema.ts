import { z } from 'zod'
import { Instant } from '#core/time.ts'
import { ConnectionId } from './connection.schema.ts'

export const ConnectionRef = z.object({ connectionId: ConnectionId })
export const ConnectionApproval = ConnectionRef.extend({ domain: z.string().max(40) })
export const ConnectionRefusal = ConnectionApproval.extend({
  reason: z.string().trim().min(1).max(1000).meta({ description: 'What has to change first' }),
})

export const ApprovalState = z.object({
  connectionId: ConnectionId,
  state: z.enum(['proposed', 'approved', 'refused']),
  signatures: z.array(
    z.object({
      domain: z.string(),
      approvedBy: z.string().nullable(),
      approvedAt: Instant.nullable(),
      refusal: z.object({ by: z.string(), at: Instant, reason: z.string() }).nullable(),
    }),
  ),
})
