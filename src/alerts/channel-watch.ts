import { sql } from 'kysely'
import { MINUTE_MS } from '#core/time.ts'
import { CHANNEL_WATCH } from './route.rules.ts'
import { MAX_FINDINGS, type Watch } from './watch.ts'

const FAILING_MS = 30 * MINUTE_MS

/** Whoever relies on a channel that is dead has to learn it by another one, or at the console. */
export const channelWatch: Watch = {
  name: CHANNEL_WATCH,
  title: 'An alert channel reaches nobody',
  severity: 'critical',
  role: 'admin',
  async look(tx, now) {
    const before = new Date(now.getTime() - FAILING_MS)
    const rows = await tx.query(sql<{ id: string; name: string; failed: number; isOff: boolean }>`
      select c.id, c.name, c.disabled_reason is not null as is_off,
        (select count(*)::int from alert_messages m where m.channel_id = c.id and m.state in ('pending', 'failed')
          and m.attempts > 0) as failed
      from alert_channels c
      where c.disabled_reason is not null or (c.state = 'enabled' and c.failing_since < ${before})
      order by c.id limit ${MAX_FINDINGS}`)
    return rows.map(({ id, name, failed, isOff }) => ({
      key: id,
      summary: isOff
        ? `The channel ${name} was switched off: its receiver is gone.`
        : `No message has reached the channel ${name} for half an hour; ${failed} wait or were given up.`,
      link: '/alerts',
      values: { channelId: id, messages: failed },
    }))
  },
}
