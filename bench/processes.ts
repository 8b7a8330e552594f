import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const SANDBOX = fileURLToPath(new URL('../src/sandbox/main.ts', import.meta.url))

/** A CRM account in a process of its own. */
export interface SandboxProcess {
  url: string
  token: string
  pid: number
  /** Kills it at once. */
  kill(): Promise<void>
  stop(): Promise<void>
}

/** Starts a sandbox without rate limits; with a state file it is after a kill what it was. */
export async function startSandbox(
  options: { port?: number; stateFile?: string; vendor?: string } = {},
): Promise<SandboxProcess> {
  const state = options.stateFile === undefined ? [] : ['--state', options.stateFile]
  const vendor = options.vendor === undefined ? [] : ['--vendor', options.vendor]
  const args = ['--no-limits', '--port', String(options.port ?? 0), ...vendor, ...state]
  const child = spawn(process.execPath, [SANDBOX, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const [url, token] = await new Promise<[string, string]>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const match = /^ready (\S+) (\S+)/.exec(line)
      if (match) resolve([match[1]!, match[2]!])
    })
    child.once('exit', (code) => reject(new Error(`the sandbox ended with ${code}`)))
  })
  return {
    url,
    token,
    pid: child.pid!,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The process and all that it has started, and they, and so on. */
async function processTree(pid: number): Promise<number[]> {
  const parents = new Map<number, number>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readOrNull(`/proc/${name}/stat`)
    const parent = stat === null ? undefined : stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  const tree = [pid]
  for (const member of tree) {
    for (const [child, parent] of parents) if (parent === member) tree.push(child)
  }
  return tree
}

/**
 * What the processes that a process has started hold of memory, in bytes: pages that several of them share, such as the
 * buffers of a database, count once in all (PSS). Linux only.
 */
export async function offspringBytes(pid: number): Promise<number> {
  let sum = 0
  for (const member of (await processTree(pid)).slice(1)) {
    sum += kibibytes(await readOrNull(`/proc/${member}/smaps_rollup`), 'Pss') * 1024
  }
  return sum
}

/** What one process holds of memory, in bytes, as if it shared nothing (RSS). Linux only. */
export async function residentBytes(pid: number): Promise<number> {
  return kibibytes(await readOrNull(`/proc/${pid}/status`), 'VmRSS') * 1024
}

function kibibytes(text: string | null, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text ?? '')
  return match ? Number(match[1]) : 0
}

/** Null when the process is gone. */
async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (
      error instanceof Error &&
      'code' in error &&
      ['ENOENT', 'ESRCH'].includes(String(error.code))
    )
      return null
    throw error
  }
}
