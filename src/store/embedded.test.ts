import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLog } from '#core/log.ts'
import { startEmbedded } from '#store/embedded.ts'
import { takeOwnerLock } from '#store/embedded/owner-lock.ts'
import { listDatabaseProcesses } from '#store/embedded/processes.ts'

const WRITER = fileURLToPath(import.meta.resolve('#tests/embedded-writer.ts'))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-embedded-'))
  await chmod(folder, 0o755) // as root the database then runs as another user; under a private folder in a namespace
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A writer process, with all that it said so far. */
class Writer {
  readonly lines: string[] = []
  readonly child: ChildProcess
  readonly exited: Promise<unknown>
  #watchers: (() => void)[] = []

  constructor(dataDir: string, mode: 'write' | 'hold' = 'write') {
    this.child = spawn(process.execPath, [WRITER, dataDir, mode], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    this.exited = new Promise((resolve) => this.child.once('exit', resolve))
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      this.lines.push(line)
      for (const watch of this.#watchers) watch()
    })
  }

  get acknowledged(): string[] {
    return this.lines.filter((line) => line.startsWith('ack ')).map((line) => line.slice(4))
  }

  /** Resolves once `count` lines beyond `from` begin with the word. */
  async said(word: string, count = 1, from = 0): Promise<void> {
    const enough = () =>
      this.lines.slice(from).filter((line) => line.startsWith(word)).length >= count
    while (!enough()) await new Promise<void>((resolve) => this.#watchers.push(resolve))
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.exited
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM')
    await this.exited
  }
}

const postmasterOf = async (dataDir: string) =>
  Number.parseInt(await readFile(join(dataDir, 'pg', 'postmaster.pid'), 'utf8'), 10)

async function readIds(connectionString: string): Promise<Set<string>> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    const { rows } = await client.query<{ id: string }>('select id from acknowledged')
    return new Set(rows.map((row) => row.id))
  } finally {
    await client.end()
  }
}

describe('nothing acknowledged is lost and the next start succeeds', () => {
  const ROUNDS = 2
  const killings: Record<string, (writer: Writer, dataDir: string) => Promise<void>> = {
    'when only the hub is killed, which leaves the database as an orphan': (writer) =>
      writer.kill(),
    'when the database and then the hub are killed': async (writer, dataDir) => {
      process.kill(await postmasterOf(dataDir), 'SIGKILL')
      await writer.kill()
    },
    'when the hub and then the database are killed': async (writer, dataDir) => {
      const postmaster = await postmasterOf(dataDir)
      await writer.kill()
      process.kill(postmaster, 'SIGKILL')
    },
  }
  for (const [name, killAll] of Object.entries(killings)) {
    test(name, async () => {
      const dataDir = join(folder, name.replaceAll(/\W/g, '-'))
      const acknowledged: string[] = []
      for (let round = 0; round < ROUNDS; round++) {
        const writer = new Writer(dataDir)
        await writer.said('ack ', 30 + round * 20)
        await killAll(writer, dataDir)
        acknowledged.push(...writer.acknowledged)
      }
      const database = await startEmbedded({ dataDir, log: silentLog })
      expect(database.attached).toBe(false)
      const kept = await readIds(database.connectionString)
      expect(acknowledged.filter((id) => !kept.has(id))).toEqual([])
      await database.stop()
      expect(await listDatabaseProcesses(join(dataDir, 'pg'), null)).toEqual([])
    })
  }

  test('when only the database is killed: the hub stays up and has it back', async () => {
    const dataDir = join(folder, 'database-only')
    await mkdir(dataDir, { mode: 0o700 })
    const writer = new Writer(dataDir)
    await writer.said('ack ', 20)
    for (let round = 0; round < ROUNDS; round++) {
      const from = writer.lines.length
      process.kill(await postmasterOf(dataDir), 'SIGKILL')
      await writer.said('lost', 1, from)
      const lost = writer.lines.length
      await writer.said('ack ', 20, lost)
    }
    await writer.stop()
    const database = await startEmbedded({ dataDir, log: silentLog })
    const kept = await readIds(database.connectionString)
    expect(writer.acknowledged.filter((id) => !kept.has(id))).toEqual([])
    await database.stop()
  })
})

