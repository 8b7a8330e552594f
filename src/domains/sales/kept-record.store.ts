import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { FieldValue, RecordLink } from '#sync/entity.ts'

/** The tables of records that the hub keeps as CRMs have them, without computing with their fields. */
export type KeptTable = 'accounts' | 'activities'

export interface KeptRecord {
  id: string
  values: Record<string, FieldValue>
  references: Record<string, RecordLink>
  links: Record<string, RecordLink[]>
  deletedAt: Date | null
  createdAt: Date
  updatedAt: Date
}

type Detail = Pick<KeptRecord, 'values' | 'references' | 'links'>

const context = (table: KeptTable, id: string) => `${table}.detail:${id}`

/** These records, deleted ones too; locked until the transaction ends unless only read. */
export async function findKept(
  tx: Transaction,
  table: KeptTable,
  ids: readonly string[],
  use: 'change' | 'read' = 'change',
): Promise<KeptRecord[]> {
  if (ids.length === 0) return []
  const rows = await tx.query(sql<Omit<KeptRecord, keyof Detail> & { detail: Buffer }>`
    select id, detail, deleted_at, created_at, updated_at from ${sql.table(table)}
    where id = any(${[...ids]}::text[]) order by id
    ${use === 'change' ? sql`for no key update` : sql``}`)
  return rows.map(({ detail, ...row }) => ({
    ...row,
    ...tx.sealer.open<Detail>(detail, context(table, row.id)),
  }))
}

export async function listKeptIds(
  tx: Transaction,
  table: KeptTable,
  afterId: string | null,
  limit: number,
): Promise<string[]> {
  const rows = await tx.query(sql<{ id: string }>`
    select id from ${sql.table(table)}
    where workspace_id = ${tx.workspaceId} and deleted_at is null and id > ${afterId ?? ''}
    order by id limit ${limit}`)
  return rows.map((row) => row.id)
}

/** Adds records or replaces them. One statement. */
export async function saveKept(
  tx: Transaction,
  table: KeptTable,
  records: readonly KeptRecord[],
): Promise<void> {
  if (records.length === 0) return
  const rows = records.map(({ values, references, links, ...row }) => ({
    ...row,
    detail: `\\x${tx.sealer.seal({ values, references, links }, context(table, row.id)).toString('hex')}`,
  }))
  await tx.execute(sql`
    insert into ${sql.table(table)} as known (id, workspace_id, detail, deleted_at, created_at, updated_at)
    select r.id, ${tx.workspaceId}, r.detail, r."deletedAt", r."createdAt", r."updatedAt"
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r(id text, detail bytea, "deletedAt" timestamptz, "createdAt" timestamptz, "updatedAt" timestamptz)
    on conflict (id) do update
    set detail = excluded.detail, deleted_at = excluded.deleted_at, updated_at = excluded.updated_at,
      version = known.version + 1`)
}

/** By lead or opportunity: its account. */
export async function findAccountsOf(
  tx: Transaction,
  recordIds: readonly string[],
): Promise<Map<string, string>> {
  if (recordIds.length === 0) return new Map()
  const rows = await tx.query(sql<{ recordId: string; accountId: string }>`
    select record_id, account_id from account_records
    where workspace_id = ${tx.workspaceId} and record_id = any(${[...recordIds]}::text[])`)
  return new Map(rows.map((row) => [row.recordId, row.accountId]))
}

/** Sets the accounts of records, null for none. Two statements. */
export async function saveAccountsOf(
  tx: Transaction,
  accounts: ReadonlyMap<string, string | null>,
): Promise<void> {
  if (accounts.size === 0) return
  const rows = [...accounts].map(([recordId, accountId]) => ({ recordId, accountId }))
  const recordset = sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r("recordId" text, "accountId" text)`
  await tx.execute(sql`
    delete from account_records a using ${recordset}
    where a.workspace_id = ${tx.workspaceId} and a.record_id = r."recordId" and r."accountId" is null`)
  await tx.execute(sql`
    insert into account_records (workspace_id, record_id, account_id)
    select ${tx.workspaceId}, r."recordId", r."accountId" from ${recordset} where r."accountId" is not null
    on conflict (workspace_id, record_id) do update set account_id = excluded.account_id`)
}
