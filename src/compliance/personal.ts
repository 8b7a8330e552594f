import { sql } from 'kysely'
import type { PersonalStore } from '#compliance/personal-store.ts'
import { openChanges } from '#compliance/privacy.store.ts'

/** What requests themselves keep of people: values that were asked to be put right. */
export const compliancePersonal: PersonalStore = {
  tables: ['privacy_requests'],
  kept: { privacy_requests: 'that and when somebody asked, and how it was decided' },
  async collect(tx, { personIds }, limit) {
    const rows = await tx.query(sql<{ id: string; changes: Buffer | null }>`
      select id, kind, state, note, requested_at, decided_at, changes from privacy_requests
      where workspace_id = ${tx.workspaceId} and person_id = any(${[...personIds]}::text[])
      order by requested_at desc, id desc limit ${limit}`)
    return {
      privacyRequests: rows.map((row) => ({
        ...row,
        changes: openChanges(tx, row.id, row.changes),
      })),
    }
  },
  async erase(tx, { personIds }) {
    return {
      privacy_requests: await tx.execute(sql`
        update privacy_requests set changes = null
        where workspace_id = ${tx.workspaceId} and person_id = any(${[...personIds]}::text[]) and changes is not null`),
    }
  },
}
