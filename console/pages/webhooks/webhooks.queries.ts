import { queryOptions } from '@tanstack/react-query'
import { z } from 'zod'
import { Page } from '#core/page.ts'
import { SECOND_MS } from '#core/time.ts'
import {
  Delivery,
  DeliveryDetail,
  Endpoint,
  EndpointWithSecret,
  WebhookEvents,
} from '#webhooks/webhook.schema.ts'
import { act, read } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'

export type DeliveryRow = z.output<typeof Delivery>
export type DeliveryWhole = z.output<typeof DeliveryDetail>

/** What an act on endpoints reads again. */
export const AREA = 'webhooks'
const WEBHOOKS = '/api/v1/webhooks'

/** Messages go out while one looks on. */
const LIVE = { refetchInterval: 5 * SECOND_MS }

/** All of them: a workspace has at most 50. */
export const endpointsQuery = queryOptions({
  queryKey: [AREA, 'endpoints'],
  queryFn: async ({ signal }) =>
    (await read(Page(Endpoint), WEBHOOKS, { limit: 100 }, signal)).data,
  ...LIVE,
})

/** What endpoints can be told of, and what each means. */
export const eventsQuery = queryOptions({
  queryKey: [AREA, 'events'],
  queryFn: async ({ signal }) => (await read(WebhookEvents, `${WEBHOOKS}/events`, {}, signal)).data,
  staleTime: Infinity,
})

function endpointPath(endpointId: string): string {
  return `${WEBHOOKS}/${encodeURIComponent(endpointId)}`
}

export function endpointQuery(endpointId: string) {
  return queryOptions({
    queryKey: [AREA, 'endpoint', endpointId],
    queryFn: ({ signal }) => read(Endpoint, endpointPath(endpointId), {}, signal),
    ...LIVE,
  })
}

export interface DeliveryFilter {
  state: DeliveryRow['state'] | undefined
  event: string | undefined
}

export function deliveriesQuery(endpointId: string, filter: DeliveryFilter) {
  const path = deliveriesExport(endpointId, filter).path
  return { ...listQuery([AREA], Page(Delivery), path, { ...filter }, 25), ...LIVE }
}

export function deliveriesExport(endpointId: string, filter: DeliveryFilter) {
  return { path: `${endpointPath(endpointId)}/deliveries`, fields: { ...filter } }
}

export function deliveryQuery(endpointId: string, messageId: string) {
  const path = `${endpointPath(endpointId)}/deliveries/${encodeURIComponent(messageId)}`
  return queryOptions({
    queryKey: [AREA, 'delivery', endpointId, messageId],
    queryFn: ({ signal }) => read(DeliveryDetail, path, {}, signal),
    ...LIVE,
  })
}

export interface EndpointFields {
  url: string
  description: string
  events: string[]
}

/** The endpoint with its secret, which is shown this once. */
export async function createEndpoint(
  fields: EndpointFields & { format: Endpoint['format'] },
): Promise<z.output<typeof EndpointWithSecret>> {
  return EndpointWithSecret.parse(await act('POST', WEBHOOKS, fields))
}

export function changeEndpoint(
  endpointId: string,
  fields: Partial<EndpointFields> & { state?: Endpoint['state'] },
): Promise<unknown> {
  return act('PATCH', endpointPath(endpointId), fields)
}

export function deleteEndpoint(endpointId: string): Promise<unknown> {
  return act('DELETE', endpointPath(endpointId))
}

/** @returns the new secret, shown this once. */
export async function rotateSecret(endpointId: string): Promise<string> {
  const answer = await act('POST', `${endpointPath(endpointId)}/rotate-secret`, {})
  return EndpointWithSecret.parse(answer).secret
}

export function testEndpoint(endpointId: string): Promise<unknown> {
  return act('POST', `${endpointPath(endpointId)}/test`, {})
}

/** Sends again these messages, or all that were given up of what happened in a time. @returns how many. */
export async function replay(
  endpointId: string,
  which: { messageIds: string[] } | { since: Date; until?: Date },
): Promise<number> {
  const answer = await act('POST', `${endpointPath(endpointId)}/replay`, which)
  return z.object({ replayed: z.int() }).parse(answer).replayed
}
