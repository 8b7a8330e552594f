import { readFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Client } from 'pg'
import { afterEach, expect, test } from 'vitest'
import { createKey, databaseUrlOf, startHub } from '#bench/hub.ts'
import { callHub, setUpSales } from '#bench/leads.ts'
import { freePort, startSandbox, type SandboxProcess } from '#bench/processes.ts'
import { seededRandom } from '#core/random.ts'
import { Ledger, listAll, runClient, type Target } from './ledger.ts'

const ROUNDS = Number(process.env['CHAOS_ROUNDS'] ?? 20)
const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000)
const LEADS_PER_ROUND = 100
const CONNECTIONS = 3
const CLIENTS = [1, 1, 1, 1, 10, 10]
/** A run that was cut off is taken up once its lease has ended, half a minute later; another waits behind it. */
const PATIENCE_MS = 120_000

/** Who is killed in a round; each comes several times in twenty. */
const fates = [
  'hub',
  'hub',
  'hub and database',
  'hub and database',
  'database',
  'hub and sandbox',
  'sandbox',
] as const
type Fate = (typeof fates)[number]

let folder = ''
let alive: { stop(): Promise<unknown> }[] = []

afterEach(async () => {
  for (const one of alive.splice(0).reverse()) await one.stop()
  await rm(folder, { recursive: true, force: true })
})

test('what was acknowledged is there once, here and in the CRM, whatever was killed when', async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-chaos-'))
  const random = seededRandom(SEED, 1)
  const world = await openWorld()
  const ledger = new Ledger()
  let isOver = false
  const clients = CLIENTS.map((batchSize, i) =>
    runClient(world.target, ledger, { name: `client${i}`, batchSize, isOver: () => isOver }),
  )
  const killed: Fate[] = []
  const startMs = performance.now()
  for (let round = 0; round < ROUNDS; round += 1) {
    const fate = random.pick(fates)
    killed.push(fate)
    await requestRun(world.target, world.connectionIds[round % CONNECTIONS]!)
    await ledger.more(1 + random.integer(LEADS_PER_ROUND))
    // Right behind an answer, when others of the same commit may not be sent yet; or somewhere between two.
    if (random.integer(2) === 0) await wait(random.integer(60))
    await world.kill(fate)
  }
  isOver = true
  await Promise.all(clients)
  say(
    `${seconds(startMs)} s, seed ${SEED}: ${killed.join(', ')}; ${ledger.leads.size} leads, ${ledger.repeated} requests repeated, ${ledger.replayed} answered from before`,
  )

  expect(ledger.faults, `seed ${SEED}`).toEqual([])
  const rows = await listAll<{ id: string; email: string }>(world.target, '/api/v1/leads')
  expect(twice(rows.map((row) => row.email)), `seed ${SEED}`).toEqual([])
  const kept = new Map(rows.map((row) => [row.email, row.id]))
  expect(differences(ledger.leads, kept), `seed ${SEED}`).toEqual([])

  await drained(world)
  await Promise.all(world.connectionIds.map((id) => syncToTheEnd(world.target, id)))
  const contacts = await listContacts(world.sandbox())
  expect(twice(contacts.map((contact) => contact.leadId)), `seed ${SEED}`).toEqual([])
  expect(twice(contacts.map((contact) => contact.email)), `seed ${SEED}`).toEqual([])
  say(
    `${await countIn(world.databaseUrl, 'sync_runs where attempts > 1')} sync runs were cut off and taken up again; all in ${seconds(startMs)} s`,
  )
  const sent = new Map(contacts.map((contact) => [contact.email, contact.leadId]))
  expect(differences(kept, sent), `seed ${SEED}`).toEqual([])
})

test('a stop under load answers all that was begun, within ten seconds', async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-stop-'))
  const dataDir = join(folder, 'data')
  let hub = await startHub({ dataDir })
  alive.push({ stop: () => hub.stop() })
  const key = await createKey(hub)
  await setUpSales(hub.url, key)
  const ledger = new Ledger()
  const { url } = hub
  let isDown = false
  const target: Target = {
    url,
    key,
    whenUp: () => (isDown ? new Promise(() => {}) : Promise.resolve()),
  }
  for (const [i, batchSize] of [1, 1, 1, 1, 1, 1, 50, 50].entries())
    void runClient(target, ledger, { name: `stop${i}`, batchSize, isOver: () => isDown })
  await ledger.more(500)
  const startMs = performance.now()
  const exitCode = await hub.stop()
  const durationMs = performance.now() - startMs
  isDown = true
  const answered = new Map(ledger.leads)
  say(`stopped in ${Math.round(durationMs)} ms after ${answered.size} leads`)

  hub = await startHub({ dataDir })
  const rows = await listAll<{ id: string; email: string }>({ url: hub.url, key }, '/api/v1/leads')
  const kept = new Map(rows.map((row) => [row.email, row.id]))
  expect(differences(answered, kept)).toEqual([])
  expect(ledger.faults).toEqual([])
  expect(exitCode).toBe(0)
  expect(durationMs).toBeLessThan(10_000)
})

interface World {
  target: Target
  connectionIds: string[]
  databaseUrl: string
  sandbox(): SandboxProcess
  /** Kills, and starts again what does not come back by itself. */
  kill(fate: Fate): Promise<void>
}

