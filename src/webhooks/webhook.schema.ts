import { z } from 'zod'
import { Id } from '#core/id.ts'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

export const EndpointId = Id('whe')
export const MessageId = Id('msg')

export const WebhookEvents = z.object({
  data: z.array(z.object({ event: z.string(), meaning: z.string() })),
})

const Subscriptions = z
  .array(z.string().max(60))
  .min(1)
  .max(200)
  .meta({
    description: 'Events by name (`lead.created`), by kind (`lead.*`) or all (`*`)',
    example: ['lead.qualified', 'opportunity.*'],
  })

const Format = z.enum(['standard', 'slack']).meta({
  description:
    'standard: the body of Standard Webhooks, signed. slack: `{"text": …}` as incoming webhooks of Slack, Mattermost and Teams take it',
})

export const Endpoint = z.object({
  id: EndpointId,
  url: z.string(),
  description: z.string(),
  format: Format,
  events: z.array(z.string()),
  state: z.enum(['enabled', 'disabled']),
  disabledReason: z.string().nullable(),
  failingSince: Instant.nullable().meta({
    description:
      'Since when no attempt has succeeded; after five days the endpoint is switched off',
  }),
  pending: z.int().meta({ description: 'Messages that wait to be delivered' }),
  failed: z.int().meta({ description: 'Messages that were given up and can be replayed' }),
  createdAt: Instant,
  updatedAt: Instant,
  version: z.int(),
})
export type Endpoint = z.infer<typeof Endpoint>

export const EndpointWithSecret = Endpoint.extend({
  secret: z.string().meta({ description: 'For checking signatures; shown this once' }),
})

export const NewEndpoint = z.object({
  url: z.string().max(2000).meta({ example: 'https://example.com/throughline' }),
  description: z.string().trim().max(500).default(''),
  format: Format.default('standard'),
  events: Subscriptions,
})

export const EndpointChange = z.object({
  endpointId: EndpointId,
  url: z.string().max(2000).optional(),
  description: z.string().trim().max(500).optional(),
  events: Subscriptions.optional(),
  state: z.enum(['enabled', 'disabled']).optional().meta({
    description: 'What comes while it is disabled waits, and goes out once it is enabled again',
  }),
})

const DeliveryState = z.enum(['pending', 'delivered', 'failed'])

export const Delivery = z.object({
  messageId: MessageId,
  event: z.string(),
  occurredAt: Instant,
  state: DeliveryState,
  attempts: z.int(),
  nextAttemptAt: Instant.nullable(),
  lastAttemptAt: Instant.nullable(),
  lastStatus: z.int().nullable().meta({ description: 'Null when no answer came' }),
  lastError: z.string().nullable(),
  deliveredAt: Instant.nullable(),
})
export type Delivery = z.infer<typeof Delivery>

export const DeliveryQuery = PageQuery.extend({
  endpointId: EndpointId,
  state: DeliveryState.optional(),
  event: z.string().max(60).optional(),
})

export const DeliveryDetail = Delivery.extend({
  payload: z.string().meta({ description: 'The body as it is sent, byte for byte' }),
  log: z
    .array(
      z.object({
        at: Instant,
        status: z.int().nullable(),
        durationMs: z.int(),
        error: z.string().nullable(),
      }),
    )
    .meta({ description: 'The last 50 attempts, newest first' }),
})

export const Replay = z.object({
  endpointId: EndpointId,
  messageIds: z.array(MessageId).min(1).max(500).optional(),
  since: Instant.optional().meta({
    description: 'All that was given up of what happened since; at most 30 days ago',
  }),
  until: Instant.optional().meta({
    description: 'With since: only of what happened before this moment',
  }),
})
