import { sql, type RawBuilder } from 'kysely'
import type { Queries } from '#store/store.ts'

/** What is due: rows of a workspace from before a moment. What is held stays out of it. */
export interface Due {
  workspaceId: string
  before: Date
  now: Date
  /** The ids of people under a legal hold, as a sub-select. */
  heldPeople: RawBuilder<unknown>
  /** The ids of their leads, and of leads and deals of accounts under a hold, as a sub-select. */
  heldRecords: RawBuilder<unknown>
}

export interface DueCount {
  /** By month, the oldest first; `held` is due and kept by a hold of a person or account. */
  months: { month: string; count: number; held: number }[]
  /** Ids of some of the oldest that would go. */
  samples: string[]
}

export interface Removed {
  count: number
  oldest: Date | null
  newest: Date | null
}

interface Kind {
  /** One word a kind, as rules name it. */
  name: string
  /** What goes, and what that means for figures. */
  about: string
  /** Without a rule of the workspace; null: kept for good. */
  defaultDays: number | null
  /** No rule goes below. */
  minimumDays: number
  /** An erasure takes of it, so that a hold of the whole kind stands against erasures too. */
  isErasable: boolean
  countDue(tx: Queries, due: Due): Promise<DueCount>
}

/** Rows that are removed. */
export interface RetainedRows extends Kind {
  /** Removes up to `limit` of what is due, the oldest first where an index allows. Fewer than `limit`: nothing is left. */
  removeDue(tx: Queries, due: Due, limit: number): Promise<Removed>
}

/** People whom each module's erasure empties, here and not at connected systems: figures keep their sums. */
export interface RetainedPeople extends Kind {
  listDue(tx: Queries, due: Due, limit: number): Promise<{ personId: string; at: Date }[]>
}

/** A kind of record that a module keeps for a time. Everything is set-based. */
export type RetainedKind = RetainedRows | RetainedPeople

interface Rows extends Omit<Kind, 'countDue'> {
  table: string
  /** SQL expressions over `t`, the table. */
  id: string
  at: string
  /** Whether a row is held; none where rows name nobody. */
  isHeld?: (due: Due) => RawBuilder<unknown>
  /** Narrows down which rows are meant. */
  where?: (due: Due) => RawBuilder<unknown>
}

const MONTHS = 1200
const SAMPLES = 10

/** A kind whose rows stand in one table with a time of their own. */
export function defineRetainedRows({ table, id, at, isHeld, where, ...kind }: Rows): RetainedRows {
  const idOf = sql.raw(id)
  const atOf = sql.raw(at)
  const heldOf = (due: Due) => isHeld?.(due) ?? sql`false`
  const dueOf = (due: Due) => sql`
    t.workspace_id = ${due.workspaceId} and ${atOf} < ${due.before} and (${where?.(due) ?? sql`true`})`
  return {
    ...kind,
    async countDue(tx, due) {
      const months = await tx.query(sql<{ month: string; count: number; held: number }>`
        select month, (count(*) filter (where not is_held))::int as count, (count(*) filter (where is_held))::int as held from (
          select to_char(${atOf} at time zone 'UTC', 'YYYY-MM') as month, coalesce(${heldOf(due)}, false) as is_held
          from ${sql.table(table)} t where ${dueOf(due)}
        ) as d group by month order by month limit ${MONTHS}`)
      const rows = await tx.query(sql<{ id: string }>`
        select ${idOf}::text as id from ${sql.table(table)} t
        where ${dueOf(due)} and not coalesce(${heldOf(due)}, false) order by ${atOf}, ${idOf} limit ${SAMPLES}`)
      return { months, samples: rows.map((row) => row.id) }
    },
    async removeDue(tx, due, limit) {
      const row = await tx.find(sql<Removed>`
        with chosen as (
          select t.ctid as place from ${sql.table(table)} t
          where ${dueOf(due)} and not coalesce(${heldOf(due)}, false)
          limit ${limit} for update of t
        ), gone as (
          delete from ${sql.table(table)} t where t.ctid in (select place from chosen) returning ${atOf} as at
        )
        select count(*)::int as count, min(at) as oldest, max(at) as newest from gone`)
      return row!
    },
  }
}
