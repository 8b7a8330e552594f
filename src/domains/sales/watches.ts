import { sql } from 'kysely'
import { MAX_FINDINGS, type Watch } from '#alerts/watch.ts'
import { DAY_MS } from '#core/time.ts'

/** A task that is a day late was escalated and lies there still. By owner, who is named by the id alone. */
const tasksOverdue: Watch = {
  name: 'sales.tasks_overdue',
  title: 'Follow-ups lie for more than a day',
  severity: 'warning',
  role: 'sales',
  async look(tx, now) {
    const before = new Date(now.getTime() - DAY_MS)
    const rows = await tx.query(sql<{ owner: string | null; tasks: number }>`
      select owner_id as owner, count(*)::int as tasks from tasks
      where state = 'open' and due_at < ${before} group by owner_id order by owner_id nulls last limit ${MAX_FINDINGS}`)
    return rows.map(({ owner, tasks }) => ({
      key: owner ?? 'nobody',
      summary: `${tasks} ${tasks === 1 ? 'follow-up' : 'follow-ups'} of ${owner === null ? 'nobody' : 'one owner'} ${tasks === 1 ? 'is' : 'are'} more than a day late.`,
      link: '/',
      values: { ownerId: owner, tasks },
    }))
  },
}

export const salesWatches: readonly Watch[] = [tasksOverdue]
