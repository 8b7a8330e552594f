import { queryOptions } from '@tanstack/react-query'
import { z } from 'zod'
import { Mute, WatchView } from '#alerts/alert.schema.ts'
import { Page } from '#core/page.ts'
import { MINUTE_MS } from '#core/time.ts'
import { act, read } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'

const MUTES = '/api/v1/alerts/mutes'

export function mutesQuery() {
  return { ...listQuery(['alerts'], Page(Mute), MUTES), refetchInterval: MINUTE_MS }
}

/** @param mute  without a key, all that the watch finds. */
export function createMute(mute: {
  watch: string
  key?: string
  until: Date
  note: string
}): Promise<unknown> {
  return act('POST', MUTES, { ...mute, until: mute.until.toISOString() })
}

export function endMute(muteId: string): Promise<unknown> {
  return act('DELETE', `${MUTES}/${encodeURIComponent(muteId)}`)
}

/** What is watched, for channels that take only some of it. */
export const watchesQuery = queryOptions({
  queryKey: ['alerts', 'watches'],
  queryFn: async ({ signal }) =>
    (await read(z.object({ data: z.array(WatchView) }), '/api/v1/alerts/watches', {}, signal)).data,
  staleTime: Infinity,
})
