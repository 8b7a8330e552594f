import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'

export interface NewQuarantined {
  id: string
  source: string
  reason: string
  payload: unknown
}

/** Keeps events that could not be used, sealed, with the reason. */
export async function insertQuarantined(
  tx: Transaction,
  events: readonly NewQuarantined[],
  now: Date,
): Promise<void> {
  const rows = events.map(({ id, source, reason, payload }) => ({
    id,
    source,
    reason,
    payload: tx.sealer.seal(payload, payloadContext(id)).toString('hex'),
  }))
  await tx.execute(sql`
    insert into quarantined_events (id, workspace_id, source, reason, payload, received_at)
    select r.id, ${tx.workspaceId}, r.source, r.reason, decode(r.payload, 'hex'), ${now}::timestamptz
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r(id text, source text, reason text, payload text)`)
}

export interface QuarantinedRow {
  id: `evt_${string}`
  source: string
  reason: string
  payload: unknown
  receivedAt: Date
}

/** Quarantined events, newest first, one more than the limit. */
export async function listQuarantined(
  tx: Transaction,
  limit: number,
  after: { at: string; id: string } | null,
): Promise<QuarantinedRow[]> {
  const rest = after
    ? sql`where (q.received_at, q.id) < (${after.at}::timestamptz, ${after.id})`
    : sql``
  const rows = await tx.query(sql<QuarantinedRow & { payload: Buffer }>`
    select q.id, q.source, q.reason, q.payload, q.received_at
    from quarantined_events q
    ${rest}
    order by q.received_at desc, q.id desc
    limit ${limit + 1}`)
  return rows.map((row) => ({
    ...row,
    payload: tx.sealer.open(row.payload, payloadContext(row.id)),
  }))
}

/** Which of these are user ids that are known. */
export async function findKnownUserIds(
  tx: Transaction,
  userIds: readonly string[],
): Promise<Set<string>> {
  const byIndex = new Map(userIds.map((id) => [tx.sealer.index('user_id', id).toString('hex'), id]))
  const rows = await tx.query(sql<{ index: string }>`
    select encode(i.value_index, 'hex') as index
    from identities i
    where i.kind = 'user_id' and i.source = ''
      and i.value_index = any(${[...byIndex.keys()].map((hex) => Buffer.from(hex, 'hex'))}::bytea[])`)
  return new Set(rows.flatMap(({ index }) => byIndex.get(index) ?? []))
}

function payloadContext(id: string): string {
  return `quarantined_events.payload:${id}`
}
