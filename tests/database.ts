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
    /** A database of this run, migrated. Tests keep apart by a workspace each; engines, which see all of them, by a database. */
    databaseUrl: string
    /** A migrated database that nobody uses, to make others from. */
    templateDatabase: string
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

/** Vitest's global set-up: databases for the run, on the server named by THROUGHLINE_TEST_DATABASE_URL or an embedded one. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-test-'))
  const given = process.env['THROUGHLINE_TEST_DATABASE_URL']
  // Durability is tested by the launcher's own tests with its own servers; here it would only cost time.
  const flags = ['fsync=off', 'full_page_writes=off', 'max_connections=200'].flatMap((set) => [
    '-c',
    set,
  ])
  const server = given
    ? null
    : await startEmbedded({ dataDir: join(folder, 'data'), log: silentLog, flags })
  const serverUrl = given ?? server?.connectionString ?? ''
  const name = `throughline_test_${process.pid}_${Date.now()}`
  const template = `${name}_template`
  await onServer(serverUrl, `create database ${template}`)
  await prepare(withDatabase(serverUrl, template))
  await onServer(serverUrl, `create database ${name} template ${template}`)
  project.provide('databaseUrl', withDatabase(serverUrl, name))
  project.provide('templateDatabase', template)
  project.provide('serverUrl', serverUrl)
  project.provide('keyFile', join(folder, 'keys.json'))
  return async () => {
    if (given) {
      await onServer(serverUrl, `drop database if exists ${name} with (force)`)
      await onServer(serverUrl, `drop database if exists ${template} with (force)`)
    }
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Makes all tables, the job queue's too, so that the copies have them. */
async function prepare(connectionString: string): Promise<void> {
  await migrate({ connectionString, folder: migrationsFolder, log: silentLog })
  const queue = new PgBoss({ connectionString, supervise: false, schedule: false })
  await queue.start()
  await queue.stop({ graceful: false })
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
