// How long it takes until a lead that was accepted is in the CRM, and until an edit in the CRM is in the hub, at a fixed rate.
// Flags: --rate 50, --seconds 20.
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { figure, report, type Figure } from '#bench/figures.ts'
import { createKey, databaseUrlOf, startHub, type BenchHub } from '#bench/hub.ts'
import { callHub, LEADS_PATH, newLead, setUpSales } from '#bench/leads.ts'
import { startSandbox, type SandboxProcess } from '#bench/processes.ts'

const BAR_MS = 1000
const PATIENCE_MS = 60_000
const LOOK_MS = 250
/** The app of the sandbox signs with this. */
const CLIENT_SECRET = 'sandbox-client-secret'

const { values: flags } = parseArgs({
  options: {
    rate: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '20' },
  },
})
const rate = Number(flags.rate)
const count = rate * Number(flags.seconds)

interface Contact {
  id: string
  properties: Record<string, string | null>
  createdAtMs: number
}

async function main(): Promise<void> {
  const sandbox = await startSandbox()
  const hub = await startHub()
  const database = new Client({ connectionString: await databaseUrlOf(hub) })
  await database.connect()
  try {
    const key = await createKey(hub)
    await setUpSales(hub.url, key)
    const settings = { baseUrl: sandbox.url, token: sandbox.token, clientSecret: CLIENT_SECRET }
    const made = { vendor: 'hubspot', name: 'CRM', settings }
    const connection = await callHub<{ id: string }>(
      hub.url,
      key,
      'POST',
      '/api/v1/connections',
      made,
    )
    await firstRun(hub, key, connection.id)
    await measureOut(hub, key, sandbox, Math.min(count, rate * 3), 'warm')
    const out = await measureOut(hub, key, sandbox, count, 'out')
    const into = await measureIn(hub, sandbox, database, connection.id)
    const runs = await database.query<{ n: number }>(
      `select count(*)::integer as n from sync_runs where cause = 'change'`,
    )
    report('realtime', [
      figure('events', count, ''),
      ...figuresOf('lead accepted → in the CRM', out),
      ...figuresOf('edited in the CRM → in the hub', into),
      figure('runs that this took', runs.rows[0]?.n ?? 0, ''),
    ])
  } finally {
    await database.end()
    await hub.stop()
    await sandbox.stop()
  }
}

async function firstRun({ url }: BenchHub, key: string, connectionId: string): Promise<void> {
  const path = `/api/v1/connections/${connectionId}/runs`
  const { id } = await callHub<{ id: string }>(url, key, 'POST', path, {})
  await until(async () => {
    const run = await callHub<{ state: string }>(url, key, 'GET', `/api/v1/sync/runs/${id}`)
    return run.state === 'succeeded'
  })
}

/** From the answer to a lead until the CRM stamped its contact; one clock, as both run here. */
async function measureOut(
  hub: BenchHub,
  key: string,
  sandbox: SandboxProcess,
  leads: number,
  series: string,
): Promise<number[]> {
  const run = `${series}${randomUUID().slice(0, 6)}`
  const acceptedAtMs = new Map<string, number>()
  await atRate(leads, async (i) => {
    const lead = newLead(i, run)
    await callHub(hub.url, key, 'POST', LEADS_PATH, lead)
    acceptedAtMs.set(String(lead['email']), Date.now())
  })
  let arrived: Contact[] = []
  await until(async () => {
    const { records } = await control<{ records: Contact[] }>(sandbox, 'GET', 'records/contacts')
    arrived = records.filter(({ properties }) => acceptedAtMs.has(properties['email'] ?? ''))
    return arrived.length === leads
  })
  return arrived.map(({ createdAtMs, properties }) => {
    // A batch may be under way when the answer is: then it is there at once.
    return Math.max(0, createdAtMs - acceptedAtMs.get(properties['email'] ?? '')!)
  })
}

/** From an edit in the CRM, told by a signed message, until the hub took it over; each contact is edited once. */
async function measureIn(
  hub: BenchHub,
  sandbox: SandboxProcess,
  database: Client,
  connectionId: string,
): Promise<number[]> {
  const { records } = await control<{ records: Contact[] }>(sandbox, 'GET', 'records/contacts')
  const targetUrl = `${hub.url}/hooks/hubspot/${connectionId}`
  const editedAtMs = new Map<string, number>()
  await atRate(count, async (i) => {
    const { id } = records[i]!
    const value = `Edited ${i}`
    await control(sandbox, 'POST', 'edit', {
      type: 'contacts',
      id,
      properties: { lastname: value },
    })
    editedAtMs.set(id, Date.now())
    const event = {
      eventId: i + 1,
      subscriptionType: 'contact.propertyChange',
      objectId: Number(id),
      propertyName: 'lastname',
      propertyValue: value,
    }
    const message = { targetUrl, events: [event] }
    const { attempts } = await control<Sent>(sandbox, 'POST', 'webhooks', message)
    const status = attempts[0]?.status
    if (status !== 200) throw new Error(`a message was answered ${status}`)
  })
  let taken: { externalId: string; at: Date }[] = []
  await until(async () => {
    const { rows } = await database.query<{ externalId: string; at: Date }>(
      `select external_id as "externalId", min(at) as at from sync_changes
        where 'lastName' = any(fields) and run_id is not null group by external_id`,
    )
    taken = rows.filter(({ externalId }) => editedAtMs.has(externalId))
    return taken.length === count
  })
  return taken.map(({ externalId, at }) => Math.max(0, at.getTime() - editedAtMs.get(externalId)!))
}

interface Sent {
  attempts: { status: number | null }[]
}

/** Does the `i`-th when it is due, whether or not earlier ones are through; waits for all. */
async function atRate(times: number, work: (i: number) => Promise<void>): Promise<void> {
  const startMs = performance.now()
  const under: Promise<void>[] = []
  for (let i = 0; i < times; i += 1) {
    const waitMs = startMs + (i * 1000) / rate - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    under.push(work(i))
  }
  await Promise.all(under)
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error('what was awaited did not come about')
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
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

function figuresOf(name: string, timesMs: readonly number[]): Figure[] {
  const sorted = timesMs.toSorted((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
  return [
    figure(`${name}: p50`, at(0.5), 'ms'),
    figure(`${name}: p95`, at(0.95), 'ms', { atMost: BAR_MS }),
    figure(`${name}: most`, sorted.at(-1)!, 'ms'),
  ]
}

await main()
