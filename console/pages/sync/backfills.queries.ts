import type { z } from 'zod'
import { Page } from '#core/page.ts'
import { SECOND_MS } from '#core/time.ts'
import { BackfillView } from '#sync/backfill.schema.ts'
import { act } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'
import type { BackfillsSearch } from '#console/pages/sync/sync.search.ts'

export type Backfill = z.output<typeof BackfillView>

const BACKFILLS = '/api/v1/sync/backfills'

export function backfillsQuery({ connectionId, state }: BackfillsSearch) {
  const query = listQuery(['sync', 'backfills'], Page(BackfillView), BACKFILLS, {
    connectionId,
    state,
  })
  return { ...query, refetchInterval: 5 * SECOND_MS }
}

export function moveBackfill(
  backfillId: string,
  action: 'pause' | 'resume' | 'cancel',
): Promise<unknown> {
  return act('POST', `${BACKFILLS}/${encodeURIComponent(backfillId)}/${action}`, {})
}
