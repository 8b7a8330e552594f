// The master key is changed several times while leads come in: does a request fail? And does the hub start again with the last key alone?
// Flags: --rotations 5, --seconds 12.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { figure, report } from '#bench/figures.ts'
import { createKey, startHub } from '#bench/hub.ts'
import { callHub, leadShots, setUpSales } from '#bench/leads.ts'
import { LoadClient } from '#bench/load.ts'

const { values: flags } = parseArgs({
  options: {
    rotations: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '12' },
  },
})
const CALLERS = 16

const hub = await startHub()
const key = await createKey(hub)
await setUpSales(hub.url, key)
const client = new LoadClient(hub.url, key, CALLERS)
const shots = leadShots('rotation', 1)
const end = new AbortController()
const counts = { taken: 0, failed: 0 }
const load = Promise.all(
  Array.from({ length: CALLERS }, async () => {
    while (!end.signal.aborted)
      counts[(await client.send(shots.next())) < 300 ? 'taken' : 'failed'] += 1
  }),
)
const rotations = Number(flags.rotations)
const startMs = performance.now()
for (let i = 0; i < rotations; i += 1) {
  await hub.run('master-key', 'rotate')
  // Keys that a new workspace gets are wrapped with the key of the moment.
  await callHub(hub.url, key, 'GET', '/api/v1/leads?limit=1')
}
const leftMs = Number(flags.seconds) * 1000 - (performance.now() - startMs)
if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs))
end.abort()
await load
await client.close()
const seconds = (performance.now() - startMs) / 1000
const { keys } = JSON.parse(await readFile(join(hub.dataDir, 'keys.json'), 'utf8')) as {
  keys: object
}
await hub.kill()
const again = await startHub({ dataDir: hub.dataDir })
const { data } = await callHub<{ data: { email: string | null }[] }>(
  again.url,
  key,
  'GET',
  '/api/v1/leads?limit=100',
)
await again.stop()
report('rotation', [
  figure('master keys made', rotations, ''),
  figure('seconds', seconds, 's'),
  figure('leads taken in meanwhile', counts.taken, ''),
  figure('requests that failed', counts.failed, '', { atMost: 0 }),
  figure('keys left in the file', Object.keys(keys).length, '', { atMost: 1 }),
  figure(
    'of a hundred leads, opened after a restart',
    data.filter(({ email }) => email).length,
    '',
    {
      atLeast: 100,
    },
  ),
])
