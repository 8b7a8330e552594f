import { sql } from 'kysely'
import { Client } from 'pg'
import { inject } from 'vitest'
import { newId } from '#core/id.ts'
import { silentLog } from '#core/log.ts'
import { openStore, type StoreOptions } from '#store/connect.ts'
import type { Queries, Store } from '#store/store.ts'
import { withDatabase } from '#tests/database.ts'

/** The store on the database of this run. */
export function openTestStore(options: Partial<StoreOptions> = {}): Promise<Store> {
  const given = { connectionString: inject('databaseUrl'), keyFile: inject('keyFile') }
  return openStore({ ...given, log: silentLog, poolSize: 5, ...options })
}

/** A new workspace's id, with keys. */
export async function freshWorkspaceId(store: Store): Promise<string> {
  const workspaceId = newId('wsp')
  await store.system((tx) => store.createKeys(tx, workspaceId))
  return workspaceId
}

export interface TestDatabase {
  connectionString: string
  drop(): Promise<void>
}

/** An empty database of its own on the server of this run; `drop` removes it. */
export function createDatabase(): Promise<TestDatabase> {
  return makeDatabase('')
}

/** The same with all tables; for tests of what sees every workspace. */
export function copyDatabase(): Promise<TestDatabase> {
  return makeDatabase(`template ${inject('templateDatabase')}`)
}

async function makeDatabase(options: string): Promise<TestDatabase> {
  const name = `throughline_own_${newId('run').slice(4)}`
  await runOnServer(`create database ${name} ${options}`)
  return {
    connectionString: withDatabase(inject('serverUrl'), name),
    drop: () => runOnServer(`drop database if exists ${name} with (force)`),
  }
}

/** One statement as the owner of the server. */
export async function runOnServer(
  statement: string,
  connectionString = inject('serverUrl'),
): Promise<void> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** Rows of a table that work within a transaction reads, one after the other or by an index. */
export async function rowsRead(
  tx: Queries,
  table: string,
  work: () => Promise<unknown>,
): Promise<number> {
  const read = sql<{ rows: number }>`
    select seq_tup_read + coalesce(idx_tup_fetch, 0) as rows from pg_stat_xact_user_tables where relname = ${table}`
  const before = await tx.find(read)
  await work()
  return (await tx.find(read))!.rows - before!.rows
}
