import { sql } from 'kysely'
import type { PersonalStore } from '#compliance/personal-store.ts'

/** Entities whose records are people. */
const OF_PEOPLE = ['lead', 'contact']

export const syncPersonal: PersonalStore = {
  tables: [
    'sync_links',
    'sync_changes',
    'sync_conflicts',
    'sync_unproved',
    'sync_pending',
    'sync_errors',
    'sync_outcomes',
    'sync_planned_changes',
    'sync_rectifications',
  ],
  kept: { sync_outcomes: 'ids and causes, kept for the history of runs' },
  async collect(tx, { leadIds }) {
    return {
      connectedSystems: await tx.query(sql<object>`
        select c.name as system, c.vendor, l.entity, l.external_id, l.linked_at, l.deleted_at
        from sync_links l join connections c on c.id = l.connection_id
        where l.local_id = any(${leadIds}::text[]) order by c.name, l.entity`),
    }
  },
  /** What connected systems have is noted to be erased there; the links stay without a value, so that nothing is sent again. */
  async erase(tx, { leadIds }, { id, now, reach = 'everywhere' }) {
    const own = sql`workspace_id = ${tx.workspaceId} and local_id = any(${leadIds}::text[])`
    if (reach === 'everywhere')
      await tx.execute(sql`
      insert into sync_erasures (connection_id, entity, external_id, request_id, next_attempt_at, asked_at)
      select distinct connection_id, entity, external_id, ${id}, ${now}::timestamptz, ${now}::timestamptz from sync_links
      where ${own} and entity = any(${OF_PEOPLE}::text[]) and external_id <> '' and deleted_at is null
      on conflict (connection_id, entity, external_id) do update
      set request_id = excluded.request_id, state = 'waiting', next_attempt_at = excluded.next_attempt_at`)
    return {
      sync_links: await tx.execute(sql`
        update sync_links set base = null, raw = null, fingerprint = null, deleted_at = coalesce(deleted_at, ${now}), gone_to = ''
        where ${own}`),
      sync_changes: await tx.execute(sql`delete from sync_changes where ${own}`),
      sync_conflicts: await tx.execute(sql`delete from sync_conflicts where ${own}`),
      sync_unproved: await tx.execute(sql`delete from sync_unproved where ${own}`),
      sync_pending: await tx.execute(sql`delete from sync_pending where ${own}`),
      sync_errors: await tx.execute(sql`delete from sync_errors where ${own}`),
      // The receipts stay, without values; what is still open has nothing to wait for.
      sync_rectifications: await tx.execute(sql`
        update sync_rectifications set expected = null, state = 'done', done_at = coalesce(done_at, ${now}),
          detail = case when state = 'done' then detail else 'The person was erased since.' end
        where ${own}`),
      sync_planned_changes: await tx.execute(sql`delete from sync_planned_changes where ${own}`),
    }
  },
}
