import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { Log } from '#core/log.ts'
import { ensureAppRole } from '#store/app-role.ts'

export interface Migration {
  version: number
  name: string
  sql: string
  /** SHA-256 of the file, hexadecimal. */
  checksum: string
}

export interface MigrateOptions {
  connectionString: string
  /** The folder of `NNNN_name.sql` files. */
  folder: string
  log: Log
}

/** Any number, as long as nobody else in the database locks it. */
const LOCK_KEY = 7_426_100_001
const LOCK_POLL_MS = 200
const FILE_NAME = /^(\d{4})_([a-z0-9_]+)\.sql$/

/**
 * Brings the database to the newest version of `folder`; answers the versions it applied.
 *
 * Forward only. Each file runs in one transaction together with its row in `schema_migrations`, so a crash leaves whole
 * versions. Servers that start at once take turns through an advisory lock and one of them migrates.
 * @throws Error that says what to do when a released file was edited, the database is newer than this program, or the
 *   database user lacks a right.
 */
export async function migrate({
  connectionString,
  folder,
  log,
}: MigrateOptions): Promise<number[]> {
  const migrations = await listMigrations(folder)
  const client = new Client({ connectionString, application_name: 'throughline migrate' })
  client.on('error', (error) => log.warn({ error }, 'the connection was lost while migrating'))
  await client.connect()
  try {
    await takeTurn(client, log)
    await ensureAppRole(client)
    await client.query(`
      create table if not exists schema_migrations (
        version int primary key,
        name text not null,
        checksum text not null,
        applied_at timestamptz not null default now()
      )`)
    const { rows } = await client.query<Migration>(
      'select version, name, checksum from schema_migrations',
    )
    const pending = planMigrations(migrations, rows)
    for (const migration of pending) await applyMigration(client, migration, log)
    return pending.map((migration) => migration.version)
  } finally {
    await client.end() // gives the lock back
  }
}

/** The files of the folder by version. @throws Error when a name does not fit or a version occurs twice. */
export async function listMigrations(folder: string): Promise<Migration[]> {
  const files = (await readdir(folder))
    .filter((file) => file.endsWith('.sql') && file !== 'schema.sql')
    .sort()
  const migrations = await Promise.all(
    files.map(async (file): Promise<Migration> => {
      const match = FILE_NAME.exec(file)
      if (!match) throw new Error(`migrations/${file} is not named like 0012_what_for.sql.`)
      const text = await readFile(join(folder, file), 'utf8')
      const checksum = createHash('sha256').update(text).digest('hex')
      return { version: Number(match[1]), name: match[2] ?? '', sql: text, checksum }
    }),
  )
  for (const [i, migration] of migrations.entries()) {
    if (migrations[i + 1]?.version === migration.version) {
      throw new Error(`Two migrations have the version ${migration.version}.`)
    }
  }
  return migrations
}

/**
 * What is left to apply, in order.
 * @throws Error when what was applied does not fit the files.
 */
export function planMigrations(
  files: readonly Migration[],
  applied: readonly Omit<Migration, 'sql'>[],
): Migration[] {
  const known = new Map(files.map((file) => [file.version, file]))
  for (const row of applied) {
    const file = known.get(row.version)
    if (!file) {
      throw new Error(
        `The database has version ${row.version} (${row.name}), which this program does not know. ` +
          'It was migrated by a newer release: run that one, or restore the backup from before the upgrade.',
      )
    }
    if (file.checksum !== row.checksum) {
      throw new Error(
        `Migration ${row.version} (${file.name}) was edited after it had been applied. ` +
          'Put the released file back; a change belongs in a new migration.',
      )
    }
  }
  const done = new Set(applied.map((row) => row.version))
  const newest = Math.max(-1, ...done)
  const pending = files.filter((file) => !done.has(file.version))
  const late = pending.find((file) => file.version < newest)
  if (late) {
    throw new Error(
      `Migration ${late.version} (${late.name}) comes before ${newest}, which is applied already.`,
    )
  }
  return pending
}

/** Polls rather than waits inside PostgreSQL: a waiting statement would hold a snapshot and hinder the migration itself. */
async function takeTurn(client: Client, log: Log): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { rows } = await client.query<{ locked: boolean }>(
      'select pg_try_advisory_lock($1) as locked',
      [LOCK_KEY],
    )
    if (rows[0]?.locked) return
    if (tries === 5) log.info('another process is migrating this database: waiting for it')
    await sleep(LOCK_POLL_MS)
  }
}

async function applyMigration(client: Client, migration: Migration, log: Log): Promise<void> {
  const startedAtMs = Date.now()
  await client.query('begin')
  try {
    // A table lock that is not to be had would queue all traffic behind it: rather fail and start again.
    await client.query(`set local lock_timeout = '30s'; set local statement_timeout = 0`)
    await client.query(migration.sql)
    await client.query(
      'insert into schema_migrations (version, name, checksum) values ($1, $2, $3)',
      [migration.version, migration.name, migration.checksum],
    )
    await client.query('commit')
  } catch (cause) {
    await client
      .query('rollback')
      .catch((error: unknown) => log.debug({ error }, 'rolling a migration back failed'))
    const reason = cause instanceof Error ? cause.message : 'unknown reason'
    throw new Error(
      `Migration ${migration.version} (${migration.name}) failed and changed nothing: ${reason}`,
      { cause },
    )
  }
  log.info(
    { version: migration.version, name: migration.name, durationMs: Date.now() - startedAtMs },
    'migrated',
  )
}
