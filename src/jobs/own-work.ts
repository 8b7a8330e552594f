import { sql } from 'kysely'
import { newId } from '#core/id.ts'
import { currentTrace } from '#core/trace.ts'
import type { AuditDraft } from '#gateway/operation.ts'
import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'

/** Writes the events and audit entries of work that no request asked for, in its transaction; the hub itself is the actor. */
export async function recordOwnWork(
  tx: Transaction,
  { events, audits = [] }: { events: readonly EventDraft[]; audits?: readonly AuditDraft[] },
  now: Date,
): Promise<void> {
  if (events.length > 0) {
    const rows = events.map(({ event, subjectId, data }) => ({
      event,
      subjectId,
      data: data ?? {},
    }))
    await tx.execute(sql`
      insert into outbox (workspace_id, event, subject_id, data, occurred_at, trace)
      select ${tx.workspaceId}, r.event, r."subjectId", r.data, ${now}::timestamptz, ${currentTrace()}::text
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(event text, "subjectId" text, data jsonb)`)
  }
  if (audits.length > 0) {
    const rows = audits.map(({ action, subjectId, detail }) => ({
      id: newId('aud'),
      action,
      subjectId,
      detail: detail ?? {},
    }))
    await tx.execute(sql`
      insert into audit_log (id, workspace_id, occurred_at, principal_id, principal_kind, action, subject_id, detail)
      select r.id, ${tx.workspaceId}, ${now}::timestamptz, 'system', 'system', r.action, r."subjectId", r.detail
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, action text, "subjectId" text, detail jsonb)`)
  }
}
