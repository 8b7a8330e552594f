import { sql } from 'kysely'
import type { PersonalStore } from '#compliance/personal-store.ts'

export const scoringPersonal: PersonalStore = {
  tables: ['learned_scores'],
  kept: {},
  async collect(tx, { leadIds }) {
    return {
      learnedScores: await tx.query(sql<object>`
        select target, subject_id, probability, scored_at from learned_scores
        where workspace_id = ${tx.workspaceId} and subject_id = any(${leadIds}::text[])`),
    }
  },
  async erase(tx, { leadIds }) {
    return {
      learned_scores: await tx.execute(sql`
        delete from learned_scores
        where workspace_id = ${tx.workspaceId} and subject_id = any(${leadIds}::text[])`),
    }
  },
}
