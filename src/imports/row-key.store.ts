import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'

/**
 * By what a row is known again: a keyed hash of what it becomes, under its target and source. The key is the workspace's, so
 * that nobody can try guesses against what is kept.
 */
export function rowKey(
  tx: Pick<Transaction, 'sealer'>,
  target: string,
  source: string,
  raw: Record<string, unknown>,
): string {
  return tx.sealer
    .index('import.row', JSON.stringify([target, source, ordered(raw)]))
    .toString('hex')
}

/** Objects as lists of entries in the order of their names, so that the order of columns does not matter. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inner]) => [name, ordered(inner)])
}

/**
 * Claims rows for this transaction; a twin that another import is performing is waited for.
 * @param keys  each once.
 * @returns the keys that nobody had.
 */
export async function claimRows(
  tx: Transaction,
  target: string,
  keys: readonly string[],
): Promise<Set<string>> {
  const rows = await tx.query(sql<{ key: string }>`
    insert into import_rows (workspace_id, target, row_key)
    select ${tx.workspaceId}, ${target}, decode(key, 'hex') from unnest(${keys}::text[]) as key order by key
    on conflict do nothing
    returning encode(row_key, 'hex') as key`)
  return new Set(rows.map(({ key }) => key))
}

/** Gives up rows that were not taken after all, so that they can come again. */
export async function releaseRows(
  tx: Transaction,
  target: string,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return
  await tx.execute(sql`
    delete from import_rows
    where workspace_id = ${tx.workspaceId} and target = ${target}
      and row_key in (select decode(key, 'hex') from unnest(${keys}::text[]) as key)`)
}

/** Which of these rows an import took already. */
export async function findKnownRows(
  tx: Transaction,
  target: string,
  keys: readonly string[],
): Promise<Set<string>> {
  const rows = await tx.query(sql<{ key: string }>`
    select encode(row_key, 'hex') as key from import_rows
    where workspace_id = ${tx.workspaceId} and target = ${target}
      and row_key in (select decode(key, 'hex') from unnest(${keys}::text[]) as key)`)
  return new Set(rows.map(({ key }) => key))
}
