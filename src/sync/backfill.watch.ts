import { sql } from 'kysely'
import { MAX_FINDINGS, type Watch } from '#alerts/watch.ts'

/** A backfill that waits for calls goes on with the next day; for anything else, an hour is long. */
export const backfillStopped: Watch = {
  name: 'sync.backfill_stopped',
  title: 'A backfill failed or stands still',
  severity: 'warning',
  role: 'integrator',
  async look(tx, now) {
    const rows = await tx.query(sql<{
      id: string
      name: string
      field: string
      state: string
      waitsFor: string | null
      done: number
      total: number
    }>`
      select b.id, c.name, b.field, b.state, b.waits_for, b.done, b.total
      from sync_backfills b join connections c on c.id = b.connection_id
      where b.state = 'failed' or (b.state = 'running' and coalesce(b.moved_at, b.asked_at) < ${now}::timestamptz
        - case when b.waits_for is not distinct from 'calls' then interval '26 hours' else interval '1 hour' end)
      order by b.id limit ${MAX_FINDINGS}`)
    return rows.map(({ id, name, field, state, waitsFor, done, total }) => {
      const why = waitsFor === null ? '' : `: ${waitWords[waitsFor] ?? waitsFor}`
      const what = state === 'failed' ? 'failed' : `stands still${why}`
      return {
        key: id,
        summary: `The backfill of ${field} with ${name} ${what}; ${done} of ${total} records are done.`,
        link: '/sync/backfills',
        values: { backfillId: id, state, waitsFor, done, total },
      }
    })
  },
}

const waitWords: Readonly<Record<string, string>> = {
  live_sync: 'live sync has the connection all the time',
  calls: 'its calls are used up',
  connection: 'the connection does not run',
  plan: 'a change plan waits to be approved',
  vendor: 'the system does not answer as it should',
}
