import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { z } from 'zod'
import { Alert } from '#alerts/alert.schema.ts'
import { Channel, ChannelTest, ChannelWithSecret, type NewChannel } from '#alerts/channel.schema.ts'
import { Page } from '#core/page.ts'
import { SECOND_MS } from '#core/time.ts'
import { act, read } from '#console/api.ts'
import type { AlertsStatus } from '#console/pages/alerts/alerts.search.ts'

const ALERTS = '/api/v1/alerts'
const CHANNELS = '/api/v1/alerts/channels'

export function alertsQuery(status: AlertsStatus) {
  return infiniteQueryOptions({
    queryKey: ['alerts', 'list', status],
    queryFn: ({ pageParam, signal }) =>
      read(Page(Alert), ALERTS, { status, limit: 25, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: 30 * SECOND_MS,
  })
}

export function alertsExport(status: AlertsStatus) {
  return { path: ALERTS, fields: { status } }
}

/** All of them: a workspace has at most 20. */
export const channelsQuery = queryOptions({
  queryKey: ['alerts', 'channels'],
  queryFn: async ({ signal }) => (await read(Page(Channel), CHANNELS, { limit: 100 }, signal)).data,
  refetchInterval: 30 * SECOND_MS,
})

export async function acknowledgeAlert(alertId: string, note: string): Promise<void> {
  const body = note === '' ? {} : { note }
  await act('POST', `${ALERTS}/${encodeURIComponent(alertId)}/acknowledge`, body)
}

function channelPath(channelId: string): string {
  return `${CHANNELS}/${encodeURIComponent(channelId)}`
}

export async function testChannel(channelId: string): Promise<void> {
  ChannelTest.parse(await act('POST', `${channelPath(channelId)}/test`, {}))
}

export interface ChannelFields {
  name: string
  kind: NewChannel['kind']
  to: string[]
  url: string
  minSeverity: NewChannel['minSeverity']
  watches: string[]
}

/** @returns the secret of a signed webhook, shown this once; null of other kinds. */
export async function createChannel({ to, url, ...fields }: ChannelFields): Promise<string | null> {
  const target = fields.kind === 'email' ? { to } : { url }
  return ChannelWithSecret.parse(await act('POST', CHANNELS, { ...fields, ...target })).secret
}

export function setChannelState(
  channelId: string,
  state: 'enabled' | 'disabled',
): Promise<unknown> {
  return act('PATCH', channelPath(channelId), { state })
}

export function deleteChannel(channelId: string): Promise<unknown> {
  return act('DELETE', channelPath(channelId))
}

/** Sends again what was given up. @returns how many messages. */
export async function retryChannel(channelId: string): Promise<number> {
  const answer = await act('POST', `${channelPath(channelId)}/retry`, {})
  return z.object({ retried: z.int() }).parse(answer).retried
}
