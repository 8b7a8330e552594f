import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '#core/log.ts'
import { type Account, asAccount, giveTo, runQuietly } from '#store/embedded/account.ts'
import { BUNDLED_MAJOR } from '#store/embedded/binaries.ts'
import { listDatabaseProcesses } from '#store/embedded/processes.ts'
import { isErrno } from '#store/key-file.ts'

/** Where one database lives and as whom it runs. */
export interface Site {
  native: string
  account: Account
  /** The data folder, `<dataDir>/pg`. */
  folder: string
  /** The folder of the Unix socket. */
  socketFolder: string
  /** Further settings, such as `-c`, `fsync=off`. */
  flags: readonly string[]
  log: Log
}

/** Names the socket only: the database listens on no network port. */
export const PORT = 5432

const STOP_TIMEOUT_MS = 30_000
const START_TIMEOUT_MS = 60_000

/** Settings for a hub of at most 400 MB in all. synchronous_commit and fsync stay on: what was acknowledged is kept. */
const settings: Readonly<Record<string, string>> = {
  listen_addresses: '',
  max_connections: '60',
  shared_buffers: '64MB',
  effective_cache_size: '256MB',
  work_mem: '8MB',
  maintenance_work_mem: '48MB',
  max_wal_size: '512MB',
  max_wal_senders: '2',
  max_worker_processes: '4',
  max_parallel_workers: '2',
  // On a small machine a report must not take every core from the requests beside it.
  max_parallel_workers_per_gather: '0',
  autovacuum_max_workers: '2',
  // A fresh hub fills tables that have no statistics yet; without them plans go through a whole workspace for each row.
  autovacuum_naptime: '5s',
  random_page_cost: '1.1',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  // The database's log must not quote data: no statements, no details, no parameters.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
  log_checkpoints: 'off',
  // After a crash one syncfs() instead of an fsync() of each of about 1,000 files: 0.3 s instead of 3.3 s.
  ...(process.platform === 'linux' ? { recovery_init_sync_method: 'syncfs' } : {}),
}

/**
 * Creates the data folder unless it exists. initdb works in a folder beside it which is renamed at the end, so that a
 * kill leaves no half of one; initdb survives the kill of its parent, so the name beside is never used twice.
 */
export async function createCluster({ native, account, folder, log }: Site): Promise<void> {
  const version = await readOrNull(join(folder, 'PG_VERSION'))
  if (version !== null) {
    if (Number(version) === BUNDLED_MAJOR) return
    throw new Error(
      `The data folder ${folder} was made by PostgreSQL ${version.trim()}, and the bundled one is ${BUNDLED_MAJOR}. ` +
        'Export it with the release that made it, then import it here.',
    )
  }
  const parent = dirname(folder)
  const prefix = `${basename(folder)}.init.`
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix)) await rm(join(parent, name), { recursive: true, force: true })
  }
  const draft = join(parent, `${prefix}${process.pid}-${Date.now()}`)
  await mkdir(draft, { mode: 0o700 })
  await giveTo(account, draft)
  const options = [
    '--auth-local=trust',
    '--auth-host=scram-sha-256',
    '--locale-provider=builtin',
    '--locale=C.UTF-8',
  ]
  const initdb = asAccount(account, join(native, 'bin', 'initdb'), [
    '-D',
    draft,
    '-U',
    'postgres',
    '-E',
    'UTF8',
    ...options,
  ])
  const { code, errors } = await runQuietly(initdb.command, initdb.args, initdb.options)
  if (code !== 0)
    throw new Error(`PostgreSQL could not create its data folder in ${parent}: ${errors.trim()}`)
  await rename(draft, folder)
  log.info({ folder }, 'created the database')
}

/**
 * Stops what a killed hub left running in the folder and removes the marks of it. PostgreSQL itself would believe a
 * `postmaster.pid` whose process is a zombie or somebody else.
 */
export async function clearLeftovers({ folder, log }: Site): Promise<void> {
  const pidFile = join(folder, 'postmaster.pid')
  const text = await readOrNull(pidFile)
  const recordedPid = text === null ? null : Number.parseInt(text, 10)
  let alive = await listDatabaseProcesses(folder, recordedPid)
  if (recordedPid !== null && alive.includes(recordedPid)) {
    log.warn({ pid: recordedPid }, 'stopping the database that a killed hub left running')
    signal(recordedPid, 'SIGINT')
  }
  const deadlineMs = Date.now() + STOP_TIMEOUT_MS
  while (alive.length > 0 && Date.now() < deadlineMs) {
    await sleep(20)
    alive = await listDatabaseProcesses(folder, recordedPid)
  }
  if (alive.length > 0)
    throw new Error(
      `A database still runs in ${folder} (process ${alive.join(', ')}) and does not stop.`,
    )
  await rm(pidFile, { force: true })
}

/** Starts the database and resolves when it takes connections. @throws Error with the end of its log. */
export async function startPostmaster(site: Site): Promise<ChildProcess> {
  const { native, account, folder, socketFolder, flags } = site
  await rm(socketFolder, { recursive: true, force: true })
  await mkdir(socketFolder, { mode: 0o700 })
  await giveTo(account, socketFolder)
  const set = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const args = ['-D', folder, '-k', socketFolder, '-p', String(PORT), ...set, ...flags]
  const run = asAccount(account, join(native, 'bin', 'postgres'), args)
  // Detached: Ctrl-C reaches us first, and we stop the database in order.
  const child = spawn(run.command, run.args, {
    ...run.options,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  await waitUntilReady(child, site.log)
  return child
}

function waitUntilReady(child: ChildProcess, log: Log): Promise<void> {
  return new Promise((resolve, reject) => {
    let tail = ''
    const timeout = setTimeout(() => {
      child.kill('SIGQUIT')
      reject(
        new Error(
          `PostgreSQL was not ready after ${START_TIMEOUT_MS / 1000} s. Its log ends: ${tail.trim()}`,
        ),
      )
    }, START_TIMEOUT_MS)
    child.stderr?.on('data', (chunk: Buffer) => {
      const text = chunk.toString()
      tail = (tail + text).slice(-4000)
      for (const line of text.split('\n')) logLine(log, line)
      if (!tail.includes('ready to accept connections')) return
      clearTimeout(timeout)
      resolve()
    })
    child.once('error', (cause) => {
      clearTimeout(timeout)
      reject(new Error('PostgreSQL could not be started.', { cause }))
    })
    child.once('exit', (code, exitSignal) => {
      clearTimeout(timeout)
      reject(new Error(`PostgreSQL ended (${exitSignal ?? code}). Its log ends: ${tail.trim()}`))
    })
  })
}

function logLine(log: Log, line: string): void {
  if (line === '') return
  const isFarewell = line.endsWith(' due to administrator command')
  if (/ (FATAL|PANIC): /.test(line) && !isFarewell) log.warn({ line }, 'database')
  else log.debug({ line }, 'database')
}

/**
 * Stops the database in order: SIGINT ends sessions and writes a checkpoint; one that does not end in time is told to
 * quit at once, which loses nothing either, but the next start recovers.
 */
export async function stopPostmaster(child: ChildProcess, log: Log): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGINT')
  const impatience = setTimeout(() => {
    log.warn('the database did not stop in time and is told to quit')
    child.kill('SIGQUIT')
  }, STOP_TIMEOUT_MS)
  await exited
  clearTimeout(impatience)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error // it ended by itself
  }
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null
    throw error
  }
}
