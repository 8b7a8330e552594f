import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { silentLog } from '#core/log.ts'
import { startEmbedded } from '#store/embedded.ts'

const ENTRY = fileURLToPath(new URL('../bin/throughline.js', import.meta.url))

/** A hub in a process of its own, so that the load does not share its event loop. */
export interface BenchHub {
  url: string
  pid: number
  dataDir: string
  environment: NodeJS.ProcessEnv
  /** Runs a command of the CLI against the same data; answers what it printed. */
  run(...args: string[]): Promise<string>
  /** Kills it at once, and it alone: an embedded database lives on. */
  kill(): Promise<void>
  /** Ends it in order; answers its exit code. */
  stop(): Promise<number | null>
}

/** Starts `serve` on a data folder (a fresh one unless given) and waits for its `ready` line. */
export async function startHub(
  options: { dataDir?: string; environment?: NodeJS.ProcessEnv } = {},
): Promise<BenchHub> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'throughline-bench-')))
  const environment = {
    ...process.env,
    THROUGHLINE_DATA_DIR: dataDir,
    THROUGHLINE_HTTP_PORT: '0',
    THROUGHLINE_LOG_LEVEL: 'error',
    THROUGHLINE_REQUIRE_APPROVALS: 'false', // nobody is there to sign
    ...options.environment,
  }
  const child = spawn(process.execPath, [ENTRY, 'serve'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = await readyUrl(child)
  return {
    url,
    pid: child.pid!,
    dataDir,
    environment,
    run: (...args) => runCommand(args, environment),
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async stop() {
      child.kill('SIGTERM')
      await ended
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
      return child.exitCode
    },
  }
}

/** Makes a key of the hub's only workspace that may do everything, as often as a benchmark wants. */
export async function createKey(hub: BenchHub): Promise<string> {
  const first = await hub.run('keys', 'create', '--name', 'setup', '--role', 'admin')
  const answer = await fetch(`${hub.url}/api/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${first}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', roles: ['admin'], rateLimitPerMinute: 1_000_000 }),
  })
  if (!answer.ok) throw new Error(`the hub made no key: ${answer.status} ${await answer.text()}`)
  const { key } = (await answer.json()) as { key: string }
  return key
}

/** Where the hub's database takes connections; its user owns the tables. */
export async function databaseUrlOf(hub: BenchHub): Promise<string> {
  const given = hub.environment['DATABASE_URL']
  if (given !== undefined && given !== '') return given
  const { connectionString } = await startEmbedded({ dataDir: hub.dataDir, log: silentLog })
  return connectionString
}

/** A database of its own on a server that exists. */
export async function createDatabase(
  server: string,
): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `throughline_bench_${process.pid}`
  const onServer = async (text: string) => {
    const client = new Client({ connectionString: server })
    await client.connect()
    await client.query(text)
    await client.end()
  }
  await onServer(`create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => onServer(`drop database ${name} with (force)`) }
}

/** Waits for the line `ready <url>` of a process. */
export async function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout! })
    lines.on('line', (line) => {
      const match = /^ready (\S+)/.exec(line)
      if (match) resolve(match[1]!)
    })
    child.once('exit', (code) =>
      reject(new Error(`the process ended with ${code} before it was ready`)),
    )
  })
}

async function runCommand(args: string[], environment: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (part: Buffer) => {
    text += part.toString()
  })
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  if (code !== 0) throw new Error(`throughline ${args.join(' ')} ended with ${code}`)
  return text.trim()
}
