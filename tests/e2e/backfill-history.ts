import { sql } from 'kysely'
import { newId } from '#core/id.ts'
import { HOUR_MS, MINUTE_MS } from '#core/time.ts'
import type { Store } from '#store/store.ts'
import { insertBackfill, moveBackfill } from '#sync/backfill.store.ts'

const MAPPING_GONE = {
  kind: 'mapping',
  detail: 'The field custom.shoe_size is not mapped any more.',
}

/** A backfill that is done, one that failed, one that is paused, and one under way that waits for its calls. */
export async function seedBackfills(
  store: Store,
  workspaceId: string,
  connectionId: string,
  now: Date,
): Promise<void> {
  const begin = async (field: string, done: number, calls: number, agoMs: number) => {
    const id = newId('bkf')
    const runId = newId('run')
    const at = new Date(now.getTime() - agoMs)
    await store.transaction(workspaceId, async (tx) => {
      const place = { id, runId, connectionId, stream: 'contacts', entity: 'lead', field }
      const wish = { direction: 'in' as const, share: 50, total: 160, plannedCalls: 2 }
      await insertBackfill(tx, { ...place, ...wish, askedBy: 'Ada' }, at)
      await tx.execute(sql`
        update sync_backfills set done = ${done}, day_calls = ${calls}, day = ${now}::date where id = ${id}`)
      await tx.execute(sql`
        update sync_runs set calls = ${calls}, ended_at = ${at}, state = 'succeeded' where id = ${runId}`)
    })
    return id
  }
  const move = (id: string, to: 'done' | 'failed' | 'paused', fault?: typeof MAPPING_GONE) =>
    store.transaction(workspaceId, (tx) =>
      moveBackfill(tx, id, ['running'], to, null, now, fault ?? null),
    )
  await move(await begin('country', 160, 2, 26 * HOUR_MS), 'done')
  await move(await begin('custom.shoe_size', 40, 1, 3 * HOUR_MS), 'failed', MAPPING_GONE)
  await move(await begin('phone', 80, 1, HOUR_MS), 'paused')
  const id = await begin('jobTitle', 100, 2, 20 * MINUTE_MS)
  await store.transaction(workspaceId, (tx) =>
    tx.execute(sql`update sync_backfills set waits_for = 'live_sync' where id = ${id}`),
  )
}
