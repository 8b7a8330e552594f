import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, realpath, rm, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '#core/log.ts'
import { chooseAccount } from '#store/embedded/account.ts'
import { findBinaries } from '#store/embedded/binaries.ts'
import { type OwnerLock, takeOwnerLock } from '#store/embedded/owner-lock.ts'
import {
  clearLeftovers,
  createCluster,
  PORT,
  type Site,
  startPostmaster,
  stopPostmaster,
} from '#store/embedded/postmaster.ts'
import { isErrno } from '#store/key-file.ts'

export interface EmbeddedOptions {
  /** Holds the database (`pg/`) and the owner's lock. Created when missing. */
  dataDir: string
  log: Log
  /** Further settings of the server, as words of its command line. */
  flags?: readonly string[]
}

export interface EmbeddedDatabase {
  connectionString: string
  /** True when another process owns the server: it then ends with that one. */
  attached: boolean
  /** Stops the server when this process owns it. */
  stop(): Promise<void>
}

/** A start may meet what a kill left behind; only what lasts longer than this is told to the caller. */
const START_PATIENCE_MS = 12_000
const ATTACH_PATIENCE_MS = 60_000
const MAX_RESTART_DELAY_MS = 10_000

/**
 * Runs the bundled PostgreSQL on a data folder. The first process on a folder owns the server and restarts it should it
 * die; further processes attach to it.
 *
 * First start about 1.5 s, later ones 0.1 s, after a crash 0.4 s.
 * @throws Error that says what to do when it does not start for 12 s.
 */
export async function startEmbedded({
  dataDir,
  log,
  flags = [],
}: EmbeddedOptions): Promise<EmbeddedDatabase> {
  if (process.platform === 'win32') {
    throw new Error(
      'The bundled PostgreSQL is not supported on Windows: set THROUGHLINE_DATABASE_URL to a server.',
    )
  }
  await mkdir(dataDir, { recursive: true })
  const base = await realpath(dataDir)
  const socketFolder = socketFolderOf(base)
  const connectionString = `postgresql://postgres@/postgres?host=${encodeURIComponent(socketFolder)}&port=${PORT}`
  const deadlineMs = Date.now() + ATTACH_PATIENCE_MS
  for (;;) {
    const lock = await takeOwnerLock(join(base, 'owner.lock'))
    if (lock) {
      const server = await own({ base, socketFolder, lock, log, flags })
      return { connectionString, attached: false, stop: () => server.stop() }
    }
    if (await isServing(base, socketFolder))
      return { connectionString, attached: true, stop: async () => undefined }
    if (Date.now() > deadlineMs) {
      throw new Error(
        `Another process owns the database in ${base}, but the database does not answer.`,
      )
    }
    await sleep(100) // its owner is starting it, or has just gone
  }
}

/** A Unix socket's path ends at 107 bytes, so it cannot simply lie in a data folder of any depth. */
function socketFolderOf(base: string): string {
  const hash = createHash('sha256').update(base).digest('hex').slice(0, 12)
  return join(tmpdir(), `throughline-${hash}`)
}

/** Whether the owner's server takes connections; a socket that belongs to a stranger does not count. */
async function isServing(base: string, socketFolder: string): Promise<boolean> {
  try {
    const [socket, data] = await Promise.all([stat(socketFolder), stat(join(base, 'pg'))])
    if (socket.uid !== data.uid) return false
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
  return new Promise((resolve) => {
    const probe = connect(join(socketFolder, `.s.PGSQL.${PORT}`), () => {
      probe.destroy()
      resolve(true)
    })
    probe.on('error', () => resolve(false))
  })
}

interface Ownership {
  base: string
  socketFolder: string
  lock: OwnerLock
  log: Log
  flags: readonly string[]
}

async function own({ base, socketFolder, lock, log, flags }: Ownership): Promise<Server> {
  try {
    const native = await findBinaries()
    const folder = join(base, 'pg')
    const account = await chooseAccount(native, folder)
    const site: Site = { native, account, folder, socketFolder, flags, log }
    await createCluster(site)
    const server = new Server(site, lock)
    await server.start()
    return server
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** The server that this process owns: started with patience, restarted when it dies, stopped in order. */
class Server {
  readonly #site: Site
  readonly #lock: OwnerLock
  readonly #stopping = new AbortController()
  #child: ChildProcess | null = null
  #restarts: Promise<void> = Promise.resolve()

  constructor(site: Site, lock: OwnerLock) {
    this.#site = site
    this.#lock = lock
  }

  async start(): Promise<void> {
    const deadlineMs = Date.now() + START_PATIENCE_MS
    for (let delayMs = 100; ; delayMs *= 2) {
      try {
        await this.#launch()
        return
      } catch (cause) {
        if (Date.now() + delayMs > deadlineMs) {
          const reason = cause instanceof Error ? cause.message : 'unknown reason'
          throw new Error(
            `The bundled PostgreSQL does not start in ${this.#site.folder}. ${reason}`,
            { cause },
          )
        }
        this.#site.log.warn({ error: cause }, 'the database did not start and is tried again')
        await sleep(delayMs)
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#restarts
    if (this.#child) await stopPostmaster(this.#child, this.#site.log)
    await rm(this.#site.socketFolder, { recursive: true, force: true })
    await this.#lock.release()
  }

  async #launch(): Promise<void> {
    await clearLeftovers(this.#site)
    const child = await startPostmaster(this.#site)
    this.#child = child
    const onExit = () => {
      this.#restarts = this.#restarts.then(() => this.#restart())
    }
    if (child.exitCode !== null || child.signalCode !== null) onExit()
    else child.once('exit', onExit)
  }

  /**
   * Starts the server again, for as long as this process lives: a full disk or a lack of memory may pass, and the hub
   * then recovers without a hand. The tries come at most every 10 s.
   */
  async #restart(): Promise<void> {
    if (this.#stopping.signal.aborted) return
    this.#site.log.error(
      { code: this.#child?.exitCode, signal: this.#child?.signalCode },
      'the database died',
    )
    for (
      let delayMs = 100;
      !this.#stopping.signal.aborted;
      delayMs = Math.min(delayMs * 2, MAX_RESTART_DELAY_MS)
    ) {
      try {
        await this.#launch()
        this.#site.log.info('the database is back')
        return
      } catch (error) {
        this.#site.log.error({ error, retryInMs: delayMs }, 'the database does not start')
        await sleep(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      }
    }
  }
}
