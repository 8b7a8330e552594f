// 100,000 random edits on both sides of a HubSpot sandbox that lags and fails, against a straightforward model: lost values,
// echoes, wrong ends. `npm run eval -- two-way [-- --edits 100000 --seed 1]`. A database is started for it, and removed.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { figure, report } from '#bench/figures.ts'
import { silentLog } from '#core/log.ts'
import { ManualClock } from '#core/time.ts'
import { startHubspot } from '#sandbox/hubspot/index.ts'
import { openStore } from '#store/connect.ts'
import { startEmbedded } from '#store/embedded.ts'
import { migrate } from '#store/migrate.ts'
import { testTables } from '#tests/sync.ts'
import { runTwoWay } from '#tests/two-way.ts'

const { values: flags } = parseArgs({
  options: {
    edits: { type: 'string', default: '100000' },
    records: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    'edits-per-run': { type: 'string', default: '500' },
  },
})
const folder = await mkdtemp(join(tmpdir(), 'throughline-two-way-'))
const root = fileURLToPath(new URL('..', import.meta.url))
const database = await startEmbedded({ dataDir: folder, log: silentLog })
const { connectionString } = database
const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const sandbox = await startHubspot({
  now: () => clock.now().getTime(),
  limits: { tenSecondly: null, daily: null, searchSecondly: null },
  settings: { searchLagMs: 2000, searchLagJitterMs: 2000 },
})
try {
  await migrate({ connectionString, folder: join(root, 'migrations'), log: silentLog })
  const client = new Client({ connectionString })
  await client.connect()
  await client.query(testTables)
  await client.end()
  const keyFile = join(folder, 'keys.json')
  const store = await openStore({ connectionString, keyFile, log: silentLog, poolSize: 5 })
  const startMs = performance.now()
  const got = await runTwoWay(store, sandbox, clock, {
    seed: Number(flags.seed),
    records: Number(flags.records),
    edits: Number(flags.edits),
    editsPerRun: Number(flags['edits-per-run']),
    progress: (text) => process.stdout.write(`${text}\n`),
  })
  const cpu = process.cpuUsage()
  report('two-way', [
    figure('edits', got.edits, 'edits'),
    figure('lost values', got.lost, 'values', { atMost: 0 }),
    figure('echoes', got.echoes, 'writes', { atMost: 0 }),
    figure('values written twice', got.repeated, 'values', { atMost: 0 }),
    figure('fields that end otherwise than in the model', got.wrong, 'fields', { atMost: 0 }),
    figure('conflicts that waited for a person', got.conflicts, 'conflicts'),
    figure('faults', got.faults, 'faults'),
    figure('runs', got.runs, 'runs'),
    figure('calls', got.calls, 'calls'),
    figure('time', (performance.now() - startMs) / 1000, 's'),
    figure('CPU of this process', (cpu.user + cpu.system) / 1e6, 's'),
  ])
  await store.close()
} finally {
  await sandbox.stop()
  await database.stop()
  await rm(folder, { recursive: true, force: true })
}
