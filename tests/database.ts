import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { PgBoss } from 'pg-boss'
import type { TestProject } from 'vitest/node'
import { silentLog } from '#core/log.ts'
import { startEmbedded } from '#store/embedded.ts'
import { migrate } from '#store/migrate.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The database of this run, migrated. Tests keep apart by a workspace each. */
    databaseUrl: string
    /** A migrated database without rows or connections, to copy; see `copyDatabase`. */
    templateName: string
    /** The path of this run's key file. */
    keyFile: string
    /** A user who may create databases on the same server, for tests that need one of their own. */
    serverUrl: string
  }
}

export const migrationsFolder = fileURLToPath(new URL('../migrations', import.meta.url))

/** The same connection to another database of the server. */
export function withDatabase(connectionString: string, name: string): string {
  return connectionString.replace(/^([a-z]+:\/\/[^/]*\/)[^?]*/, (_, start: string) => start + name)
}

/** Vitest's global set-up: one database for the run, on the server named by THROUGHLINE_TEST_DATABASE_URL or an embedded one. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-test-'))
  const given = process.env['THROUGHLINE_TEST_DATABASE_URL']
  // Durability is tested by the launcher's own tests with its own servers; here it would only cost time.
  const flags = ['-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'max_connections=200']
  const server = given
    ? null
    : await startEmbedded({ dataDir: join(folder, 'data'), log: silentLog, flags })
  const serverUrl = given ?? server?.connectionString ?? ''
  const name = `throughline_test_${process.pid}_${Date.now()}`
  const template = `${name}_template`
  await onServer(serverUrl, `create database ${template}`)
  const templateUrl = withDatabase(serverUrl, template)
  await migrate({ connectionString: templateUrl, folder: migrationsFolder, log: silentLog })
  await installQueue(templateUrl)
  await onServer(serverUrl, `create database ${name} template ${template}`)
  const databaseUrl = withDatabase(serverUrl, name)
  project.provide('databaseUrl', databaseUrl)
  project.provide('templateName', template)
  project.provide('serverUrl', serverUrl)
  project.provide('keyFile', join(folder, 'keys.json'))
  return async () => {
    if (given) {
      for (const made of [name, template]) {
        await onServer(serverUrl, `drop database if exists ${made} with (force)`)
      }
    }
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function onServer(connectionString: string, statement: string): Promise<void> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** A database of one's own, migrated: for a hub, whose jobs and timers work across workspaces. */
export async function copyDatabase(
  serverUrl: string,
  template: string,
): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `${template}_${randomBytes(6).toString('hex')}`
  await onServer(serverUrl, `create database ${name} template ${template}`)
  return {
    url: withDatabase(serverUrl, name),
    drop: () => onServer(serverUrl, `drop database if exists ${name} with (force)`),
  }
}

/** The job queue's tables, made once in the template instead of at every start. */
async function installQueue(connectionString: string): Promise<void> {
  const boss = new PgBoss({ connectionString, supervise: false, schedule: false })
  await boss.start()
  await boss.stop({ graceful: false, close: true })
}
