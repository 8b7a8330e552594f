import { z } from 'zod'
import { Page } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { ConnectionId } from './connection.schema.ts'

export const DisconnectionRef = z.object({ connectionId: ConnectionId })

export const Disconnection = z.object({
  connectionId: ConnectionId.meta({ description: 'Of the connection that is gone' }),
  vendor: z.string(),
  name: z.string(),
  address: z.string().meta({ description: 'Where the webhooks tell that are to be deleted' }),
  state: z.enum(['waiting', 'by_hand']).meta({
    description:
      'waiting: the hub takes them away, again and again for a week; by_hand: the connected system refused, and somebody deletes them there',
  }),
  attempts: z.int(),
  nextAttemptAt: Instant.nullable().meta({ description: 'null: the hub tries no more' }),
  detail: z.string().nullable().meta({ description: 'What the connected system said last' }),
  deletedAt: Instant,
})
export type Disconnection = z.infer<typeof Disconnection>

export const Disconnections = Page(Disconnection)
