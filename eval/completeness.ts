// Leads to a CRM sandbox that answers success and drops a share of them: does the certificate name those, all of them and no
// other? And runs of a small connection with ordinary edits on both sides, in which nothing is lost: is anything accused?
// `npm run eval -- completeness [-- --leads 100000 --share 0.001 --clean 200]`. A database is started for it, and removed.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { sql } from 'kysely'
import { Client } from 'pg'
import { figure, report } from '#bench/figures.ts'
import { silentLog } from '#core/log.ts'
import { seededRandom } from '#core/random.ts'
import { ManualClock, MINUTE_MS } from '#core/time.ts'
import { startHubspot } from '#sandbox/hubspot/index.ts'
import { openStore } from '#store/connect.ts'
import { startEmbedded } from '#store/embedded.ts'
import { migrate } from '#store/migrate.ts'
import type { Store } from '#store/store.ts'
import { listCertificates } from '#sync/prove.store.ts'
import { TestHub, testEngine, testTables } from '#tests/sync.ts'

const { values: flags } = parseArgs({
  options: {
    leads: { type: 'string', default: '100000' },
    share: { type: 'string', default: '0.001' },
    clean: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
  },
})
const PART = 10_000
const SMALL = 100
const EDITS_A_RUN = 6

const folder = await mkdtemp(join(tmpdir(), 'throughline-completeness-'))
const root = fileURLToPath(new URL('..', import.meta.url))
const database = await startEmbedded({ dataDir: folder, log: silentLog })
try {
  const { connectionString } = database
  await migrate({ connectionString, folder: join(root, 'migrations'), log: silentLog })
  const client = new Client({ connectionString })
  await client.connect()
  await client.query(testTables)
  await client.end()
  const keyFile = join(folder, 'keys.json')
  const store = await openStore({ connectionString, keyFile, log: silentLog, poolSize: 5 })
  const figures = [...(await dropped(store)), ...(await clean(store))]
  await store.close()
  report('completeness', figures)
} finally {
  await database.stop()
  await rm(folder, { recursive: true, force: true })
}

async function openWorld(store: Store) {
  const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
  const sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
    settings: { searchLagMs: 2000, searchLagJitterMs: 2000 },
  })
  const hub = await TestHub.open(testEngine(store, clock), sandbox)
  const run = async () => {
    const row = await hub.run(['owners', 'contacts'])
    const rows = await store.read(hub.workspaceId, (tx) => listCertificates(tx, row.id))
    return { row, certificate: rows.find(({ stream }) => stream === 'contacts')! }
  }
  return { clock, sandbox, hub, run }
}

async function dropped(store: Store) {
  const { sandbox, hub, run } = await openWorld(store)
  const leads = Number(flags.leads)
  for (let first = 0; first < leads; first += PART)
    await hub.addLeads(Math.min(PART, leads - first), first)
  const share = Number(flags.share)
  const seed = Number(flags.seed)
  const lift = sandbox.failNext({
    kind: 'drop-writes',
    share,
    seed,
    of: 'creates',
    count: 'until-lifted',
  })
  const startMs = performance.now()
  const first = await run()
  const seconds = (performance.now() - startMs) / 1000
  lift()
  const there = new Set(
    [...sandbox.records('contacts')].map(({ properties }) => properties['hub_lead_id']),
  )
  const ids = await hub.query(sql<{ id: string }>`
    select id from test_leads where workspace_id = ${hub.workspaceId}`)
  const missing = new Set(ids.flatMap(({ id }) => (there.has(id) ? [] : [id])))
  const named = await hub.query(sql<{ id: string }>`
    select local_id as id from sync_outcomes
    where run_id = ${first.row.id} and code = 'certificate.missing'`)
  const right = named.filter(({ id }) => missing.has(id)).length
  const second = await run()
  const arrived = [...sandbox.records('contacts')].length
  await sandbox.stop()
  return [
    figure('leads sent', leads, ''),
    figure('dropped with a success', missing.size, ''),
    figure('of them named by the certificate', right, '', { atLeast: missing.size }),
    figure('named that are there', named.length - right, '', { atMost: 0 }),
    figure('there after the next run', arrived, '', { atLeast: leads }),
    figure('missing by its certificate', second.certificate.missing, '', { atMost: 0 }),
    figure('calls of the run', first.row.calls, ''),
    figure('calls to read back', first.row.checkCalls, ''),
    figure('the run', seconds, 's'),
  ]
}

async function clean(store: Store) {
  const { clock, sandbox, hub, run } = await openWorld(store)
  const random = seededRandom(Number(flags.seed), 5)
  const ids = await hub.addLeads(SMALL)
  await run()
  const contacts = [...sandbox.records('contacts')].map(({ id }) => id)
  let [accused, read, seq] = [0, 0, 1000]
  const runs = Number(flags.clean)
  for (let i = 0; i < runs; i += 1) {
    clock.advance(MINUTE_MS * (1 + random.integer(90)))
    for (let e = 0; e < EDITS_A_RUN; e += 1) {
      const phone = `+49 30 ${random.integer(100_000)}`
      if (random.uniform() < 0.5) {
        const id = random.pick(ids)
        await hub.changeLead(id, random.uniform() < 0.5 ? { phone } : { jobTitle: phone })
        await hub.note([id], (seq += 1))
      } else sandbox.edit('contacts', random.pick(contacts), { phone })
    }
    const { certificate } = await run()
    accused += certificate.missing + certificate.lost + certificate.gone
    read += certificate.hereCount
  }
  await sandbox.stop()
  return [
    figure('clean runs', runs, ''),
    figure('records read back in them', read, ''),
    figure('accused in them', accused, '', { atMost: 0 }),
  ]
}
