import { sql } from 'kysely'
import { MINUTE_MS } from '#core/time.ts'
import type { KpiSource } from '#levels/kpi.ts'
import { isGranted } from './health.store.ts'
import type { Transaction } from '#store/store.ts'

/** How fresh and how complete what is synced is. */
export const syncKpis: KpiSource = {
  kpis: [
    {
      id: 'daily_freshness',
      name: 'Age of the oldest data of any stream',
      definition:
        'Minutes since a whole pass of a stream last succeeded; the oldest of all streams of active connections that are not paused and that the account may have.',
      window: 'now',
      unit: 'minutes',
      targets: [{ level: 'now', comparison: 'at_most', value: 24 * 60 }],
    },
    {
      id: 'realtime_staleness',
      name: 'Oldest change that is still to be sent',
      definition:
        'Minutes that the oldest change waits which is due at an active connection; those that are held for somebody to correct are error items.',
      window: 'now',
      unit: 'minutes',
      targets: [{ level: 'later', comparison: 'at_most', value: 5 }],
    },
    {
      id: 'completeness',
      name: 'Records that were read back as they should be',
      definition:
        'Records here less those that are missing there or lost a field, of all that the newest certificate of each stream covers.',
      window: 'newest certificates',
      unit: 'share',
      targets: [{ level: 'now', comparison: 'at_least', value: 1 }],
    },
  ],
  async measure(tx, now) {
    const { streams, oldestAt, dueAt } = await readAges(tx)
    const proof = await readProof(tx)
    const minutes = (at: Date) => (now.getTime() - at.getTime()) / MINUTE_MS
    const nothing = { value: null, reason: 'No system is connected.' }
    return {
      daily_freshness: oldestAt === null ? nothing : { value: minutes(oldestAt) },
      realtime_staleness: streams === 0 ? nothing : { value: dueAt === null ? 0 : minutes(dueAt) },
      completeness:
        proof.covered === 0
          ? { value: null, reason: 'No run has certified records yet.' }
          : {
              value: (proof.covered - proof.failed) / proof.covered,
              note: `Of ${proof.covered} records.`,
            },
    }
  },
}

interface Ages {
  streams: number
  oldestAt: Date | null
  dueAt: Date | null
}

async function readAges(tx: Transaction): Promise<Ages> {
  const row = await tx.find(sql<Ages>`
    select count(*)::int as streams, min(coalesce(s.last_success_at, c.created_at)) as oldest_at,
      (select min(p.since) from sync_pending p join connections a on a.id = p.connection_id
        where a.state = 'active' and p.held_code is null) as due_at
    from sync_streams s join connections c on c.id = s.connection_id
    where c.state = 'active' and not s.paused and ${isGranted}`)
  return row ?? { streams: 0, oldestAt: null, dueAt: null }
}

async function readProof(tx: Transaction): Promise<{ covered: number; failed: number }> {
  const row = await tx.find(sql<{ covered: number; failed: number }>`
    select coalesce(sum(n.here_count), 0)::int as covered, coalesce(sum(least(n.here_count, n.missing + n.lost)), 0)::int as failed
    from sync_streams s
    cross join lateral (
      select k.here_count, k.missing, k.lost
      from sync_runs r join sync_certificates k on k.run_id = r.id and k.stream = s.name
      where r.connection_id = s.connection_id order by r.id desc limit 1) n`)
  return row ?? { covered: 0, failed: 0 }
}
