// Sends leads to a CRM sandbox in a process of its own: calls, a second run that changes nothing, memory, leads a second.
// Flags: --sizes 10000,100000 (leads, smallest first), --vendor hubspot|pipedrive|salesforce, --once (no second run).
//
// The fewest possible is what a first run cannot do without by the vendor's own limits of a call: the writes, one look at each stream,
// and what is made once for an account. Reading back what was written is a cost of its own, which nobody has who does not prove what
// arrived: it is counted apart, beside the fewest calls that can read as many records, and both together are printed as well.
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

/** What the bench needs to know of a vendor. */
interface BenchVendor {
  /** The sandbox's path of the number of live people. */
  people: string
  /** The hub's owners, as the sandbox's seed has them: who sells is known on both sides. */
  owners?: Record<string, unknown>
  /** What is counted: calls, or what calls cost where the vendor rations that. */
  unit: string
  spent: (sandbox: SandboxProcess, calls: number) => Promise<number>
  /** The least that so many leads can be sent for. */
  fewest: (leads: number) => number
  /** The least that so many written records can be read back for. */
  fewestToCheck: (leads: number) => number
  /** What a call that reads back costs; 1 where calls are counted. */
  checkPrice: number
  /** Whether `spent` has what reading back costs in it. */
  countsChecks: boolean
  /** Settings of the first run, beside the address and the token. */
  settings: (leads: number) => Record<string, unknown>
  /** What the vendor's settings call the token; `token` unless given. */
  tokenName?: string
  /** Calls that look like writes and are none. */
  reads?: RegExp
  /** A first run that ends at its share of the vendor's budget, and what lets the next one go on. */
  ration?: { share: (leads: number) => number; more: Record<string, unknown> }
}

/** Salesforce takes 200 in one call, and from 2,001 on a file of ten thousand, its own internal batch. */
const COLLECTION = 200
const FILE = 10_000
/** HubSpot takes a hundred in one call. */
const UPSERT = 100
/** And shows 2,000 by their ids. */
const RETRIEVE = 2000
/** Pipedrive takes one record a call, for five tokens, and shows a page of 500 for ten, or a hundred by their ids. */
const CREATE_TOKENS = 5
const PAGE_TOKENS = 10
const PIPEDRIVE_IDS = 100

/** Those that `setUpSales` gives the hub. */
const OWNERS = Array.from({ length: 8 }, (_, i) => ({
  id: 11 + i,
  email: `owner${i + 1}@example.com`,
}))

const VENDORS: Readonly<Record<string, BenchVendor>> = {
  hubspot: {
    people: 'counts/contacts',
    owners: { owners: OWNERS.map(({ id, email }) => ({ id: String(id), email })) },
    unit: 'calls',
    spent: async (_sandbox, calls) => calls,
    /**
     * The calls that a first run of all streams cannot do without, beside the upserts: owners, owners that left, pipelines
     * with their stages; of companies, contacts, deals and tasks the properties, the records and the deleted ones; the campaigns; and once
     * for the account our group, and our properties in one batch.
     */
    fewest: (leads) => Math.ceil(leads / UPSERT) + 18,
    fewestToCheck: (leads) => Math.ceil(leads / UPSERT),
    checkPrice: 1,
    countsChecks: false,
    settings: () => ({}),
  },
  pipedrive: {
    people: 'counts/person',
    owners: { users: OWNERS },
    unit: 'tokens',
    spent: async (sandbox) => (await control<{ spent: number }>(sandbox, 'GET', 'usage')).spent,
    /**
     * The tokens that a first run of all streams cannot do without, beside the creations: users 20, pipelines 5, stages 5;
     * organizations, persons, deals and activities 10 each, archived deals 20; our thirteen fields 10 + 65; one look for
     * persons that are there already 10; the account's name 2.
     */
    fewest: (leads) => leads * CREATE_TOKENS + 177,
    fewestToCheck: (leads) => Math.ceil(leads / PIPEDRIVE_IDS) * PAGE_TOKENS,
    checkPrice: PAGE_TOKENS,
    countsChecks: true,
    settings: (leads) => ({ dailyTokens: leads * CREATE_TOKENS, sharePercent: 50 }),
    ration: {
      share: (leads) => Math.floor((leads * CREATE_TOKENS) / 2),
      more: { dailyTokens: 100_000_000 },
    },
  },
  salesforce: {
    people: 'counts/Lead',
    unit: 'calls',
    spent: async (_sandbox, calls) => calls,
    /**
     * Five calls a file: create, upload, close, one look, the results. Besides: one description of all objects, users, queues,
     * stages, and a look at accounts, leads, contacts, opportunities and tasks; and once for the org: who the login is, our
     * fields, the permission set, its rights, its assignment, and the description again.
     */
    fewest: (leads) =>
      (leads > 2000 ? Math.ceil(leads / FILE) * 5 : Math.ceil(leads / COLLECTION)) + 9 + 6,
    fewestToCheck: (leads) => Math.ceil(leads / RETRIEVE),
    checkPrice: 1,
    countsChecks: false,
    settings: () => ({}),
    tokenName: 'accessToken',
    reads: /\/composite\/(?:batch|sobjects\/\{sObject\})$/,
  },
}

