import { sql } from 'kysely'
import type { Store, SystemTransaction } from '#store/store.ts'

/** Where jobs end that failed on their last try; pg-boss's own tables hold it. */
export const DEAD_QUEUE = 'dead'

/** How many jobs wait or run, by name; names without any are left out. Waiting ones count when due within `aheadMs`. */
export function countJobs(
  store: Store,
  names: readonly string[],
  aheadMs: number,
): Promise<{ name: string; waiting: number; running: number }[]> {
  return store.system((tx) =>
    tx.query(sql<{ name: string; waiting: number; running: number }>`
      select name, count(*) filter (where state < 'active') as waiting, count(*) filter (where state = 'active') as running
      from pgboss.job
      where name = any(${[...names]}::text[])
        and (state = 'active' or (state < 'active' and start_after <= now() + ${aheadMs} * interval '1 millisecond'))
      group by name order by name`),
  )
}

/** A job that failed on its last try. */
export interface DeadJob {
  id: string
  name: string
  input: unknown
  /** Kind and place of the failure; no values. */
  failure: string | null
  tries: number
  failedAt: Date
}

/** The dead jobs, newest first; of one workspace, or all. */
export function listDeadJobs(
  tx: SystemTransaction,
  workspaceId: string | null,
  limit: number,
): Promise<DeadJob[]> {
  return tx.query(sql<DeadJob>`
    select id, source_name as name, data->'input' as input, source_output->>'message' as failure,
      source_retry_count + 1 as tries, created_on as failed_at
    from pgboss.job
    where name = ${DEAD_QUEUE} and state < 'active' and (${workspaceId}::text is null or data->'input'->>'workspaceId' = ${workspaceId})
    order by created_on desc, id limit ${limit}`)
}
