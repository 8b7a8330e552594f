/**
 * How many leads a second the sync engine sends: 50,000 leads through the HubSpot sandbox with its limits lifted, over real
 * HTTP and with everything kept; then the same again with nothing changed. The vendor runs in a process of its own.
 */
import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { silentLog } from '#core/log.ts'
import { ManualClock, MINUTE_MS } from '#core/time.ts'
import { startHubspot } from '#sandbox/hubspot/index.ts'
import { openStore } from '#store/connect.ts'
import { startEmbedded } from '#store/embedded.ts'
import { migrate } from '#store/migrate.ts'
import { TestHub, testEngine, testTables } from '#tests/sync.ts'
import { figure, report } from './figures.ts'

const LEADS = Number(process.env['BENCH_LEADS'] ?? 50_000)
const isVendor = process.argv[2] === 'vendor'

if (isVendor) await serveVendor()
else await measure()

async function serveVendor(): Promise<void> {
  const sandbox = await startHubspot({
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
  process.once('disconnect', () => process.exit())
  process.send?.({ url: sandbox.url, token: sandbox.token })
}

async function measure(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-bench-'))
  const vendor = fork(fileURLToPath(import.meta.url), ['vendor'])
  const address = await new Promise<{ url: string; token: string }>((resolve) =>
    vendor.once('message', (message) => resolve(message as { url: string; token: string })),
  )
  const database = await startEmbedded({ dataDir: folder, log: silentLog })
  const { connectionString } = database
  const migrations = fileURLToPath(new URL('../migrations', import.meta.url))
  await migrate({ connectionString, folder: migrations, log: silentLog })
  const keyFile = join(folder, 'keys.json')
  const store = await openStore({ connectionString, keyFile, log: silentLog, poolSize: 5 })
  try {
    await store.system((tx) => tx.execute(sql.raw(testTables)))
    const clock = new ManualClock(new Date())
    const hub = await TestHub.open(testEngine(store, clock), address)
    for (let from = 0; from < LEADS; from += 5000) await hub.addLeads(5000, from)
    const cpuBefore = process.cpuUsage()
    const first = await timed(() => hub.run(['contacts']))
    const { user, system } = process.cpuUsage(cpuBefore)
    const idsOf = sql<{ id: string }>`select id from test_leads order by id`
    const ids = (await hub.query(idsOf)).map((row) => row.id)
    for (let from = 0; from < LEADS; from += 5000)
      await hub.note(ids.slice(from, from + 5000), from)
    clock.advance(MINUTE_MS)
    const again = await timed(() => hub.run(['contacts']))
    const rssMb = process.resourceUsage().maxRSS / 1024
    report('sync', [
      figure('leads sent a second', LEADS / first.seconds, '/s', { atLeast: 3000 }),
      figure('own processor time for a thousand leads', (user + system) / LEADS, 'ms'),
      figure('leads found unchanged a second', LEADS / again.seconds, '/s'),
      figure('calls for the second run', again.result.calls, 'calls', { atMost: 0 }),
      figure('records created', first.result.counts['contacts']?.['created'] ?? 0, 'records', {
        atLeast: LEADS,
      }),
      figure('largest memory of the engine', rssMb, 'MB', { atMost: 400 }),
    ])
  } finally {
    await store.close()
    await database.stop()
    vendor.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const startedAtMs = performance.now()
  const result = await work()
  return { result, seconds: (performance.now() - startedAtMs) / 1000 }
}
