// Sends leads to a CRM sandbox in a process of its own: calls, a second run that changes nothing, memory, leads a second.
// Flags: --vendor hubspot; --sizes 10000,100000 (leads, smallest first).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { figure, report, type Figure } from '#bench/figures.ts'
import { createKey, databaseUrlOf, startHub, type BenchHub } from '#bench/hub.ts'
import { callHub, leadShots, setUpSales } from '#bench/leads.ts'
import { LoadClient } from '#bench/load.ts'
import { residentBytes, startSandbox, type SandboxProcess } from '#bench/processes.ts'

const MIB = 2 ** 20
const BATCH = 500
const CALLS_BAR = 1.05
const MEMORY_BAR = 1.3
const SAMPLE_MS = 100

/** What a vendor's figures are measured by. */
interface BenchVendor {
  settings(sandbox: SandboxProcess): Record<string, unknown>
  /** The sandbox's own count of what leads become. */
  counted: string
  /** The fewest calls that a first run of all streams can do with, for so many leads. */
  fewest(leads: number): number
  /** Calls that look like writes and are none. */
  reads: RegExp
}

const vendors: Record<string, BenchVendor> = {
  hubspot: {
    settings: ({ url, token }) => ({ baseUrl: url, token }),
    counted: 'contacts',
    /*
     * A hundred in one upsert. Besides: owners, owners that left, pipelines with their stages, deals, deleted deals; and
     * once for the account: its properties, our group, ours in one batch.
     */
    fewest: (leads) => Math.ceil(leads / 100) + 8,
    reads: /\/(?:search|read)$/,
  },
  salesforce: {
    settings: ({ url, token }) => ({ baseUrl: url, accessToken: token }),
    counted: 'Lead',
    /*
     * A job of the Bulk API for ten thousand, as many as the platform itself takes at a time: create, upload, close, one
     * look, one file of results. Up to two thousand go by collections of 200. Besides: one description of all objects,
     * users, queues, stages, and a look at accounts, leads, contacts, opportunities and tasks; and once for the org: who
     * the login is, our fields, the permission set, its rights, its assignment, and the description again.
     */
    fewest: (leads) =>
      (leads > 2000 ? Math.ceil(leads / 10_000) * 5 : Math.ceil(leads / 200)) + 9 + 6,
    reads: /\/composite\/(?:batch|sobjects\/\{sObject\})$/,
  },
}

const { values: flags } = parseArgs({
  options: {
    vendor: { type: 'string', default: 'hubspot' },
    sizes: { type: 'string', default: '10000,100000' },
  },
})
const sizes = flags.sizes.split(',').map(Number)
const vendor = vendors[flags.vendor] ?? fail()

function fail(): never {
  throw new RangeError(`--vendor is one of ${Object.keys(vendors).join(', ')}`)
}

interface Run {
  id: string
  state: string
  calls: number
  counts: Record<string, Record<string, number>>
  startedAt: string
  endedAt: string
}

interface Measured {
  leads: number
  calls: number
  /** Calls of the second run that would change something. */
  writes: number
  peakBytes: number
  durationMs: number
}

async function main(): Promise<void> {
  const all: Measured[] = []
  for (const leads of sizes) all.push(await measure(leads))
  report(`sync (${flags.vendor})`, figuresOf(all))
}

