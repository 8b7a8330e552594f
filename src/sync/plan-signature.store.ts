import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'

export interface SignatureRow {
  domain: string
  approvedBy: string
  approvedAt: Date
}

export function listSignatures(tx: Transaction, planId: string): Promise<SignatureRow[]> {
  return tx.query(sql<SignatureRow>`
    select domain, approved_by, approved_at from sync_plan_signatures where plan_id = ${planId} order by domain`)
}

export async function insertSignature(
  tx: Transaction,
  planId: string,
  signature: SignatureRow,
): Promise<void> {
  await tx.execute(sql`
    insert into sync_plan_signatures (plan_id, domain, approved_by, approved_at)
    values (${planId}, ${signature.domain}, ${signature.approvedBy}, ${signature.approvedAt})
    on conflict do nothing`)
}
