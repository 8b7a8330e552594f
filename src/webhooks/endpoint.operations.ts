import { z } from 'zod'
import { newId } from '#core/id.ts'
import { cutPage, decodeCursor, Page, PageQuery } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { DAY_MS } from '#core/time.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { checkAddress } from '#egress/check-address.ts'
import type { Egress } from '#egress/egress.ts'
import {
  BY_HAND,
  countEndpoints,
  deleteEndpoint,
  findEndpoint,
  insertEndpoint,
  listEndpoints,
  rotateSecret,
  updateEndpoint,
} from './endpoint.store.ts'
import { newWebhookSecret } from '#egress/signature.ts'
import {
  Endpoint,
  EndpointChange,
  EndpointId,
  EndpointWithSecret,
  NewEndpoint,
  WebhookEvents,
} from './webhook.schema.ts'
import { isSubscription, webhookEvents } from './webhook-events.ts'

const MAX_ENDPOINTS = 50
/** For so long the old secret goes on signing beside the new one. */
const OVERLAP_MS = DAY_MS

const tag = 'Webhooks'

const listWebhookEvents = defineOperation({
  id: 'listWebhookEvents',
  method: 'GET',
  path: '/api/v1/webhooks/events',
  scope: 'webhooks:read',
  tag,
  summary: 'The events that endpoints can be told of',
  input: z.object({}),
  output: WebhookEvents,
  perform: () =>
    Promise.resolve({
      data: Object.entries(webhookEvents).map(([event, meaning]) => ({ event, meaning })),
    }),
})

const listWebhookEndpoints = defineOperation({
  id: 'listWebhookEndpoints',
  method: 'GET',
  path: '/api/v1/webhooks',
  scope: 'webhooks:read',
  tag,
  summary: 'List webhook endpoints',
  input: PageQuery,
  output: Page(Endpoint),
  async perform({ cursor, limit }, { tx }) {
    const [after] = cursor === undefined ? [''] : decodeCursor(cursor, 1)
    return cutPage(await listEndpoints(tx, String(after), limit + 1), limit, ({ id }) => [id])
  },
})

const getWebhookEndpoint = defineOperation({
  id: 'getWebhookEndpoint',
  method: 'GET',
  path: '/api/v1/webhooks/{endpointId}',
  scope: 'webhooks:read',
  tag,
  summary: 'One webhook endpoint',
  version: ({ version }) => version,
  input: z.object({ endpointId: EndpointId }),
  output: Endpoint,
  perform: ({ endpointId }, { tx }) => getEndpoint(tx, endpointId),
})

const deleteWebhookEndpoint = defineOperation({
  id: 'deleteWebhookEndpoint',
  method: 'DELETE',
  path: '/api/v1/webhooks/{endpointId}',
  scope: 'webhooks:write',
  status: 204,
  tag,
  summary: 'Delete a webhook endpoint with what it is owed',
  subject: (_output, { endpointId }) => endpointId,
  input: z.object({ endpointId: EndpointId }),
  output: z.null(),
  async perform({ endpointId }, { tx }) {
    await getEndpoint(tx, endpointId)
    await deleteEndpoint(tx, endpointId)
    return null
  },
})

const rotateWebhookSecret = defineOperation({
  id: 'rotateWebhookSecret',
  method: 'POST',
  path: '/api/v1/webhooks/{endpointId}/rotate-secret',
  scope: 'webhooks:write',
  status: 200,
  tag,
  summary: 'Change the signing secret',
  description: 'For a day messages carry signatures by both secrets, so that none is refused.',
  subject: ({ id }) => id,
  input: z.object({ endpointId: EndpointId }),
  output: EndpointWithSecret,
  async perform({ endpointId }, { tx, now }) {
    await getEndpoint(tx, endpointId)
    const secret = newWebhookSecret()
    await rotateSecret(tx, endpointId, secret, new Date(now.getTime() + OVERLAP_MS), now)
    return { ...(await getEndpoint(tx, endpointId)), secret }
  },
})

/** The operations on endpoints; new addresses are checked through `egress` before they are kept. */
export function createEndpointOperations(egress: Egress): Operation[] {
  const createWebhookEndpoint = defineOperation({
    id: 'createWebhookEndpoint',
    method: 'POST',
    path: '/api/v1/webhooks',
    scope: 'webhooks:write',
    tag,
    summary: 'Make a webhook endpoint',
    description:
      'Messages follow Standard Webhooks: at least once, not always in order, signed; `webhook-id` stays the same over retries.',
    subject: ({ id }) => id,
    location: ({ id }) => `/api/v1/webhooks/${id}`,
    version: ({ version }) => version,
    input: NewEndpoint,
    output: EndpointWithSecret,
    async perform(input, { tx, now }) {
      refuseUnknownEvents(input.events)
      await checkAddress(egress, input.url)
      if ((await countEndpoints(tx)) >= MAX_ENDPOINTS)
        throw new Problem(
          'webhook.too_many',
          `A workspace has at most ${MAX_ENDPOINTS} endpoints: delete one, or let one take more events.`,
        )
      const id = newId('whe')
      const secret = newWebhookSecret()
      await insertEndpoint(tx, { id, ...input }, secret, now)
      return { ...(await getEndpoint(tx, id)), secret }
    },
  })

  const updateWebhookEndpoint = defineOperation({
    id: 'updateWebhookEndpoint',
    method: 'PATCH',
    path: '/api/v1/webhooks/{endpointId}',
    scope: 'webhooks:write',
    tag,
    summary: 'Change, enable or disable a webhook endpoint',
    subject: ({ id }) => id,
    version: ({ version }) => version,
    input: EndpointChange,
    output: Endpoint,
    async perform({ endpointId, ...changes }, { tx, now, expectedVersion }) {
      const known = await getEndpoint(tx, endpointId)
      if (expectedVersion !== null && expectedVersion !== known.version)
        throw new Problem(
          'resource.version_mismatch',
          'The endpoint was changed meanwhile: read it again.',
        )
      if (changes.events) refuseUnknownEvents(changes.events)
      if (changes.url !== undefined) await checkAddress(egress, changes.url)
      const reason = changes.state === 'disabled' ? BY_HAND : null
      await updateEndpoint(tx, endpointId, { ...changes, reason }, now)
      return getEndpoint(tx, endpointId)
    },
  })
  return [
    listWebhookEvents,
    createWebhookEndpoint,
    listWebhookEndpoints,
    getWebhookEndpoint,
    updateWebhookEndpoint,
    deleteWebhookEndpoint,
    rotateWebhookSecret,
  ]
}

/** @throws Problem `resource.not_found`. */
export async function getEndpoint(tx: Transaction, id: string): Promise<Endpoint> {
  const endpoint = await findEndpoint(tx, id)
  if (!endpoint)
    throw new Problem('resource.not_found', 'There is no webhook endpoint with this id.')
  return endpoint
}

function refuseUnknownEvents(events: readonly string[]): void {
  const errors = events.flatMap((event, i) =>
    isSubscription(event)
      ? []
      : [
          {
            pointer: `/events/${i}`,
            detail: `There is no event ${event}: see /api/v1/webhooks/events.`,
          },
        ],
  )
  if (errors.length > 0)
    throw new Problem('request.invalid', 'Some of these events do not exist.', { errors })
}
