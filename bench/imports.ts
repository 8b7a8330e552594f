// How fast a file of leads is checked, imported and imported again, and whether memory stays flat meanwhile.
// Usage: npm run bench -- imports [rows]
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWorkspace } from '#access/bootstrap.ts'
import { seedWorkspace, startApp } from '#app.ts'
import { figure, report } from '#bench/figures.ts'
import { loadConfig } from '#config.ts'
import { newId } from '#core/id.ts'
import { silentLog } from '#core/log.ts'
import type { Principal } from '#gateway/operation.ts'
import { checkRows } from '#imports/check.ts'
import type { ImportRecord } from '#imports/import.store.ts'
import { runImport, type ImportEngine } from '#imports/run.ts'
import { startImport } from '#imports/start.ts'
import { getTarget, indexTargets } from '#imports/targets.ts'
import { uploadFile } from '#imports/upload.ts'

const ROWS = Number(process.argv[2] ?? 100_000)
const FAULTY = 100 // one row in so many has no valid address
const folder = await mkdtemp(join(tmpdir(), 'throughline-bench-'))
const path = join(folder, 'leads.csv')
const app = await startApp(loadConfig({}, { dataDir: folder, runJobs: false }), {
  listen: false,
  log: silentLog,
})
const { store, clock } = app
const targets = indexTargets(app.modules.flatMap((module) => module.importTargets ?? []))
const engine: ImportEngine = { store, clock, log: silentLog, targets }
const target = getTarget(targets, 'leads')
const workspaceId = await createWorkspace(
  store,
  { name: 'Bench', currency: 'EUR', timeZone: 'UTC' },
  clock.now(),
  seedWorkspace,
)
const principal: Principal = {
  id: 'bench',
  kind: 'system',
  workspaceId,
  scopes: new Set(['leads:write']),
  rateLimitPerMinute: 1,
}

let plan!: ImportRecord
await writeLeads()
const uploadMs = await timed(upload)
const importId = uploadMs.value
const checked = await timed(() =>
  store.read(workspaceId, (tx) =>
    checkRows(tx, plan, createReadStream(path), target, {
      source: 'import',
      zone: 'UTC',
      currency: 'EUR',
    }),
  ),
)
const first = await timed(() => run(importId))
const again = await timed(async () => run(await upload()))
const [half, all] = first.value.peaks
report('imports', [
  figure('leads imported', ROWS / (first.ms / 1000), 'rows/s'),
  figure('the same file again', ROWS / (again.ms / 1000), 'rows/s'),
  figure('rows checked', ROWS / (checked.ms / 1000), 'rows/s'),
  figure('file kept', uploadMs.ms / 1000, 's'),
  figure('memory at its most in the first half', half / 2 ** 20, 'MiB'),
  figure('memory at its most in the second half', all / 2 ** 20, 'MiB'),
  figure('rows in less rows accepted and rejected', ROWS - first.value.read, 'rows', { atMost: 0 }),
  figure('rejected', first.value.rejected, 'rows'),
  figure('performed again', again.value.created + again.value.updated, 'rows', { atMost: 0 }),
])
await app.stop()
await rm(folder, { recursive: true, force: true })

async function writeLeads(): Promise<void> {
  const out = createWriteStream(path)
  const channels = ['Paid Search', 'social', 'email', 'webinar', '']
  out.write('lead id,email,first name,last name,company,country,created at,origin,note\n')
  for (let i = 0; i < ROWS; i += 1) {
    const email = i % FAULTY === 7 ? 'nobody' : `person${i}@company${i % 5000}.example`
    const day = new Date(Date.UTC(2023, 0, 1) + i * 600_000).toISOString()
    const row = `L${i},${email},Ada,Person${i},Company ${i % 5000},Germany,${day},${channels[i % 5]},"row ${i}"\n`
    if (!out.write(row)) await once(out, 'drain')
  }
  out.end()
  await once(out, 'close')
}

async function upload(): Promise<string> {
  const bytes = createReadStream(path) as AsyncIterable<Uint8Array>
  const file = { target, fileName: 'leads.csv', bytes, choices: {} }
  const { record } = await uploadFile(store, principal, file, {
    now: clock.now(),
    requestId: newId('req'),
  })
  plan = record
  return record.id
}

async function run(importId: string) {
  const peaks: [number, number] = [0, 0]
  await store.transaction(workspaceId, (tx) => startImport(tx, importId, principal, targets))
  const record = await runImport(engine, workspaceId, importId, {
    signal: new AbortController().signal,
    onProgress({ position }) {
      const half = position * 2 <= ROWS ? 0 : 1
      peaks[half] = Math.max(peaks[half], process.memoryUsage.rss())
    },
  })
  const { position, created, updated, unchanged, rejected } = record!
  const read = created + updated + unchanged + rejected
  if (position !== read) throw new Error('the counts do not sum to the position')
  return { read, created, updated, rejected, peaks }
}

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; value: T }> {
  const startedAtMs = performance.now()
  const value = await work()
  return { ms: performance.now() - startedAtMs, value }
}
