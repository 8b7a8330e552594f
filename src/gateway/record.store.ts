import { sql } from 'kysely'
import { currentTrace } from '#core/trace.ts'
import type { Transaction } from '#store/store.ts'

export interface AuditRow {
  id: string
  action: string
  subjectId: string | null
  detail: Record<string, unknown>
  requestId: string
}

export interface OutboxRow {
  event: string
  subjectId: string
  data: Record<string, unknown>
  requestId: string
}

export interface AnswerRow {
  key: string
  status: number
  answer: string // hex of the sealed answer
}

export interface Effects {
  principalId: string
  principalKind: string
  operation: string
  now: Date
  audit: AuditRow[]
  outbox: OutboxRow[]
  answers: AnswerRow[]
}

/** Writes what belongs to a change beside its own rows: audit entries, events and kept answers, in one statement. */
export async function recordEffects(tx: Transaction, effects: Effects): Promise<void> {
  const { audit, outbox, answers } = effects
  if (audit.length === 0 && outbox.length === 0 && answers.length === 0) return
  await tx.execute(sql`
    with audited as (
      insert into audit_log (id, workspace_id, occurred_at, principal_id, principal_kind, action, subject_id, detail, request_id)
      select r.id, ${tx.workspaceId}, ${effects.now}, ${effects.principalId}, ${effects.principalKind}, r.action, r."subjectId", r.detail, r."requestId"
      from jsonb_to_recordset(${JSON.stringify(audit)}::jsonb) as r(id text, action text, "subjectId" text, detail jsonb, "requestId" text)
    ), told as (
      insert into outbox (workspace_id, event, subject_id, data, request_id, occurred_at, trace)
      select ${tx.workspaceId}, r.event, r."subjectId", r.data, r."requestId", ${effects.now}, ${currentTrace()}::text
      from jsonb_to_recordset(${JSON.stringify(outbox)}::jsonb) as r(event text, "subjectId" text, data jsonb, "requestId" text)
    )
    update idempotency_keys k set status = r.status, answer = decode(r.answer, 'hex')
    from jsonb_to_recordset(${JSON.stringify(answers)}::jsonb) as r(key text, status smallint, answer text)
    where k.workspace_id = ${tx.workspaceId} and k.principal_id = ${effects.principalId} and k.operation = ${effects.operation} and k.key = r.key`)
}

export interface KeyClaim {
  key: string
  requestHash: string // hex
}

/**
 * Claims idempotency keys for this transaction. A twin that is still running elsewhere is waited for (its row is locked).
 * @returns the keys that are ours to perform.
 */
export async function claimKeys(
  tx: Transaction,
  principalId: string,
  operation: string,
  claims: KeyClaim[],
  now: Date,
): Promise<Set<string>> {
  const rows = await tx.query(sql<{ key: string }>`
    insert into idempotency_keys (workspace_id, principal_id, operation, key, request_hash, created_at)
    select ${tx.workspaceId}, ${principalId}, ${operation}, r.key, decode(r."requestHash", 'hex'), ${now}
    from jsonb_to_recordset(${JSON.stringify(claims)}::jsonb) as r(key text, "requestHash" text)
    order by r.key
    on conflict do nothing
    returning key`)
  return new Set(rows.map((row) => row.key))
}

export interface KeptAnswer {
  key: string
  requestHash: Buffer
  status: number | null
  answer: Buffer | null
}

export async function findAnswers(
  tx: Transaction,
  principalId: string,
  operation: string,
  keys: string[],
): Promise<KeptAnswer[]> {
  return tx.query(sql<KeptAnswer>`
    select key, request_hash, status, answer from idempotency_keys
    where principal_id = ${principalId} and operation = ${operation} and key = any(${keys})`)
}
