import { sql } from 'kysely'
import type { SystemTransaction } from '#store/store.ts'

/** An entry of the audit log that no change stands behind: who saw what, or was refused. */
export interface AccessEntry {
  id: string
  workspaceId: string
  occurredAt: Date
  principalId: string
  principalKind: string
  action: 'data.read' | 'access.refused' | 'export.broken_off'
  subjectId: string | null
  detail: Record<string, unknown>
  requestId: string
}

/** Adds entries of any workspaces in one statement. */
export async function insertAccess(
  tx: SystemTransaction,
  entries: readonly AccessEntry[],
): Promise<void> {
  await tx.execute(sql`
    insert into audit_log (id, workspace_id, occurred_at, principal_id, principal_kind, action, subject_id, detail, request_id)
    select r.id, r."workspaceId", r."occurredAt", r."principalId", r."principalKind", r.action, r."subjectId", r.detail, r."requestId"
    from jsonb_to_recordset(${JSON.stringify(entries)}::jsonb) as r(id text, "workspaceId" text, "occurredAt" timestamptz,
      "principalId" text, "principalKind" text, action text, "subjectId" text, detail jsonb, "requestId" text)`)
}
