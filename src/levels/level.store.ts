import { sql } from 'kysely'
import type { CallClass, CallCount } from '#levels/level.rules.ts'
import type { SystemTransaction, Transaction } from '#store/store.ts'

export interface NotedCalls extends CallCount {
  workspaceId: string
  atMs: number
  operation: string
}

/** Adds calls to their minutes and hours; one statement a table, whatever the number of workspaces. */
export async function addCalls(tx: SystemTransaction, rows: readonly NotedCalls[]): Promise<void> {
  if (rows.length === 0) return
  const noted = JSON.stringify(rows)
  for (const [table, unit] of [
    ['call_minutes', 'minute'],
    ['call_hours', 'hour'],
  ] as const)
    await tx.execute(sql`
      insert into ${sql.table(table)} as known (workspace_id, at, operation, class, bucket, calls)
      select r."workspaceId", date_trunc(${unit}, to_timestamp(r."atMs" / 1000.0), 'UTC') as at, r.operation, r.class, r.bucket, sum(r.calls)
      from jsonb_to_recordset(${noted}::jsonb)
        as r("workspaceId" text, "atMs" bigint, operation text, class text, bucket smallint, calls integer)
      group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
      on conflict (workspace_id, at, operation, class, bucket) do update set calls = known.calls + excluded.calls`)
}

type Table = 'call_minutes' | 'call_hours'

/** The API's own calls: neither what syncs do nor whole exports, which last as long as their lists. */
const isOfApi = sql`operation not like '%.%'`

/** All calls to the API since a moment. */
export function sumCalls(tx: Transaction, table: Table, from: Date): Promise<CallCount[]> {
  return tx.query(sql<CallCount>`
    select class, bucket, sum(calls)::int as calls from ${sql.table(table)}
    where at >= ${from} and ${isOfApi} group by class, bucket`)
}

/** Names of operations that were called since a moment, in their order. */
export async function listCalled(
  tx: Transaction,
  table: Table,
  from: Date,
  limit: number,
  after: string,
): Promise<string[]> {
  const rows = await tx.query(sql<{ operation: string }>`
    select distinct operation collate "C" as operation from ${sql.table(table)}
    where at >= ${from} and operation not like 'sync.%' and operation collate "C" > ${after} order by 1 limit ${limit}`)
  return rows.map((row) => row.operation)
}

export function sumCallsOf(
  tx: Transaction,
  table: Table,
  from: Date,
  operations: readonly string[],
): Promise<(CallCount & { operation: string })[]> {
  return tx.query(sql<CallCount & { operation: string }>`
    select operation, class, bucket, sum(calls)::int as calls from ${sql.table(table)}
    where at >= ${from} and operation = any(${[...operations]}::text[]) group by operation, class, bucket`)
}

export interface WindowCounts {
  class: CallClass
  bucket: number
  calls5m: number
  calls30m: number
  calls1h: number
  calls6h: number
}

/** All calls to the API in four windows at once. */
export function sumWindows(
  tx: Transaction,
  from: Readonly<Record<'5m' | '30m' | '1h' | '6h', Date>>,
): Promise<WindowCounts[]> {
  const since = (at: Date) => sql`coalesce(sum(calls) filter (where at >= ${at}), 0)::int`
  return tx.query(sql<WindowCounts>`
    select class, bucket, ${since(from['5m'])} as calls5m, ${since(from['30m'])} as calls30m,
      ${since(from['1h'])} as calls1h, ${since(from['6h'])} as calls6h
    from call_minutes where at >= ${from['6h']} and ${isOfApi} group by class, bucket`)
}

export async function forgetCalls(
  tx: SystemTransaction,
  before: { minutes: Date; hours: Date },
): Promise<void> {
  await tx.execute(sql`delete from call_minutes where at < ${before.minutes}`)
  await tx.execute(sql`delete from call_hours where at < ${before.hours}`)
}