/** Leads into a fresh hub, then a hub process of its own for the two runs, so that its memory is theirs alone. */
async function measure(leads: number): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-bench-'))
  const sandbox = await startSandbox({ vendor: flags.vendor })
  try {
    const key = await takeIn(leads, folder)
    const hub = await startHub({ dataDir: folder })
    try {
      return await sendTwice(hub, key, sandbox, leads)
    } finally {
      await hub.stop()
    }
  } finally {
    await sandbox.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function takeIn(leads: number, dataDir: string): Promise<string> {
  const hub = await startHub({ dataDir, environment: { THROUGHLINE_RUN_JOBS: 'false' } })
  const startMs = performance.now()
  const key = await createKey(hub)
  await setUpSales(hub.url, key)
  const client = new LoadClient(hub.url, key, 2)
  const shots = leadShots('sync', BATCH)
  const send = async () => {
    while (shots.sent() < leads) {
      const status = await client.send(shots.next())
      if (status !== 207) throw new Error(`the hub answered ${status} to leads`)
    }
  }
  await Promise.all([send(), send()])
  await client.close()
  // A new connection is due every lead there is: the events that told of them one by one would only be in the way.
  const database = new Client({ connectionString: await databaseUrlOf(hub) })
  await database.connect()
  await database.query(
    'update subscriber_positions set (xid, seq) = (select max(xid), max(seq) from outbox)',
  )
  await database.query('vacuum analyze')
  await database.end()
  await hub.stop()
  print(
    `${shots.sent()} leads taken in within ${Math.round((performance.now() - startMs) / 1000)} s`,
  )
  return key
}

async function sendTwice(
  hub: BenchHub,
  key: string,
  sandbox: SandboxProcess,
  leads: number,
): Promise<Measured> {
  const sampler = new Sampler(hub.pid)
  const connection = await callHub<{ id: string }>(hub.url, key, 'POST', '/api/v1/connections', {
    vendor: flags.vendor,
    name: 'CRM',
    settings: vendor.settings(sandbox),
  })
  const first = await run(hub, key, connection.id)
  const peakBytes = sampler.stop()
  print(
    `first run: ${first.calls} calls, ${JSON.stringify(first.counts)}; ${JSON.stringify(await calls(sandbox))}`,
  )
  const { live } = await control<{ live: number }>(sandbox, 'GET', `counts/${vendor.counted}`)
  if (live !== leads) throw new Error(`${live} of ${leads} leads are in the CRM`)
  await control(sandbox, 'DELETE', 'calls')
  const second = await run(hub, key, connection.id)
  const made = await calls(sandbox)
  print(`second run: ${second.calls} calls; ${JSON.stringify(made)}`)
  const writes = Object.entries(made).filter(([route]) => isWrite(route))
  return {
    leads,
    calls: first.calls,
    writes: writes.reduce((sum, [, count]) => sum + count, 0),
    peakBytes,
    durationMs: Date.parse(first.endedAt) - Date.parse(first.startedAt),
  }
}

/** Asks for a run, or joins the one that waits already, and sees it through. */
async function run({ url }: BenchHub, key: string, connectionId: string): Promise<Run> {
  let { id } = await callHub<Run>(url, key, 'POST', `/api/v1/connections/${connectionId}/runs`, {})
  for (;;) {
    const run = await callHub<Run>(url, key, 'GET', `/api/v1/sync/runs/${id}`)
    if (run.state === 'succeeded') return run
    if (run.state !== 'queued' && run.state !== 'running')
      throw new Error(`the run ended ${JSON.stringify(run)}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** How often each route of the CRM was called. */
async function calls(sandbox: SandboxProcess): Promise<Record<string, number>> {
  const { byRoute } = await control<{ byRoute: Record<string, { count: number }> }>(
    sandbox,
    'GET',
    'calls',
  )
  return Object.fromEntries(Object.entries(byRoute).map(([route, { count }]) => [route, count]))
}

function isWrite(route: string): boolean {
  return !route.startsWith('GET ') && !vendor.reads.test(route)
}

async function control<T>({ url }: SandboxProcess, method: string, path: string): Promise<T> {
  const answer = await fetch(`${url}/__sim/${path}`, { method })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`the sandbox answered ${answer.status} to ${path}: ${text}`)
  return (text === '' ? null : JSON.parse(text)) as T
}

/** Looks again and again at what a process holds of memory, and keeps the most. */
class Sampler {
  readonly #timer: NodeJS.Timeout
  #peakBytes = 0

  constructor(pid: number) {
    this.#timer = setInterval(() => {
      void residentBytes(pid).then((bytes) => {
        this.#peakBytes = Math.max(this.#peakBytes, bytes)
      })
    }, SAMPLE_MS)
  }

  stop(): number {
    clearInterval(this.#timer)
    return this.#peakBytes
  }
}

function figuresOf(all: readonly Measured[]): Figure[] {
  const most = all.at(-1)!
  const least = all[0]!
  const figures = all.flatMap((one) => {
    const fewest = vendor.fewest(one.leads)
    const bar = one === most ? { atMost: CALLS_BAR } : undefined
    return [
      figure(`${one.leads} leads: calls`, one.calls, ''),
      figure(
        `${one.leads} leads: calls ÷ fewest possible (${fewest})`,
        one.calls / fewest,
        '',
        bar,
      ),
      figure(`${one.leads} leads: writes of a second run`, one.writes, '', { atMost: 0 }),
      figure(`${one.leads} leads: sent`, (one.leads * 1000) / one.durationMs, '1/s'),
      figure(`${one.leads} leads: peak memory of the hub process`, one.peakBytes / MIB, 'MiB'),
    ]
  })
  if (all.length < 2) return figures
  const name = `peak memory at ${most.leads} ÷ at ${least.leads}`
  return [...figures, figure(name, most.peakBytes / least.peakBytes, '', { atMost: MEMORY_BAR })]
}

const print = (line: string) => void process.stdout.write(`${line}\n`)

await main()
