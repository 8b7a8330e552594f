import { sql, type RawBuilder } from 'kysely'
import { AUDIT_MINIMUM_DAYS } from '#access/audit-chain.store.ts'
import type { Due, Removed, RetainedRows } from '#compliance/retained-store.ts'
import { newId } from '#core/id.ts'

const MONTHS = 1200
const SAMPLES = 10

/** Entries from before the moment, under a head that was signed before it: the outside copies of heads prove their age. */
const due = ({ workspaceId, before }: Due): RawBuilder<unknown> => sql`
  from audit_log a join audit_links l on l.audit_id = a.id
  where a.workspace_id = ${workspaceId} and a.occurred_at < ${before}
    and l.seq <= (
      select coalesce(max(c.seq), 0) from audit_checkpoints c
      where c.workspace_id = ${workspaceId} and c.signed_at <= ${before})`

const isHeld = ({ heldPeople, heldRecords }: Due): RawBuilder<unknown> => sql`
  coalesce(a.subject_id in ${heldPeople} or a.subject_id in ${heldRecords}, false)`

/**
 * The audit log. Entries go, their links and signed heads stay, and an entry tells up to where: the chain verifies on, and a
 * removal that no entry tells of, or that came too early, is found.
 */
export const auditRetained: RetainedRows = {
  name: 'audit',
  about:
    'Entries of the audit log, reads with them. Their links and signed heads stay, so that the rest still proves itself.',
  defaultDays: null,
  minimumDays: AUDIT_MINIMUM_DAYS,
  isErasable: false,
  async countDue(tx, when) {
    const months = await tx.query(sql<{ month: string; count: number; held: number }>`
      select month, (count(*) filter (where not is_held))::int as count, (count(*) filter (where is_held))::int as held from (
        select to_char(a.occurred_at at time zone 'UTC', 'YYYY-MM') as month, ${isHeld(when)} as is_held ${due(when)}
      ) as d group by month order by month limit ${MONTHS}`)
    const rows = await tx.query(sql<{ id: string }>`
      select a.id ${due(when)} and not ${isHeld(when)} order by a.occurred_at, a.id limit ${SAMPLES}`)
    return { months, samples: rows.map((row) => row.id) }
  },
  async removeDue(tx, when, limit) {
    const rows = await tx.query(sql<{ id: string }>`
      select a.id ${due(when)} and not ${isHeld(when)} order by a.occurred_at, a.id limit ${limit}`)
    const ids = rows.map((row) => row.id)
    const removed = await tx.find(sql<Removed>`
      select count, oldest, newest from throughline_trim_audit(${ids}::text[], ${newId('aud')}, ${when.now})`)
    return removed!
  },
}
