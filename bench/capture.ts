// How long one call of captureAll takes in its transaction, commit included, with many people known.
// Flags: --people 100000 (known before), --runs 200 (of a single capture; a twelfth of them of 500).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createWorkspace } from '#access/bootstrap.ts'
import { seedWorkspace } from '#app.ts'
import { figure, report } from '#bench/figures.ts'
import { silentLog } from '#core/log.ts'
import type { Capture } from '#people/capture.ts'
import { captureAll } from '#people/capture.store.ts'
import { openStore } from '#store/connect.ts'
import { startEmbedded } from '#store/embedded.ts'
import { migrate } from '#store/migrate.ts'

const { values: flags } = parseArgs({
  options: {
    people: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '200' },
  },
})
const knownPeople = Number(flags.people)
const runs = Number(flags.runs)

const folder = await mkdtemp(join(tmpdir(), 'throughline-bench-'))
const server = await startEmbedded({ dataDir: join(folder, 'data'), log: silentLog })
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

async function timesMs(count: number, size: number, person: (i: number) => number) {
  const times: number[] = []
  for (let run = 0; run < count; run += 1) {
    const captures = Array.from({ length: size }, (_, i) => came(person(i)))
    const startMs = performance.now()
    await store.transaction(workspaceId, (tx) => captureAll(tx, captures, now))
    times.push(performance.now() - startMs)
  }
  return times.toSorted((a, b) => a - b)
}

const median = (times: number[]) => times[Math.floor(times.length / 2)]!
const known = () => Math.floor(Math.random() * knownPeople)
const fresh = () => knownPeople + serial
await timesMs(Math.ceil(knownPeople / 1000), 1000, () => serial)
await timesMs(20, 1, known)
const oneKnown = await timesMs(runs, 1, known)
const oneNew = await timesMs(runs, 1, fresh)
const manyKnown = await timesMs(Math.ceil(runs / 12), 500, known)
const manyNew = await timesMs(Math.ceil(runs / 12), 500, fresh)
await store.close()
await server.stop()
await rm(folder, { recursive: true, force: true })
report('capture', [
  figure('people known', knownPeople, ''),
  figure('one capture of a known person, median', median(oneKnown), 'ms', { atMost: 3 }),
  figure('one capture of a new person, median', median(oneNew), 'ms', { atMost: 3 }),
  figure('500 captures of known people, median', median(manyKnown), 'ms', { atMost: 60 }),
  figure('500 captures of new people, median', median(manyNew), 'ms', { atMost: 60 }),
  figure('500 captures of new people, fastest', manyNew[0]!, 'ms'),
])
