// How long a backup and a restore of a database of some size take, and whether memory stays flat meanwhile; beside pg_dump and
// pg_restore where they are installed and not older than the server. Linux. Flag: --gib 1.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { Client } from 'pg'
import { createWorkspace } from '#access/bootstrap.ts'
import { seedWorkspace, startApp } from '#app.ts'
import { figure, report } from '#bench/figures.ts'
import { restoreBackup } from '#cli/backup.ts'
import { loadConfig } from '#config.ts'
import { silentLog } from '#core/log.ts'
import { writeBackup } from '#store/backup/write.ts'

const GIB = 2 ** 30
const MIB = 2 ** 20
const PEOPLE = 50_000
const TOUCHES_EACH = 8
const SECRET = { passphrase: 'a passphrase of the benchmark' }
const run = promisify(execFile)

const { values: flags } = parseArgs({ options: { gib: { type: 'string', default: '1' } } })
const folder = await mkdtemp(join(tmpdir(), 'throughline-backup-'))
const app = await startApp(loadConfig({}, { dataDir: folder, runJobs: false }), {
  listen: false,
  log: silentLog,
})
const { connectionString } = app.store
const client = new Client({ connectionString })
await client.connect()
try {
  const bytes = await fill(Number(flags.gib) * GIB)
  const file = join(folder, 'hub.backup')
  const backup = await measured(() => writeBackup(connectionString, file, SECRET))
  const fileBytes = (await stat(file)).size
  await client.query('create database restored')
  const restore = await measured(() =>
    restoreBackup(connectionOf('restored'), file, SECRET, silentLog),
  )
  await client.query('drop database restored with (force)')
  const beside = await measureDump()
  process.stdout.write(`${backup.value.rows} rows; ${beside.note}\n`)
  report('backup', [
    figure('database', bytes / GIB, 'GiB'),
    figure('backup', backup.ms / 1000, 's'),
    figure('file', fileBytes / MIB, 'MiB'),
    figure('memory of the backup at its most, first half', backup.peaks[0] / MIB, 'MiB'),
    figure('memory of the backup at its most, second half', backup.peaks[1] / MIB, 'MiB'),
    figure('restore, each row compared', restore.ms / 1000, 's'),
    figure('memory of the restore at its most, first half', restore.peaks[0] / MIB, 'MiB'),
    figure('memory of the restore at its most, second half', restore.peaks[1] / MIB, 'MiB'),
    ...beside.figures,
  ])
} finally {
  await client.end()
  await app.stop()
  await rm(folder, { recursive: true, force: true })
}

/** People with sealed-looking values and what they did, until the database is so large. @returns its size. */
async function fill(wanted: number): Promise<number> {
  const settings = { name: 'Bench', currency: 'EUR', timeZone: 'UTC' }
  const workspaceId = await createWorkspace(app.store, settings, new Date(), seedWorkspace)
  for (let part = 0; ; part += 1) {
    const { rows } = await client.query<{ bytes: string }>(
      'select pg_database_size(current_database()) as bytes',
    )
    const bytes = Number(rows[0]!.bytes)
    if (bytes >= wanted) return bytes
    // Hash after hash does not compress, as sealed values do not.
    await client.query(
      `insert into people (id, workspace_id, identified, personal, created_at, updated_at)
       select 'per_' || md5($2 || ' ' || i), $1, true,
         sha512((i || 'a')::bytea) || sha512((i || 'b')::bytea) || sha512((i || 'c')::bytea), now(), now()
       from generate_series(1, $3::int) i`,
      [workspaceId, String(part), PEOPLE],
    )
    await client.query(
      `insert into touchpoints (id, workspace_id, person_id, kind, channel, occurred_at, received_at, source, detail)
       select 'tch_' || md5($2 || ' ' || i || ' ' || n), $1, 'per_' || md5($2 || ' ' || i), 'page_view', 'email',
         now() - n * interval '1 hour', now(), 'bench', sha512((i || 'd' || n)::bytea) || sha512((i || 'e' || n)::bytea)
       from generate_series(1, $3::int) i, generate_series(1, $4::int) n`,
      [workspaceId, String(part), PEOPLE, TOUCHES_EACH],
    )
  }
}

interface Measured<T> {
  value: T
  ms: number
  /** Resident bytes at their most, in the first and in the second half of the time. */
  peaks: [number, number]
}

async function measured<T>(work: () => Promise<T>): Promise<Measured<T>> {
  const seen: number[] = []
  const timer = setInterval(() => seen.push(process.memoryUsage.rss()), 100)
  const startedMs = performance.now()
  const value = await work()
  clearInterval(timer)
  const half = Math.ceil(seen.length / 2)
  const peaks: [number, number] = [Math.max(...seen.slice(0, half)), Math.max(...seen.slice(half))]
  return { value, ms: performance.now() - startedMs, peaks }
}

function connectionOf(database: string): string {
  return connectionString.replace(
    /^([a-z]+:\/\/[^/]*\/)[^?]*/,
    (_, start: string) => start + database,
  )
}

async function measureDump() {
  const dump = join(folder, 'hub.dump')
  try {
    const out = await measured(() =>
      run('pg_dump', ['--format=custom', '--file', dump, connectionString]),
    )
    await client.query('create database dumped')
    const back = await measured(() => run('pg_restore', ['--dbname', connectionOf('dumped'), dump]))
    const figures = [
      figure('pg_dump', out.ms / 1000, 's'),
      figure('its file', (await stat(dump)).size / MIB, 'MiB'),
      figure('pg_restore', back.ms / 1000, 's'),
    ]
    return { note: 'pg_dump and pg_restore in the same run', figures }
  } catch (error) {
    const said = (error as { stderr?: string }).stderr ?? String(error)
    return { note: `pg_dump was not compared: ${said.split('\n')[0]}`, figures: [] }
  }
}