const { values: flags } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10000,100000' },
    vendor: { type: 'string', default: 'hubspot' },
    once: { type: 'boolean', default: false },
  },
})
const sizes = flags.sizes.split(',').map(Number)
const vendor = VENDORS[flags.vendor]
if (!vendor) throw new Error(`--vendor must be one of ${Object.keys(VENDORS).join(', ')}`)

interface Run {
  id: string
  state: string
  calls: number
  /** Those that reading back took, apart: its certificate says so. */
  checkCalls: number
  counts: Record<string, Record<string, number>>
  startedAt: string
  endedAt: string
}

interface Measured {
  leads: number
  /** Calls, or what they cost, without reading back. */
  spent: number
  /** The same of reading back. */
  checked: number
  /** What a rationed first run took of its share; null where nothing is rationed. */
  ofShare: number | null
  /** Calls of the second run that would change something; null: there was none. */
  writes: number | null
  peakBytes: number
  durationMs: number
}

async function main(): Promise<void> {
  const all: Measured[] = []
  for (const leads of sizes) all.push(await measure(leads))
  report('sync', figuresOf(all))
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
  const { people, owners, settings: more, tokenName = 'token' } = vendor!
  if (owners) await control(sandbox, 'POST', 'seed', owners)
  const settings = { baseUrl: sandbox.url, [tokenName]: sandbox.token, ...more(leads) }
  const sampler = new Sampler(hub.pid)
  const connection = await callHub<{ id: string }>(hub.url, key, 'POST', '/api/v1/connections', {
    vendor: flags.vendor,
    name: 'CRM',
    settings,
  })
  const rationed = vendor!.ration
    ? await runRationed(hub, key, sandbox, connection.id, leads)
    : null
  const first = await run(hub, key, connection.id)
  const peakBytes = sampler.stop()
  print(
    `first run: ${first.calls} calls and ${first.checkCalls} to read back, ${JSON.stringify(first.counts)}; ${JSON.stringify(await calls(sandbox))}`,
  )
  const { live } = await control<{ live: number }>(sandbox, 'GET', people)
  if (live !== leads) throw new Error(`${live} of ${leads} leads are in the CRM`)
  const { checkPrice, countsChecks } = vendor!
  const checked = ((rationed?.checkCalls ?? 0) + first.checkCalls) * checkPrice
  const spent = (await vendor!.spent(sandbox, first.calls)) - (countsChecks ? checked : 0)
  const facts = { leads, spent, checked, ofShare: rationed?.ofShare ?? null, peakBytes }
  const durationMs = (rationed?.durationMs ?? 0) + durationOf(first)
  if (flags.once) return { ...facts, writes: null, durationMs }
  await control(sandbox, 'DELETE', 'calls')
  const second = await run(hub, key, connection.id)
  const made = await calls(sandbox)
  print(`second run: ${second.calls} calls; ${JSON.stringify(made)}`)
  const writes = Object.entries(made).filter(([route]) => isWrite(route))
  return {
    ...facts,
    writes: writes.reduce((sum, [, count]) => sum + count, 0),
    durationMs,
  }
}

