import { sql } from 'kysely'
import { MAX_FINDINGS, type Watch } from '#alerts/watch.ts'
import { DAY_MS } from '#core/time.ts'

const AHEAD_MS = 7 * DAY_MS

const requestsDue: Watch = {
  name: 'compliance.requests_due',
  title: 'Requests about personal data have to be answered',
  severity: 'critical',
  role: 'privacy',
  async look(tx, now) {
    const rows = await tx.query(sql<{ id: string; kind: string; dueAt: Date }>`
      select id, kind, due_at from privacy_requests
      where state = 'received' and due_at < ${new Date(now.getTime() + AHEAD_MS)} order by id limit ${MAX_FINDINGS}`)
    return rows.map(({ id, kind, dueAt }) => ({
      key: id,
      summary: `A request for ${kind} has waited for a decision until a week before its last day, ${dueAt.toISOString().slice(0, 10)}.`,
      link: `/privacy/${id}`,
      values: { requestId: id, kind, dueOn: dueAt.toISOString().slice(0, 10) },
    }))
  },
}

export const complianceWatches: readonly Watch[] = [requestsDue]
