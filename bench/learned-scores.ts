// What learned scores cost: a training on the workspace's own outcomes, and giving every open lead its probability.
// Flags: --leads 100000.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createWorkspace } from '#access/bootstrap.ts'
import { seedWorkspace } from '#app.ts'
import { figure, report } from '#bench/figures.ts'
import { newId } from '#core/id.ts'
import { silentLog } from '#core/log.ts'
import { systemClock } from '#core/time.ts'
import { findModel, insertModel, promoteModel } from '#domains/scoring/model.store.ts'
import { scoreAll } from '#domains/scoring/score-cases.ts'
import { trainModel } from '#domains/scoring/train-model.ts'
import { openStore } from '#store/connect.ts'
import { startEmbedded } from '#store/embedded.ts'
import { migrate } from '#store/migrate.ts'
import { plantOutcomes } from '#tests/outcomes.ts'

const { values: flags } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== '--'),
  options: { leads: { type: 'string', default: '100000' } },
})
const leads = Number(flags.leads)

const folder = await mkdtemp(join(tmpdir(), 'throughline-bench-'))
const server = await startEmbedded({ dataDir: join(folder, 'data'), log: silentLog })
const { connectionString } = server
const migrations = fileURLToPath(new URL('../migrations', import.meta.url))
await migrate({ connectionString, folder: migrations, log: silentLog })
const keyFile = join(folder, 'keys.json')
const store = await openStore({ connectionString, keyFile, log: silentLog, poolSize: 4 })
const details = { name: 'Bench', currency: 'EUR', timeZone: 'UTC' }
const now = new Date()
const workspaceId = await createWorkspace(store, details, now, seedWorkspace)
for (let made = 0; made < leads; made += 20_000)
  await plantOutcomes(store, workspaceId, Math.min(20_000, leads - made), now, made)

const context = {
  store,
  clock: systemClock,
  log: silentLog,
  signal: new AbortController().signal,
  enqueue: () => Promise.resolve(),
}
const id = newId('mdl')
const target = 'lead_qualified' as const
await store.transaction(workspaceId, (tx) =>
  insertModel(tx, { id, target, horizonDays: 60, requestedBy: 'bench' }, now),
)
const delay = monitorEventLoopDelay()
delay.enable()
const trainStart = process.cpuUsage()
const trainStartMs = performance.now()
await trainModel(workspaceId, id, context)
const trainMs = performance.now() - trainStartMs
const trainCpu = process.cpuUsage(trainStart)
delay.disable()
const model = await store.read(workspaceId, (tx) => findModel(tx, id))
await store.transaction(workspaceId, (tx) => promoteModel(tx, { id, target }, 'bench', now))
const scoreStart = process.cpuUsage()
const scoreStartMs = performance.now()
const scored = await scoreAll({ workspaceId, target, changed: false }, context)
const scoreMs = performance.now() - scoreStartMs
const scoreCpu = process.cpuUsage(scoreStart)
await store.close()
await server.stop()
await rm(folder, { recursive: true, force: true })

const seconds = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1e6
report('learned-scores', [
  figure('past leads learned from', model?.report?.rows ?? 0, 'leads'),
  figure('training', trainMs / 1000, 's'),
  figure('training, processor time of the hub, all threads', seconds(trainCpu), 's'),
  figure('longest hold of the thread that answers, while it trains', delay.max / 1e6, 'ms'),
  figure('AUC on later leads', model?.report?.backTest.quality.auc ?? 0, ''),
  figure('open leads scored', scored, 'leads'),
  figure('scoring', scoreMs / 1000, 's'),
  figure('scored a second', (1000 * scored) / scoreMs, 'leads/s'),
  figure('processor time of the hub, a thousand leads', (1000 * seconds(scoreCpu)) / scored, 's'),
])