const durationOf = ({ startedAt, endedAt }: Run) => Date.parse(endedAt) - Date.parse(startedAt)

/** A run that must stop at the hub's share of the vendor's budget; then the budget is raised. */
async function runRationed(
  hub: BenchHub,
  key: string,
  sandbox: SandboxProcess,
  connectionId: string,
  leads: number,
): Promise<{ ofShare: number; durationMs: number; checkCalls: number }> {
  const { share, more } = vendor!.ration!
  const stopped = await run(hub, key, connectionId, 'partial')
  const ofShare = (await vendor!.spent(sandbox, stopped.calls)) / share(leads)
  print(`rationed run: ${stopped.calls} calls, ${ofShare} of its share`)
  const path = `/api/v1/connections/${connectionId}`
  await callHub(hub.url, key, 'PATCH', path, { settings: more })
  return { ofShare, durationMs: durationOf(stopped), checkCalls: stopped.checkCalls }
}

/** Asks for a run, or joins the one that waits already, and sees it through. */
async function run(
  { url }: BenchHub,
  key: string,
  connectionId: string,
  end: 'succeeded' | 'partial' = 'succeeded',
): Promise<Run> {
  let { id } = await callHub<Run>(url, key, 'POST', `/api/v1/connections/${connectionId}/runs`, {})
  for (;;) {
    const run = await callHub<Run>(url, key, 'GET', `/api/v1/sync/runs/${id}`)
    if (run.state === end) {
      const path = `/api/v1/sync/runs/${id}/certificate`
      const { checkCalls } = await callHub<Pick<Run, 'checkCalls'>>(url, key, 'GET', path)
      return { ...run, checkCalls }
    }
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
  const isRead = /\/(search|read)$/.test(route) || vendor?.reads?.test(route) === true
  return !route.startsWith('GET ') && !isRead
}

async function control<T>(
  { url }: SandboxProcess,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  const answer = await fetch(`${url}/__sim/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
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
    const { unit } = vendor!
    const fewest = vendor!.fewest(one.leads)
    const fewestToCheck = vendor!.fewestToCheck(one.leads)
    const bar = one === most ? { atMost: CALLS_BAR } : undefined
    const ration =
      one.ofShare === null
        ? []
        : [
            figure(`${one.leads} leads: ${unit} of a rationed run ÷ its share`, one.ofShare, '', {
              atMost: 1,
            }),
          ]
    return [
      figure(`${one.leads} leads: ${unit}`, one.spent, ''),
      figure(
        `${one.leads} leads: ${unit} ÷ fewest possible (${fewest})`,
        one.spent / fewest,
        '',
        bar,
      ),
      figure(`${one.leads} leads: ${unit} to read all of them back`, one.checked, ''),
      figure(
        `${one.leads} leads: those ÷ fewest possible (${fewestToCheck})`,
        one.checked / fewestToCheck,
        '',
      ),
      figure(
        `${one.leads} leads: both ÷ fewest possible of both`,
        (one.spent + one.checked) / (fewest + fewestToCheck),
        '',
        bar,
      ),
      ...ration,
      ...(one.writes === null
        ? []
        : [figure(`${one.leads} leads: writes of a second run`, one.writes, '', { atMost: 0 })]),
      figure(`${one.leads} leads: duration`, one.durationMs / 1000, 's'),
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
