import { randomBytes } from 'node:crypto'
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { findStartTime } from '#store/embedded/processes.ts'
import { isErrno } from '#store/key-file.ts'

/** Holds the data folder for this process. */
export interface OwnerLock {
  release(): Promise<void>
}

const HEARTBEAT_MS = 5000
/** An owner on another host (or in another container on the same volume) shows itself by the file's time alone. */
const FOREIGN_STALE_MS = 20_000
const SETTLE_MS = 50

/**
 * Takes the lock file, or answers null when a living process holds it.
 *
 * The file holds a nonce, host, process id and the process's start time, since ids are used again. Of a dead owner the lock is
 * taken over at once; an owner on another host counts as dead when its heartbeat is older than 20 s.
 */
export async function takeOwnerLock(path: string): Promise<OwnerLock | null> {
  const nonce = randomBytes(8).toString('hex') // two askers of one process must not take each other's lock for their own
  const mine = `${nonce} ${hostname()} ${process.pid} ${await findStartTime(process.pid)}`
  for (;;) {
    if (await createFile(path, mine)) {
      await sleep(SETTLE_MS) // somebody who saw the dead owner's lock may have moved ours aside: see discard()
      if ((await readOrNull(path)) === mine) return hold(path, mine)
      continue
    }
    const theirs = await readOrNull(path)
    if (theirs === null) continue
    if (await isAlive(path, theirs)) return null
    await discard(path, theirs)
  }
}

/** Creates the file with its content in one step, so that nobody reads half of it. False when there is one. */
async function createFile(path: string, content: string): Promise<boolean> {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, content, { mode: 0o600 })
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false
    throw error
  } finally {
    await rm(draft, { force: true })
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

async function isAlive(path: string, content: string): Promise<boolean> {
  const [, host, pid, ...startTime] = content.split(' ')
  if (host === hostname()) return (await findStartTime(Number(pid))) === startTime.join(' ')
  try {
    return Date.now() - (await stat(path)).mtimeMs < FOREIGN_STALE_MS
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

/** Moves a dead owner's lock aside. When a new owner was quicker, its lock is put back. */
async function discard(path: string, expected: string): Promise<void> {
  const aside = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    await rename(path, aside)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return // somebody else did it
    throw error
  }
  try {
    if ((await readFile(aside, 'utf8')) !== expected) await link(aside, path)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  } finally {
    await rm(aside, { force: true })
  }
}

function hold(path: string, mine: string): OwnerLock {
  const beat = setInterval(() => {
    const now = new Date()
    void utimes(path, now, now).catch(() => createFile(path, mine)) // somebody tidied it away: put it back
  }, HEARTBEAT_MS)
  beat.unref()
  return {
    async release() {
      clearInterval(beat)
      if ((await readOrNull(path)) === mine) await rm(path, { force: true })
    },
  }
}