/** A hub with a sales team and connections to a sandbox, each a process with its data in a folder. */
async function openWorld(): Promise<World> {
  const dataDir = join(folder, 'data')
  // The hub says at length that its database is gone; here that is no news.
  const environment = {
    THROUGHLINE_HTTP_PORT: String(await freePort()),
    THROUGHLINE_LOG_LEVEL: 'silent',
  }
  const account = { port: await freePort(), stateFile: join(folder, 'hubspot.jsonl') }
  let hub = await startHub({ dataDir, environment })
  let sandbox = await startSandbox(account)
  alive.push({ stop: () => hub.stop() }, { stop: () => sandbox.stop() })
  let up: Promise<unknown> = Promise.resolve()
  const target: Target = {
    url: hub.url,
    key: await createKey(hub),
    whenUp: () => up.then(() => {}),
  }
  await setUpSales(hub.url, target.key)
  const connectionIds: string[] = []
  for (let i = 1; i <= CONNECTIONS; i += 1) {
    const settings = { baseUrl: sandbox.url, token: sandbox.token }
    const body = { vendor: 'hubspot', name: `CRM ${i}`, settings }
    const { id } = await callHub<{ id: string }>(
      target.url,
      target.key,
      'POST',
      '/api/v1/connections',
      body,
    )
    connectionIds.push(id)
  }
  return {
    target,
    connectionIds,
    databaseUrl: await databaseUrlOf(hub),
    sandbox: () => sandbox,
    async kill(fate) {
      const started: Promise<unknown>[] = []
      if (fate.includes('database')) process.kill(await postmasterPid(dataDir), 'SIGKILL')
      if (fate.includes('hub'))
        started.push(hub.kill().then(async () => (hub = await startHub({ dataDir, environment }))))
      if (fate.includes('sandbox'))
        started.push(sandbox.kill().then(async () => (sandbox = await startSandbox(account))))
      up = Promise.all(started)
      await up
      await answers(`${target.url}/readyz`)
    },
  }
}

/** The first line of the file that PostgreSQL keeps while it runs. */
async function postmasterPid(dataDir: string): Promise<number> {
  return Number.parseInt(await readFile(join(dataDir, 'pg', 'postmaster.pid'), 'utf8'), 10)
}

/** Waits until the hub says by itself that it can do its work. */
async function answers(url: string): Promise<void> {
  await expect
    .poll(async () => (await fetch(url).catch(() => null))?.status, {
      timeout: 20_000,
      interval: 50,
    })
    .toBe(200)
}

/** Asks for a run; a hub that is just losing its database says so, and the next round asks again. */
async function requestRun(target: Target, connectionId: string): Promise<void> {
  await callHub(
    target.url,
    target.key,
    'POST',
    `/api/v1/connections/${connectionId}/runs`,
    {},
  ).catch((error: Error) => {
    expect(error.message).toMatch(/ 503: | 409: /)
  })
}

interface Health {
  data: {
    connectionId: string
    pending: { count: number }
    lastRun: { state: string } | null
    errors: unknown[]
  }[]
}

/** Asks for runs until one succeeds and nothing is left to be sent. */
async function syncToTheEnd(target: Target, connectionId: string): Promise<void> {
  const call = <T>(method: string, path: string, body?: unknown) =>
    callHub<T>(target.url, target.key, method, path, body)
  const { id } = await call<{ id: string }>('POST', `/api/v1/connections/${connectionId}/runs`, {})
  await expect
    .poll(async () => (await call<{ state: string }>('GET', `/api/v1/sync/runs/${id}`)).state, {
      timeout: PATIENCE_MS,
      interval: 200,
    })
    .toBe('succeeded')
  const health = await call<Health>('GET', `/api/v1/sync/health?connectionId=${connectionId}`)
  expect(health.data[0]).toMatchObject({ pending: { count: 0 }, errors: [] })
}

/** Waits until every subscriber has passed every event; none may have been buried. */
async function drained({ databaseUrl }: World): Promise<void> {
  const waiting = () =>
    countIn(databaseUrl, 'outbox o join subscriber_positions p on (o.xid, o.seq) > (p.xid, p.seq)')
  await expect.poll(waiting, { timeout: PATIENCE_MS, interval: 500 }).toBe(0)
  expect(await countIn(databaseUrl, 'dead_events')).toBe(0)
}

async function countIn(databaseUrl: string, tables: string): Promise<number> {
  const database = new Client({ connectionString: databaseUrl })
  await database.connect()
  try {
    const { rows } = await database.query<{ n: string }>(`select count(*) as n from ${tables}`)
    return Number(rows[0]?.n)
  } finally {
    await database.end()
  }
}

interface ContactPage {
  results: { properties: { email: string; hub_lead_id: string | null } }[]
  paging?: { next?: { after: string } }
}

async function listContacts({
  url,
  token,
}: SandboxProcess): Promise<{ email: string; leadId: string }[]> {
  const contacts: { email: string; leadId: string }[] = []
  for (let after: string | undefined = ''; after !== undefined;) {
    const query = `limit=100&properties=email,hub_lead_id${after === '' ? '' : `&after=${after}`}`
    const answer = await fetch(`${url}/crm/v3/objects/contacts?${query}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const page = (await answer.json()) as ContactPage
    for (const { properties } of page.results)
      contacts.push({ email: properties.email, leadId: properties.hub_lead_id ?? '' })
    after = page.paging?.next?.after
  }
  return contacts
}

function twice(values: readonly string[]): string[] {
  const seen = new Set<string>()
  return values.filter((value) => seen.size === seen.add(value).size)
}

/** What the two do not agree on; the first 20. */
function differences(
  expected: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
): string[] {
  const all = new Set([...expected.keys(), ...found.keys()])
  return [...all]
    .filter((key) => expected.get(key) !== found.get(key))
    .slice(0, 20)
    .map((key) => `${key}: ${expected.get(key)} and ${found.get(key)}`)
}

const seconds = (sinceMs: number) => Math.round((performance.now() - sinceMs) / 1000)
const say = (line: string) => void process.stdout.write(`${line}\n`)
