import { sql, type RawBuilder } from 'kysely'
import type { Principal } from '#gateway/operation.ts'
import type { Dialect } from '#imports/dialect.ts'
import type { ColumnPlan, ImportChoices, ImportState } from '#imports/import.schema.ts'
import type { Queries, SystemTransaction, Transaction } from '#store/store.ts'

/** An import as its row is. */
export interface ImportRecord {
  id: `imp_${string}`
  workspaceId: string
  target: string
  state: ImportState | 'uploading'
  fileName: string
  sizeBytes: number
  sha256: Buffer | null
  dialect: Dialect
  columns: ColumnPlan[]
  choices: ImportChoices
  source: string
  zone: string
  /** The last record done; the counts sum to it. */
  position: number
  created: number
  updated: number
  unchanged: number
  rejected: number
  bytesRead: number
  failures: number
  error: { code: string; detail: string } | null
  createdBy: string
  startedBy: string | null
  startedByKind: Principal['kind'] | null
  createdAt: Date
  startedAt: Date | null
  endedAt: Date | null
  trimmedAt: Date | null
}

const columns: RawBuilder<unknown> = sql.raw(
  `id, workspace_id, target, state, file_name, size_bytes, sha256, dialect, columns, choices, source, zone, position, created,
  updated, unchanged, rejected, bytes_read, failures, error, created_by, started_by, started_by_kind, created_at, started_at,
  ended_at, trimmed_at`,
)

/** Notes that a file is coming in. */
export async function insertImport(
  tx: Transaction,
  record: Pick<
    ImportRecord,
    'id' | 'target' | 'fileName' | 'source' | 'zone' | 'createdBy' | 'createdAt'
  >,
): Promise<void> {
  const { id, target, fileName, source, zone, createdBy, createdAt } = record
  await tx.execute(sql`
    insert into imports (id, workspace_id, target, state, file_name, source, zone, created_by, created_at)
    values (${id}, ${tx.workspaceId}, ${target}, 'uploading', ${fileName}, ${source}, ${zone}, ${createdBy}, ${createdAt})`)
}

export async function findImport(tx: Transaction, id: string): Promise<ImportRecord | null> {
  return tx.find(sql<ImportRecord>`select ${columns} from imports where id = ${id}`)
}

/** The same, and nobody else changes it until the transaction ends. */
export async function lockImport(tx: Transaction, id: string): Promise<ImportRecord | null> {
  return tx.find(sql<ImportRecord>`select ${columns} from imports where id = ${id} for update`)
}

export async function listImports(
  tx: Transaction,
  filter: { target: string | null; state: string | null; before: string | null; limit: number },
): Promise<ImportRecord[]> {
  const { target, state, before, limit } = filter
  return tx.query(sql<ImportRecord>`
    select ${columns} from imports
    where workspace_id = ${tx.workspaceId} and state <> 'uploading'
      and (${target}::text is null or target = ${target}) and (${state}::text is null or state = ${state})
      and (${before}::text is null or id < ${before})
    order by id desc limit ${limit + 1}`)
}

/** Imports of the same bytes that are not over, newest first. */
export async function findUnfinished(tx: Transaction, sha256: Buffer): Promise<ImportRecord[]> {
  return tx.query(sql<ImportRecord>`
    select ${columns} from imports
    where workspace_id = ${tx.workspaceId} and sha256 = ${sha256} and trimmed_at is null
      and state in ('uploaded', 'queued', 'running', 'failed')
    order by id desc limit 20`)
}

/** Settles how the file is read; the upload is complete with it. */
export async function savePlan(
  tx: Transaction,
  record: Pick<ImportRecord, 'id' | 'dialect' | 'columns' | 'choices' | 'source' | 'zone'>,
): Promise<void> {
  const { id, dialect, columns, choices, source, zone } = record
  await tx.execute(sql`
    update imports set state = 'uploaded', dialect = ${JSON.stringify(dialect)}::jsonb, columns = ${JSON.stringify(columns)}::jsonb,
      choices = ${JSON.stringify(choices)}::jsonb, source = ${source}, zone = ${zone}
    where id = ${id}`)
}

export async function saveFile(
  tx: Transaction,
  id: string,
  { sizeBytes, sha256 }: { sizeBytes: number; sha256: Buffer },
): Promise<void> {
  await tx.execute(
    sql`update imports set size_bytes = ${sizeBytes}, sha256 = ${sha256} where id = ${id}`,
  )
}

export async function deleteImport(tx: Transaction, id: string): Promise<void> {
  await tx.execute(sql`delete from imports where id = ${id}`)
}

/** Lets any process begin or go on. The caller has seen that it may. */
export async function queueImport(
  tx: Transaction,
  id: string,
  starter: Pick<Principal, 'id' | 'kind'>,
): Promise<void> {
  await tx.execute(sql`
    update imports set state = 'queued', started_by = ${starter.id}, started_by_kind = ${starter.kind}, error = null, ended_at = null,
      failures = 0, run_token = null, held_until = null
    where id = ${id}`)
}

export async function cancelImport(tx: Transaction, id: string, now: Date): Promise<void> {
  await tx.execute(sql`
    update imports set state = 'cancelled', ended_at = ${now}, run_token = null, held_until = null where id = ${id}`)
}

export interface WorkspaceDefaults {
  timeZone: string
  currency: string
}

export async function getWorkspaceDefaults(tx: Transaction): Promise<WorkspaceDefaults> {
  const row = await tx.find(
    sql<WorkspaceDefaults>`select time_zone, currency from workspaces where id = ${tx.workspaceId}`,
  )
  if (row === null) throw new Error('An import of no workspace.')
  return row
}

/** Imports of all workspaces that nobody is at: queued for a while, or left by a process that died. */
export async function listAbandoned(
  tx: SystemTransaction,
): Promise<{ id: string; workspaceId: string }[]> {
  return tx.query(sql<{ id: string; workspaceId: string }>`
    select id, workspace_id from imports
    where state = 'queued' or (state = 'running' and held_until < clock_timestamp())
    order by id limit 1000`)
}

/** Removes imports that never began, unless a legal hold keeps files: see `trimImports`. @returns how many. */
export function trimBefore(
  tx: Queries,
  { uploads, unstarted }: { uploads: Date; unstarted: Date },
): Promise<number> {
  return tx.execute(sql`
    delete from imports i where ((i.state = 'uploading' and i.created_at < ${uploads})
        or (i.state = 'uploaded' and i.position = 0 and i.created_at < ${unstarted}))
      and not exists (
        select 1 from legal_holds h
        where h.workspace_id = i.workspace_id and h.target = 'kind' and h.subject = 'import_files' and h.lifted_at is null)`)
}
