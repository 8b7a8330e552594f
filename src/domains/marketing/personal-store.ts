import { sql } from 'kysely'
import type { PersonalStore } from '#compliance/personal-store.ts'

export const marketingPersonal: PersonalStore = {
  tables: ['campaign_members'],
  kept: { campaign_members: 'ids, a word of the campaign’s own and times' },
  async collect(tx, { leadIds }, limit) {
    const memberships = await tx.query(sql`
      select m.id, m.campaign_id, c.name as campaign, m.lead_id, m.status, m.responded_at, m.created_at, m.deleted_at
      from campaign_members m join campaigns c on c.id = m.campaign_id
      where m.workspace_id = ${tx.workspaceId} and m.lead_id = any(${[...leadIds]}::text[])
      order by m.id limit ${limit}`)
    return { memberships }
  },
  erase: () => Promise.resolve({}),
}
