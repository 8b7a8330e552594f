// 10,000 random sequences of merges, changes, touches, logins, consents and unmerges of people against a plain model, in which a
// merge that was undone had never been made. `npm run eval -- identity [-- --sequences 10000 --steps 14 --seed 1]`.
// A database is started for it, and removed.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createWorkspace } from '#access/bootstrap.ts'
import { figure, report } from '#bench/figures.ts'
import { silentLog } from '#core/log.ts'
import { openStore } from '#store/connect.ts'
import { startEmbedded } from '#store/embedded.ts'
import { migrate } from '#store/migrate.ts'
import { runMerges } from '#tests/merges.ts'

const { values: flags } = parseArgs({
  options: {
    sequences: { type: 'string', default: '10000' },
    steps: { type: 'string', default: '14' },
    seed: { type: 'string', default: '1' },
  },
})
const folder = await mkdtemp(join(tmpdir(), 'throughline-identity-'))
const root = fileURLToPath(new URL('..', import.meta.url))
const database = await startEmbedded({ dataDir: folder, log: silentLog })
const { connectionString } = database
try {
  await migrate({ connectionString, folder: join(root, 'migrations'), log: silentLog })
  const keyFile = join(folder, 'keys.json')
  const store = await openStore({ connectionString, keyFile, log: silentLog, poolSize: 2 })
  const settings = { name: 'Merges', currency: 'EUR', timeZone: 'UTC' }
  const workspaceId = await createWorkspace(store, settings, new Date(), async () => {})
  const startMs = performance.now()
  const [sequences, steps, seed] = [flags.sequences, flags.steps, flags.seed].map(Number) as [
    number,
    number,
    number,
  ]
  const got = await runMerges(store, workspaceId, { seed, sequences, steps })
  for (const fault of got.faults) process.stdout.write(`${fault}\n`)
  report('identity', [
    figure('sequences', got.sequences, 'sequences'),
    figure('steps', got.steps, 'steps'),
    figure('merges', got.merges, 'merges'),
    figure('merges undone', got.unmerges, 'merges'),
    figure('refused', got.refusals, 'requests'),
    figure('facts compared', got.facts, 'facts'),
    figure('facts otherwise than in the model', got.wrong, 'facts', { atMost: 0 }),
    figure('time', (performance.now() - startMs) / 1000, 's'),
  ])
  await store.close()
  if (got.wrong > 0) process.exitCode = 1
} finally {
  await database.stop()
  await rm(folder, { recursive: true, force: true })
}
