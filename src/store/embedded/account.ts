import { spawn, type SpawnOptions } from 'node:child_process'
import { chown, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isErrno } from '#store/key-file.ts'

/** As whom the database runs: PostgreSQL refuses to be root. */
export interface Account {
  /** Words before the command, such as `unshare …`. */
  prefix: readonly string[]
  /** The user to become; empty to stay who we are. */
  identity: { uid?: number; gid?: number }
}

/** Inside this namespace the process is user 1000, outside it is still root and reads root's files. */
const NAMESPACE = ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--']

/**
 * Chooses the account. An ordinary user is itself. Root becomes the owner of an existing data folder, or else `postgres`
 * or `nobody` when those can reach the folder and the binaries, or else a user namespace.
 * @throws Error that says what to do when nothing of it works.
 */
export async function chooseAccount(native: string, dataFolder: string): Promise<Account> {
  const direct: Account = { prefix: [], identity: {} }
  if (process.platform === 'win32' || process.getuid?.() !== 0) return direct
  const namespaced: Account = { prefix: NAMESPACE, identity: {} }
  const owner = await findOwner(dataFolder)
  if (owner && owner.uid !== 0) return { prefix: [], identity: owner }
  if (!owner) {
    for (const user of ['postgres', 'nobody']) {
      const identity = await findUser(user)
      if (identity && (await canRun(native, dataFolder, { prefix: [], identity })))
        return { prefix: [], identity }
    }
  }
  if (await canRun(native, dataFolder, namespaced)) return namespaced
  throw new Error(
    'PostgreSQL cannot run as root, and here neither the users postgres and nobody can read the program and the data ' +
      'folder, nor are user namespaces allowed. Run as an ordinary user, move the data folder to where such a user may ' +
      'go, or set THROUGHLINE_DATABASE_URL to a PostgreSQL server.',
  )
}

/** Gives a folder to the account, so that the database may write there. */
export async function giveTo({ identity }: Account, folder: string): Promise<void> {
  if (identity.uid !== undefined && identity.gid !== undefined)
    await chown(folder, identity.uid, identity.gid)
}

/** The command line and the options that run a program as the account. */
export function asAccount(account: Account, program: string, args: readonly string[]) {
  const [command = program, ...rest] = [...account.prefix, program, ...args]
  return { command, args: rest, options: { ...account.identity, cwd: '/' } satisfies SpawnOptions }
}

async function findOwner(folder: string): Promise<{ uid: number; gid: number } | null> {
  try {
    const { uid, gid } = await stat(folder)
    return { uid, gid }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null
    throw error
  }
}

async function findUser(name: string): Promise<{ uid: number; gid: number } | null> {
  const [uid, gid] = await Promise.all([
    runQuietly('id', ['-u', name], {}),
    runQuietly('id', ['-g', name], {}),
  ])
  if (uid.code !== 0 || gid.code !== 0) return null
  return { uid: Number(uid.output), gid: Number(gid.output) }
}

/** Whether the account can run the program and walk to the data folder. */
async function canRun(native: string, dataFolder: string, account: Account): Promise<boolean> {
  const version = asAccount(account, join(native, 'bin', 'postgres'), ['--version'])
  const walk = asAccount(account, 'test', ['-x', dirname(dataFolder)])
  for (const { command, args, options } of [version, walk]) {
    if ((await runQuietly(command, args, options)).code !== 0) return false
  }
  return true
}

/** Runs a command to its end; a command that cannot be started has no exit code. */
export function runQuietly(command: string, args: readonly string[], options: SpawnOptions) {
  return new Promise<{ code: number | null; output: string; errors: string }>((resolve) => {
    let output = ''
    let errors = ''
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)))
    child.on('error', (error) => resolve({ code: null, output, errors: error.message }))
    child.on('close', (code) => resolve({ code, output, errors }))
  })
}
