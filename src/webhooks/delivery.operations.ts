import { z } from 'zod'
import { newId } from '#core/id.ts'
import { cutPage, decodeCursor, Page } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { DAY_MS } from '#core/time.ts'
import { defineOperation } from '#gateway/operation.ts'
import {
  findPayload,
  insertTestMessage,
  listDeliveries,
  replayDeliveries,
} from './delivery.store.ts'
import { getEndpoint } from './endpoint.operations.ts'
import {
  Delivery,
  DeliveryDetail,
  DeliveryQuery,
  EndpointId,
  MessageId,
  Replay,
} from './webhook.schema.ts'

const MAX_REPLAY_MS = 30 * DAY_MS
const tag = 'Webhooks'

export const listWebhookDeliveries = defineOperation({
  id: 'listWebhookDeliveries',
  method: 'GET',
  path: '/api/v1/webhooks/{endpointId}/deliveries',
  scope: 'webhooks:read',
  tag,
  summary: 'What an endpoint was told, newest first',
  input: DeliveryQuery,
  output: Page(Delivery),
  csv: [
    { title: 'Message', field: 'messageId' },
    { title: 'Event', field: 'event' },
    { title: 'When', field: 'occurredAt' },
    { title: 'State', field: 'state' },
    { title: 'Attempts', field: 'attempts', type: 'number' },
    { title: 'Last status', field: 'lastStatus', type: 'number' },
    { title: 'Last error', field: 'lastError' },
  ],
  async perform({ cursor, limit, ...filter }, { tx }) {
    await getEndpoint(tx, filter.endpointId)
    const [before] = cursor === undefined ? [null] : decodeCursor(cursor, 1)
    const rows = await listDeliveries(tx, filter, before as string | null, limit + 1)
    return cutPage(rows, limit, ({ messageId }) => [messageId])
  },
})

export const getWebhookDelivery = defineOperation({
  id: 'getWebhookDelivery',
  method: 'GET',
  path: '/api/v1/webhooks/{endpointId}/deliveries/{messageId}',
  scope: 'webhooks:read',
  tag,
  summary: 'One message to an endpoint, with every attempt',
  input: z.object({ endpointId: EndpointId, messageId: MessageId }),
  output: DeliveryDetail,
  async perform({ endpointId, messageId }, { tx }) {
    const found = await findPayload(tx, endpointId, messageId)
    // Ids sort by their making, so the page that ends behind this one begins with it.
    const [delivery] = found ? await listDeliveries(tx, { endpointId }, `${messageId}0`, 1) : []
    if (!found || !delivery)
      throw new Problem('resource.not_found', 'This endpoint was not told of such a message.')
    return { ...delivery, ...found }
  },
})

export const replayWebhooks = defineOperation({
  id: 'replayWebhooks',
  method: 'POST',
  path: '/api/v1/webhooks/{endpointId}/replay',
  scope: 'webhooks:write',
  status: 202,
  tag,
  summary: 'Send messages again',
  description:
    'Those that are named, whatever became of them, or all that were given up of what happened since a moment, and until another if it is given. They keep their `webhook-id`, so a receiver that had them can tell.',
  subject: (_output, { endpointId }) => endpointId,
  input: Replay.refine(
    ({ messageIds, since }) => (messageIds === undefined) !== (since === undefined),
    { error: 'Give either messageIds or since.', path: ['messageIds'] },
  ).refine(({ since, until }) => until === undefined || (since !== undefined && since < until), {
    error: 'Give it with since, and later than since.',
    path: ['until'],
  }),
  output: z.object({ replayed: z.int() }),
  async perform({ endpointId, messageIds, since, until }, { tx, now }) {
    await getEndpoint(tx, endpointId)
    if (since && now.getTime() - since.getTime() > MAX_REPLAY_MS)
      throw new Problem('request.invalid', 'Messages are kept for 30 days.', {
        errors: [{ pointer: '/since', detail: 'Give a moment within the last 30 days.' }],
      })
    return { replayed: await replayDeliveries(tx, endpointId, { messageIds, since, until }, now) }
  },
})

export const testWebhookEndpoint = defineOperation({
  id: 'testWebhookEndpoint',
  method: 'POST',
  path: '/api/v1/webhooks/{endpointId}/test',
  scope: 'webhooks:write',
  status: 202,
  tag,
  summary: 'Send a test message',
  subject: (_output, { endpointId }) => endpointId,
  input: z.object({ endpointId: EndpointId }),
  output: z.object({ messageId: MessageId }),
  async perform({ endpointId }, { tx, now }) {
    await getEndpoint(tx, endpointId)
    const payload = JSON.stringify({
      type: 'webhook.test',
      timestamp: now.toISOString(),
      data: { id: endpointId },
    })
    const message = { id: newId('msg'), event: 'webhook.test', payload, occurredAt: now }
    await insertTestMessage(tx, endpointId, message)
    return { messageId: message.id }
  },
})
