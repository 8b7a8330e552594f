import { sql } from 'kysely'
import type { ConsentStatus } from '#people/capture.ts'
import type { Transaction } from '#store/store.ts'

export interface ConsentRow {
  id: `cns_${string}`
  personId: string
  homeId: string | null
  purpose: string
  channel: string
  status: ConsentStatus
  source: string
  proof: Buffer | null
  occurredAt: Date
}

/** All consents of these people, oldest first. */
export async function listConsents(
  tx: Transaction,
  personIds: readonly string[],
): Promise<ConsentRow[]> {
  return tx.query(sql<ConsentRow>`
    select c.id, c.person_id, c.home_id, c.purpose, c.channel, c.status, c.source, c.proof, c.occurred_at
    from consents c
    where c.workspace_id = ${tx.workspaceId} and c.person_id = any(${personIds}::text[])
    order by c.occurred_at, c.id`)
}

export interface NewConsent {
  id: string
  personId: string
  /** Whose it is, when that one was merged into the person by hand. */
  homeId: string | null
  purpose: string
  channel: string
  status: ConsentStatus
  source: string
  proof: Record<string, unknown> | null
  occurredAt: Date
}

export async function insertConsents(
  tx: Transaction,
  consents: readonly NewConsent[],
  now: Date,
): Promise<void> {
  const rows = consents.map((consent) => ({
    id: consent.id,
    person_id: consent.personId,
    home_id: consent.homeId,
    purpose: consent.purpose,
    channel: consent.channel,
    status: consent.status,
    source: consent.source,
    occurred_at: consent.occurredAt,
    proof:
      consent.proof === null
        ? null
        : tx.sealer.seal(consent.proof, proofContext(consent.id)).toString('base64'),
  }))
  await tx.execute(sql`
    insert into consents
      (id, workspace_id, person_id, home_id, purpose, channel, status, source, proof, occurred_at, created_at)
    select r.id, ${tx.workspaceId}, r.person_id, r.home_id, r.purpose, r.channel, r.status, r.source,
      decode(r.proof, 'base64'), r.occurred_at, ${now}::timestamptz
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, person_id text, home_id text,
      purpose text, channel text, status text, source text, proof text, occurred_at timestamptz)`)
}

/** The proof that came with a consent, null when there was none. */
export function openProof(
  tx: Transaction,
  row: { id: string; proof: Buffer | null },
): Record<string, unknown> | null {
  return row.proof === null ? null : tx.sealer.open(row.proof, proofContext(row.id))
}

/** What a consent's sealed proof is bound to. */
export function proofContext(id: string): string {
  return `consents.proof:${id}`
}
