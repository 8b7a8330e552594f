import { sql } from 'kysely'
import { GENESIS, type Checkpoint, type ProvedEntry } from '#access/audit-chain.rules.ts'
import type { Queries, SystemTransaction } from '#store/store.ts'

/** The action of the entry that tells that older ones were removed. */
const TRIMMED = 'audit.trimmed'
/** No entry is removed before its signed head is so old; verification holds removals to it. */
export const AUDIT_MINIMUM_DAYS = 365

export interface ChainHead {
  workspaceId: string
  seq: number
  chainHash: Buffer
  xid: string
  auditId: string
  signedSeq: number
  signedAt: Date | null
}

/** An entry that has no link yet. */
export interface UnlinkedEntry extends ProvedEntry {
  xid: string
}

export interface Link {
  seq: number
  auditId: string
  entryHash: Buffer
  chainHash: Buffer
}

/** A link with the entry that it proves; the entry's fields are null where it is gone. */
export interface LinkedEntry extends Link {
  entry: ProvedEntry | null
}

/**
 * Workspaces with entries that wait for a link, or with links that wait for a signature since `signedBefore`.
 * A restore from a dump brings transaction ids of another server, which would hide entries for ever: then all begin anew. Asked for in
 * their order, what comes next is found at once; else the planner hopes to meet one early and reads the whole log.
 */
export async function listDueChains(
  tx: SystemTransaction,
  signedBefore: Date,
  limit: number,
): Promise<string[]> {
  await realignAfterRestore(tx)
  const rows = await tx.query(sql<{ workspaceId: string }>`
    select w.id as workspace_id from workspaces w left join audit_heads h on h.workspace_id = w.id
    where exists (select 1 from (
        select 1 from audit_log a
        where a.workspace_id = w.id and (a.xid, a.id) > (coalesce(h.xid, '0'::xid8), coalesce(h.audit_id, ''))
          and a.xid < pg_snapshot_xmin(pg_current_snapshot())
        order by a.xid, a.id limit 1) as next)
      or (h.signed_seq < h.seq and (h.signed_at is null or h.signed_at <= ${signedBefore}))
    order by w.id limit ${limit}`)
  return rows.map((row) => row.workspaceId)
}

async function realignAfterRestore(tx: SystemTransaction): Promise<void> {
  const ahead = await tx.find(sql<{ found: boolean }>`
    select exists (
        select 1 from workspaces w cross join lateral (
          select a.xid from audit_log a where a.workspace_id = w.id order by a.xid desc limit 1) as newest
        where newest.xid > pg_snapshot_xmax(pg_current_snapshot()))
      or exists (select 1 from audit_heads where xid > pg_snapshot_xmax(pg_current_snapshot())) as found`)
  if (!ahead?.found) return
  await tx.execute(sql`update audit_log set xid = '0'`)
  await tx.execute(sql`update audit_heads set xid = '0', audit_id = ''`)
}

/** Locks the head of a chain, and begins the chain where there is none: two processes never link at once. */
export async function lockHead(tx: SystemTransaction, workspaceId: string): Promise<ChainHead> {
  await tx.execute(sql`
    insert into audit_heads (workspace_id, chain_hash) values (${workspaceId}, ${GENESIS}) on conflict do nothing`)
  const head = await tx.find(sql<ChainHead>`
    select workspace_id, seq, chain_hash, xid::text as xid, audit_id, signed_seq, signed_at
    from audit_heads where workspace_id = ${workspaceId} for update`)
  if (!head) throw new Error('The head of the audit chain is gone.')
  return head
}

/** Committed entries after the head, in the order of their commit; those that a restore brought with a link are passed. */
export async function listUnlinked(
  tx: SystemTransaction,
  head: ChainHead,
  limit: number,
): Promise<UnlinkedEntry[]> {
  return tx.query(sql<UnlinkedEntry>`
    select a.xid::text as xid, a.workspace_id, a.id, a.occurred_at, a.principal_id, a.principal_kind, a.action,
      a.subject_id, a.detail, a.request_id
    from audit_log a
    where a.workspace_id = ${head.workspaceId} and (a.xid, a.id) > (${head.xid}::xid8, ${head.auditId})
      and a.xid < pg_snapshot_xmin(pg_current_snapshot())
      and not exists (select 1 from audit_links l where l.audit_id = a.id)
    order by a.xid, a.id limit ${limit}`)
}

export async function insertLinks(
  tx: SystemTransaction,
  workspaceId: string,
  links: readonly Link[],
): Promise<void> {
  const rows = links.map((link) => ({
    seq: link.seq,
    audit: link.auditId,
    entry: link.entryHash.toString('hex'),
    chain: link.chainHash.toString('hex'),
  }))
  await tx.execute(sql`
    insert into audit_links (workspace_id, seq, audit_id, entry_hash, chain_hash)
    select ${workspaceId}, seq, audit, decode(entry, 'hex'), decode(chain, 'hex')
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(seq bigint, audit text, entry text, chain text)`)
}

