import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { Alert } from '#alerts/alert.schema.ts'
import { Channel, ChannelTest } from '#alerts/channel.schema.ts'
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

export async function testChannel(channelId: string): Promise<void> {
  ChannelTest.parse(await act('POST', `${CHANNELS}/${encodeURIComponent(channelId)}/test`, {}))
}
