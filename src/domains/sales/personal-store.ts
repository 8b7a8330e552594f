import { sql } from 'kysely'
import type { PersonalStore } from '#compliance/personal-store.ts'
import { findLeads, lockLeads } from './lead.store.ts'
import { rectifyLeads } from './rectify.ts'

export const salesPersonal: PersonalStore = {
  tables: ['leads', 'lead_captures', 'lead_scores', 'tasks', 'opportunity_people'],
  kept: {
    lead_captures: 'when and through which channel a lead came in',
    lead_scores: 'whole numbers',
    tasks: 'owners and due times',
    opportunity_people: 'ids and a role',
  },
  async collect(tx, { leadIds }) {
    const leads = await findLeads(tx, { ids: leadIds })
    return { leads }
  },
  async erase(tx, { leadIds }, { now }) {
    await lockLeads(tx)
    return {
      // Country, region, industry and size of the company stay for the figures; what names it may name its owner.
      leads: await tx.execute(sql`
        update leads set custom = null, override_reason = null, score_parts = '[]', routing = '{}',
          attributes = attributes || '{"company": null, "domain": null, "emailDomain": null}'::jsonb,
          updated_at = ${now}, version = version + 1
        where id = any(${leadIds}::text[])`),
    }
  },
  rectify: rectifyLeads,
}
