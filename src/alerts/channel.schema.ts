import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Instant } from '#core/time.ts'
import { ChannelId, SeveritySchema } from './alert.schema.ts'

const Kind = z.enum(['email', 'slack', 'webhook']).meta({
  description:
    'email: to addresses, by the hub’s mail server. slack: an incoming webhook of Slack or a system that takes the same. ' +
    'webhook: a signed message after Standard Webhooks',
})
const Name = z.string().trim().min(1).max(100).meta({ example: 'Operations' })
const To = z
  .array(z.email().max(254))
  .min(1)
  .max(20)
  .meta({ description: 'Of kind email', personal: 'contact' })
const Url = z.string().max(2000).meta({ description: 'Of kinds slack and webhook' })
const Watches = z
  .array(
    z.string().regex(/^(?:\*|[a-z_]+\.(?:\*|[a-z_]+))$/, 'is *, an area.* or the name of a watch'),
  )
  .min(1)
  .max(50)
  .meta({ description: 'Watches by name, by area (`sync.*`) or all (`*`)', example: ['sync.*'] })
const TimeOfDay = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'is a time such as 22:00')
  .nullable()
const quiet =
  'Quiet hours, in the time zone of the workspace: what is not critical waits until their end, and is not told when it is over by then'

export const Channel = z.object({
  id: ChannelId,
  name: z.string(),
  kind: Kind,
  to: To.nullable(),
  url: z.string().nullable().meta({
    description: 'Of kind slack only its host: the rest is its secret',
  }),
  state: z.enum(['enabled', 'disabled']),
  disabledReason: z.string().nullable(),
  minSeverity: SeveritySchema,
  watches: z.array(z.string()),
  quietFrom: TimeOfDay.meta({ description: quiet }),
  quietTo: TimeOfDay,
  failingSince: Instant.nullable().meta({ description: 'Since when no attempt has succeeded' }),
  lastError: z.string().nullable().meta({ description: 'Of the oldest message that waits' }),
  pending: z.int(),
  failed: z.int().meta({ description: 'Messages that were given up and can be sent again' }),
  createdAt: Instant,
  updatedAt: Instant,
  version: z.int(),
})
export type Channel = z.infer<typeof Channel>

export const ChannelWithSecret = Channel.extend({
  secret: z.string().nullable().meta({
    description: 'Of kind webhook: for checking signatures; shown this once',
  }),
})

export const NewChannel = z.object({
  name: Name,
  kind: Kind,
  to: To.optional(),
  url: Url.optional(),
  minSeverity: SeveritySchema.default('warning'),
  watches: Watches.default(['*']),
  quietFrom: TimeOfDay.default(null).meta({ description: quiet }),
  quietTo: TimeOfDay.default(null),
})
export type NewChannel = z.infer<typeof NewChannel>

export const ChannelChange = z.object({
  channelId: ChannelId,
  name: Name.optional(),
  to: To.optional(),
  url: Url.optional(),
  state: z.enum(['enabled', 'disabled']).optional().meta({
    description:
      'Nothing new is owed to a disabled channel; what waits goes out once it is enabled',
  }),
  minSeverity: SeveritySchema.optional(),
  watches: Watches.optional(),
  quietFrom: TimeOfDay.optional().meta({ description: quiet }),
  quietTo: TimeOfDay.optional(),
})
export type ChannelChange = z.infer<typeof ChannelChange>

export const ChannelTest = z.object({ messageId: Id('msg') })
