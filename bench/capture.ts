// How long does it take to capture people and touches? One call of captureAll in one transaction,
// commit included, against a running PostgreSQL with 100,000 people known.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createWorkspace } from '#access/bootstrap.ts'
import { seedWorkspace } from '#app.ts'
import { silentLog } from '#core/log.ts'
import type { Capture } from '#people/capture.ts'
import { captureAll } from '#people/capture.store.ts'
import { openStore } from '#store/connect.ts'
import { startEmbedded } from '#store/embedded.ts'
import { migrate } from '#store/migrate.ts'

const knownPeople = Number(process.env['KNOWN_PEOPLE'] ?? 100_000)
const folder = await mkdtemp(join(tmpdir(), 'throughline-bench-'))
const server = await startEmbedded({
  dataDir: join(folder, 'data'),
  log: silentLog,
  flags: (process.env['PGFLAGS'] ?? '').split(' ').filter(Boolean),
})
const { connectionString } = server
const migrations = fileURLToPath(new URL('../migrations', import.meta.url))
await migrate({ connectionString, folder: migrations, log: silentLog })
const keyFile = join(folder, 'keys.json')
const store = await openStore({ connectionString, keyFile, log: silentLog, poolSize: 4 })
const now = new Date()
const details = { name: 'Bench', currency: 'EUR', timeZone: 'UTC' }
const workspaceId = await createWorkspace(store, details, now, seedWorkspace)

let serial = 0

function came(person: number): Capture {
  serial += 1
  return {
    source: 'bench',
    identities: [
      { kind: 'email', value: `person${person}@example.com` },
      { kind: 'anonymous_id', value: `browser-${person}` },
    ],
    personal: { firstName: 'Ada', lastName: `King ${person}`, company: 'Analytical Engines' },
    consents: [],
    touch: {
      kind: 'page_view',
      channel: null,
      occurredAt: now,
      messageId: `message-${serial}`,
      detail: { url: 'https://acme.example/?utm_source=google&utm_medium=cpc&utm_campaign=spring' },
    },
  }
}

function capture(captures: readonly Capture[]) {
  return store.transaction(workspaceId, (tx) => captureAll(tx, captures, now))
}

async function medianMs(runs: number, size: number, person: (i: number) => number) {
  const times: number[] = []
  for (let run = 0; run < runs; run += 1) {
    const captures = Array.from({ length: size }, (_, i) => came(person(run * size + i)))
    const startMs = performance.now()
    await capture(captures)
    times.push(performance.now() - startMs)
  }
  times.sort((a, b) => a - b)
  return Number(times[Math.floor(runs / 2)]!.toFixed(2))
}

for (let from = 0; from < knownPeople; from += 1000) {
  await capture(Array.from({ length: 1000 }, (_, i) => came(from + i)))
}
const known = () => Math.floor(Math.random() * knownPeople)
const fresh = (i: number) => knownPeople + serial + i
await medianMs(20, 1, known)
const figures = {
  one_known_ms: await medianMs(200, 1, known),
  one_new_ms: await medianMs(200, 1, fresh),
  five_hundred_known_ms: await medianMs(15, 500, known),
  five_hundred_new_ms: await medianMs(15, 500, fresh),
}
await store.close()
await server.stop()
await rm(folder, { recursive: true, force: true })
console.log(JSON.stringify({ bench: 'capture', known_people: knownPeople, ...figures }))