export async function saveHead(tx: SystemTransaction, head: ChainHead): Promise<void> {
  await tx.execute(sql`
    update audit_heads set seq = ${head.seq}, chain_hash = ${head.chainHash}, xid = ${head.xid}::xid8,
      audit_id = ${head.auditId}, signed_seq = ${head.signedSeq}, signed_at = ${head.signedAt}
    where workspace_id = ${head.workspaceId}`)
}

export async function insertCheckpoint(
  tx: SystemTransaction,
  { workspaceId, seq, chainHash, signedAt, keyId, signature }: Checkpoint,
): Promise<void> {
  await tx.execute(sql`
    insert into audit_checkpoints (workspace_id, seq, chain_hash, signed_at, key_id, signature)
    values (${workspaceId}, ${seq}, ${chainHash}, ${signedAt}, ${keyId}, ${signature})`)
}

/** The chain from `afterSeq` on, as it stands in the database, with the entries that it speaks of. */
export async function* streamChain(
  tx: Queries,
  workspaceId: string,
  afterSeq: number,
  batchSize: number,
): AsyncIterable<LinkedEntry[]> {
  const statement = sql<Link & Partial<ProvedEntry>>`
    select l.seq, l.audit_id, l.entry_hash, l.chain_hash, a.workspace_id, a.id, a.occurred_at, a.principal_id,
      a.principal_kind, a.action, a.subject_id, a.detail, a.request_id
    from audit_links l left join audit_log a on a.id = l.audit_id
    where l.workspace_id = ${workspaceId} and l.seq > ${afterSeq} order by l.seq`
  for await (const rows of tx.stream(statement, batchSize)) {
    yield rows.map(({ seq, auditId, entryHash, chainHash, id, ...rest }) => ({
      seq,
      auditId,
      entryHash,
      chainHash,
      entry: id === null || id === undefined ? null : ({ id, ...rest } as ProvedEntry),
    }))
  }
}

/** A removal of old entries by their rule, which the chain itself tells of. */
export interface Trimming {
  throughSeq: number
  at: Date
}

/** The removals that reach furthest, as entries of the log tell. */
export function listTrimmings(tx: Queries, workspaceId: string): Promise<Trimming[]> {
  return tx.query(sql<Trimming>`
    select (detail ->> 'throughSeq')::bigint as through_seq, occurred_at as at from audit_log
    where workspace_id = ${workspaceId} and action = ${TRIMMED} and principal_kind = 'system'
      and jsonb_typeof(detail -> 'throughSeq') = 'number'
    order by through_seq desc limit 100`)
}

/** Signed heads in ascending order, at most `limit`. */
export async function listCheckpoints(
  tx: Queries,
  workspaceId: string,
  afterSeq: number,
  limit: number,
): Promise<Checkpoint[]> {
  return tx.query(sql<Checkpoint>`
    select workspace_id, seq, chain_hash, signed_at, key_id, signature from audit_checkpoints
    where workspace_id = ${workspaceId} and seq > ${afterSeq} order by seq limit ${limit}`)
}

/** The same in descending order, from the newest or from before a position. */
export async function listNewestCheckpoints(
  tx: Queries,
  workspaceId: string,
  beforeSeq: number | null,
  limit: number,
): Promise<Checkpoint[]> {
  return tx.query(sql<Checkpoint>`
    select workspace_id, seq, chain_hash, signed_at, key_id, signature from audit_checkpoints
    where workspace_id = ${workspaceId} and (${beforeSeq}::bigint is null or seq < ${beforeSeq})
    order by seq desc limit ${limit}`)
}

/** How many entries wait for a link, and since when the oldest does. */
export async function countUnlinked(
  tx: Queries,
  workspaceId: string,
): Promise<{ entries: number; oldestAt: Date | null }> {
  const row = await tx.find(sql<{ entries: number; oldestAt: Date | null }>`
    select count(*)::int as entries, min(behind.occurred_at) as oldest_at from (
        select xid, audit_id from audit_heads where workspace_id = ${workspaceId}
        union all select '0'::xid8, '' order by xid desc limit 1) as head
      cross join lateral (
        select a.xid, a.id from audit_log a
        where a.workspace_id = ${workspaceId} and (a.xid, a.id) > (head.xid, head.audit_id)
        order by a.xid, a.id limit 1) as first
      cross join lateral (
        select a.id, a.occurred_at from audit_log a
        where a.workspace_id = ${workspaceId} and (a.xid, a.id) >= (first.xid, first.id) offset 0) as behind
    where not exists (select 1 from audit_links l where l.audit_id = behind.id)`)
  return row ?? { entries: 0, oldestAt: null }
}
