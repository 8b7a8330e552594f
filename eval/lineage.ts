// Whether figures lead back to all that made them, and forward again: cells of reports drawn at random over a made-up company
// whose records came by calls, a file and a CRM, against a plain count over its tables and origins known from their making.
// `npm run eval -- lineage [-- --cells 1000 --leads 80 --touches 500 --deals 80 --seed 1]`. A database is started for it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createWorkspace, issueKey } from '#access/bootstrap.ts'
import { seedWorkspace, startApp } from '#app.ts'
import { figure, report } from '#bench/figures.ts'
import { loadConfig } from '#config.ts'
import { silentLog } from '#core/log.ts'
import { seededRandom } from '#core/random.ts'
import { ManualClock } from '#core/time.ts'
import { startHubspot } from '#sandbox/hubspot/index.ts'
import {
  checkCell,
  drawCell,
  LineageOracle,
  makeLineageWorld,
  type LineageTools,
} from '#tests/lineage-world.ts'

const { values: flags } = parseArgs({
  options: {
    cells: { type: 'string', default: '1000' },
    leads: { type: 'string', default: '80' },
    touches: { type: 'string', default: '500' },
    deals: { type: 'string', default: '80' },
    seed: { type: 'string', default: '1' },
  },
})
const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const dataDir = await mkdtemp(join(tmpdir(), 'throughline-lineage-'))
const crm = await startHubspot({
  now: () => clock.now().getTime(),
  settings: { companyCurrency: 'EUR' },
  limits: { tenSecondly: null, daily: null, searchSecondly: null },
})
const config = loadConfig(
  {},
  { dataDir, httpPort: 0, runJobs: false, requireApprovals: false, threatIntervalMs: 0 },
)
const app = await startApp(config, { listen: true, log: silentLog, clock })
try {
  await check(await openTools())
} finally {
  await app.stop()
  await crm.stop()
  await rm(dataDir, { recursive: true, force: true })
}

async function openTools(): Promise<LineageTools> {
  const { store } = app
  const now = clock.now()
  const setting = { name: 'Made up', currency: 'EUR', timeZone: 'UTC' }
  const workspaceId = await createWorkspace(store, setting, now, seedWorkspace)
  const rights = { name: 'eval', roles: ['admin'], scopes: [], rateLimitPerMinute: 1_000_000 }
  const { token } = await issueKey(store, workspaceId, rights, now)
  return {
    async call(method, path, body, contentType = 'application/json') {
      const answer = await fetch(app.url + path, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': contentType },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
      return { body: await answer.json(), requestId: answer.headers.get('x-request-id')! }
    },
    settle: () => app.jobs.drain(),
    store,
    workspaceId,
    crm,
    clock,
    random: seededRandom(Number(flags.seed), 1),
  }
}

async function check(tools: LineageTools): Promise<void> {
  const world = await makeLineageWorld(tools, {
    leads: Number(flags.leads),
    touches: Number(flags.touches),
    deals: Number(flags.deals),
  })
  const oracle = new LineageOracle(world.tables)
  const sum = { cells: 0, empty: 0, exact: 0, records: 0, fields: 0, forward: 0 }
  const startMs = performance.now()
  while (sum.cells < Number(flags.cells)) {
    const cell = drawCell(tools.random, world)
    const { records, fields, cells, wrong } = await checkCell(tools, world, oracle, cell)
    for (const line of wrong) process.stdout.write(`DIFFERS: ${line}\n`)
    if (records === 0 && wrong.length === 0) {
      sum.empty += 1
      continue
    }
    sum.cells += 1
    sum.exact += Number(wrong.length === 0)
    sum.records += records
    sum.fields += fields
    sum.forward += cells
  }
  report('lineage', [
    figure('cells traced both ways', sum.cells, 'cells'),
    figure('of which agree with the tables and the origins', sum.exact / sum.cells, 'share', {
      atLeast: 1,
    }),
    figure('records that they lead back to', sum.records, 'records'),
    figure('fields whose origin is known and told', sum.fields, 'fields'),
    figure('cells that records lead forward to', sum.forward, 'cells'),
    figure('cells drawn that had nothing in them', sum.empty, 'cells'),
    figure('mean time to check a cell', (performance.now() - startMs) / sum.cells, 'ms'),
  ])
}
