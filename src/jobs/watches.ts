import { sql } from 'kysely'
import { MAX_FINDINGS, type Watch } from '#alerts/watch.ts'

const deadEvents: Watch = {
  name: 'jobs.dead_events',
  title: 'Events were set aside',
  severity: 'critical',
  role: 'admin',
  async look(tx) {
    const rows = await tx.query(sql<{ subscriber: string; events: number }>`
      select subscriber, count(*)::int as events from dead_events
      where state = 'open' group by subscriber order by subscriber limit ${MAX_FINDINGS}`)
    return rows.map(({ subscriber, events }) => ({
      key: subscriber,
      summary: `${events} ${events === 1 ? 'event' : 'events'} that ${subscriber} could not take ${events === 1 ? 'waits' : 'wait'} for somebody to look.`,
      link: '/alerts',
      values: { subscriber, events },
    }))
  },
}

export const jobWatches: readonly Watch[] = [deadEvents]
