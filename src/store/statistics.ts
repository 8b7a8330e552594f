import { sql } from 'kysely'
import { SECOND_MS } from '#core/time.ts'
import type { Store } from './store.ts'

const EVERY_MS = 5 * SECOND_MS

/** Rows that changed since a table was last analyzed: at least so many, and this part of what it holds. */
const LEAST_CHANGED = 500
const PART_CHANGED = 0.05

/**
 * Tells the planner how large tables are by now. Autovacuum looks once a minute; a first import or a first pull fills empty tables
 * within seconds, and a plan made for empty tables then compares every row with every other. Cheap where nothing grew: one statement.
 * @returns the tables that were analyzed; what another process analyzes just now is left to it.
 */
export async function refreshStatistics(store: Pick<Store, 'system'>): Promise<string[]> {
  const grown = await store.system((tx) =>
    tx.query(sql<{ name: string }>`
      select relname as name from pg_stat_user_tables
      where schemaname = current_schema()
        and n_mod_since_analyze > greatest(${LEAST_CHANGED}::float8, ${PART_CHANGED}::float8 * n_live_tup)
      order by relname`),
  )
  for (const { name } of grown)
    await store.system((tx) => tx.execute(sql`analyze (skip_locked) ${sql.table(name)}`))
  return grown.map(({ name }) => name)
}

/** The same as a duty that is called more often than it is worth while. */
export function statisticsDuty(store: Pick<Store, 'system'>): (isLast: boolean) => Promise<void> {
  let lookedAtMs = Number.NEGATIVE_INFINITY
  return async (isLast) => {
    if (isLast || performance.now() - lookedAtMs < EVERY_MS) return
    lookedAtMs = performance.now()
    await refreshStatistics(store)
  }
}
