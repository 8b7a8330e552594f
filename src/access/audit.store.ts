import { sql } from 'kysely'
import { newId } from '#core/id.ts'
import type { Queries } from '#store/store.ts'

/** An audit entry of a step that no operation performs, such as a sign-in. */
export interface SignInAudit {
  workspaceId: string
  userId: string
  action: string
  now: Date
  requestId: string
  detail?: Record<string, unknown>
}

export async function insertAudit(tx: Queries, entry: SignInAudit): Promise<void> {
  await tx.execute(sql`
    insert into audit_log (id, workspace_id, occurred_at, principal_id, principal_kind, action, subject_id, detail, request_id)
    values (${newId('aud')}, ${entry.workspaceId}, ${entry.now}, ${entry.userId}, 'user', ${entry.action}, ${entry.userId},
      ${JSON.stringify(entry.detail ?? {})}::jsonb, ${entry.requestId})`)
}