test('a start that is killed half-way through is made good by the next one', async () => {
  const dataDir = join(folder, 'half')
  for (const afterMs of [0, 60, 250]) {
    const writer = new Writer(dataDir, 'hold')
    while (!(await readdir(dataDir).catch((): string[] => [])).includes('owner.lock'))
      await new Promise(setImmediate)
    await new Promise((resolve) => setTimeout(resolve, afterMs)) // some way into initdb, wherever that is
    await writer.kill()
  }
  const database = await startEmbedded({ dataDir, log: silentLog })
  expect((await readdir(dataDir)).filter((name) => name.startsWith('pg.init.'))).toEqual([])
  await database.stop()
})

test('a second process attaches, leaves the server running, and takes over once the owner is gone', async () => {
  const dataDir = join(folder, 'shared')
  const owner = new Writer(dataDir, 'hold')
  await owner.said('ready owner')
  const second = await startEmbedded({ dataDir, log: silentLog })
  expect(second.attached).toBe(true)
  await second.stop()
  const third = new Writer(dataDir, 'hold')
  await third.said('ready attached')
  await third.stop()
  await owner.stop()
  const after = await startEmbedded({ dataDir, log: silentLog })
  expect(after.attached).toBe(false)
  await after.stop()
})

test('of processes that start at once on an empty folder one owns the server and all are served', async () => {
  const dataDir = join(folder, 'crowd')
  const crowd = Array.from({ length: 3 }, () => new Writer(dataDir, 'hold'))
  await Promise.all(crowd.map((writer) => writer.said('ready')))
  const roles = crowd.map((writer) => writer.lines[0]?.split(' ')[1])
  expect(roles.filter((role) => role === 'owner')).toHaveLength(1)
  expect(roles.filter((role) => role === 'attached')).toHaveLength(2)
  await Promise.all(crowd.map((writer) => writer.stop()))
})

test('as root it runs under a private folder too, or says what to do', async () => {
  const dataDir = join(folder, 'private')
  await mkdir(dataDir, { mode: 0o700 })
  const outcome = await startEmbedded({ dataDir, log: silentLog }).catch((error: Error) => error)
  if (outcome instanceof Error) {
    expect(outcome.message).toContain('Run as an ordinary user')
  } else {
    await outcome.stop()
    const again = await startEmbedded({ dataDir, log: silentLog }) // the folder's owner decides the second time
    await again.stop()
  }
})

test('a folder of another PostgreSQL version is refused by name, at once', async () => {
  const dataDir = join(folder, 'older')
  await mkdir(join(dataDir, 'pg'), { recursive: true })
  await writeFile(join(dataDir, 'pg', 'PG_VERSION'), '15\n')
  await expect(startEmbedded({ dataDir, log: silentLog })).rejects.toThrow('made by PostgreSQL 15')
})

describe('the owner lock', () => {
  test('goes to exactly one of many who ask at once, also when a dead owner left it', async () => {
    const path = join(folder, 'one.lock')
    await writeFile(path, `nonce ${hostname()} ${process.pid} 1`) // our pid, but another process's start
    const taken = await Promise.all(Array.from({ length: 12 }, () => takeOwnerLock(path)))
    const locks = taken.filter((lock) => lock !== null)
    expect(locks).toHaveLength(1)
    expect(await takeOwnerLock(path)).toBeNull()
    await locks[0]?.release()
    const next = await takeOwnerLock(path)
    expect(next).not.toBeNull()
    await next?.release()
  })

  test('of another host counts while its heartbeat is fresh, and not when it is old', async () => {
    const path = join(folder, 'foreign.lock')
    await writeFile(path, 'another-host 1 1')
    expect(await takeOwnerLock(path)).toBeNull()
    const old = new Date(Date.now() - 60_000)
    await utimes(path, old, old)
    const lock = await takeOwnerLock(path)
    expect(lock).not.toBeNull()
    await lock?.release()
  })
})
