import { sql } from 'kysely'
import { MAX_FINDINGS, type Watch } from '#alerts/watch.ts'
import { MINUTE_MS } from '#core/time.ts'

const BEHIND_MS = 15 * MINUTE_MS
const MAX_COUNTED = 1000

/** Entries get their link within seconds and their signature within a minute or two; what lags could be changed unseen. */
const auditUnproved: Watch = {
  name: 'access.audit_unproved',
  title: 'The audit log is not proved',
  severity: 'critical',
  role: 'admin',
  lastsMinutes: 10,
  async look(tx, now) {
    const before = new Date(now.getTime() - BEHIND_MS)
    const rows = await tx.query(sql<{ unlinked: number; isUnsigned: boolean }>`
      select * from (
        select
          (select count(*)::int from (
              select xid, audit_id from audit_heads where workspace_id = ${tx.workspaceId}
              union all select '0'::xid8, '' order by xid desc limit 1) as head
            cross join lateral (
              select a.id, a.occurred_at from audit_log a
              where a.workspace_id = ${tx.workspaceId} and (a.xid, a.id) > (head.xid, head.audit_id)
              order by a.xid, a.id limit ${MAX_COUNTED}) as behind
            where behind.occurred_at < ${before}
              and not exists (select 1 from audit_links l where l.audit_id = behind.id)) as unlinked,
          exists (select 1 from audit_heads where signed_seq < seq and signed_at < ${before}) as is_unsigned) state
      where unlinked > 0 or is_unsigned limit ${MAX_FINDINGS}`)
    return rows.map(({ unlinked, isUnsigned }) => ({
      key: 'chain',
      summary: isUnsigned
        ? 'The head of the audit log has not been signed for a quarter of an hour.'
        : `${unlinked}${unlinked === MAX_COUNTED ? ' or more' : ''} entries of the audit log have no link in its chain after a quarter of an hour.`,
      link: '/alerts',
      values: { unlinked, isUnsigned },
    }))
  },
}

export const accessWatches: readonly Watch[] = [auditUnproved]
