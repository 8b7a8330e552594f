import { sql } from 'kysely'
import type { PersonalStore } from '#compliance/personal-store.ts'

export const reportsPersonal: PersonalStore = {
  tables: ['source_claims', 'ledger_journeys'],
  kept: { ledger_journeys: 'ids; the credit of a deal is aligned with them' },
  async collect(tx, { leadIds }) {
    return {
      sourceClaims: await tx.query(sql<object>`
        select subject_id, speaker, channel, claimed_at, answer is not null as has_answer from source_claims
        where workspace_id = ${tx.workspaceId} and subject_id = any(${leadIds}::text[])`),
    }
  },
  async erase(tx, { leadIds }) {
    return {
      source_claims: await tx.execute(sql`
        update source_claims set answer = null
        where workspace_id = ${tx.workspaceId} and subject_id = any(${leadIds}::text[]) and answer is not null`),
    }
  },
}
