import { type RawBuilder, sql } from 'kysely'
import type { Db } from 'pg-boss'
import type { Queries, Store, SystemTransaction, Transaction } from '#store/store.ts'

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

/** Lets the rest of the transaction work as the engine: the queue's tables are closed to workspaces. */
export async function leaveRole(tx: Transaction): Promise<void> {
  await tx.execute(sql`set local role none`)
}

/** pg-boss on an open transaction. */
export function bossDatabase(tx: Queries): Db {
  return {
    async executeSql(text, values = []) {
      return { rows: await tx.query(fromPlaceholders(text, values)) }
    },
  }
}

/** A statement with `$1`, `$2` as a template. */
function fromPlaceholders(text: string, values: readonly unknown[]): RawBuilder<unknown> {
  const parts = text.split(/\$(\d+)/) // text, number, text, number, …
  return sql.join(
    parts.map((part, i) => (i % 2 === 0 ? sql.raw(part) : sql`${values[Number(part) - 1]}`)),
    sql.raw(''),
  )
}

/**
 * Locks the job that waits under the key, so that no worker takes it up before this transaction ends. False when there is
 * none (any more).
 */
export async function holdWaiting(
  tx: Queries,
  name: string,
  singletonKey: string,
): Promise<boolean> {
  const rows = await tx.query(sql`
    select id from pgboss.job where name = ${name} and singleton_key = ${singletonKey} and state = 'created' for update skip locked`)
  return rows.length > 0
}
