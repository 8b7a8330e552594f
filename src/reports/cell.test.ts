import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededRandom } from '#core/random.ts'
import { ManualClock } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { useHub, type TestWorkspace } from '#tests/hub.ts'
import {
  checkCell,
  drawCell,
  LineageOracle,
  makeLineageWorld,
  type LineageTools,
  type LineageWorld,
} from '#tests/lineage-world.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock })
let crm: HubspotSandbox
let workspace: TestWorkspace
let world: LineageWorld
let tools: LineageTools

beforeAll(async () => {
  crm = await startHubspot({
    now: () => clock.now().getTime(),
    settings: { companyCurrency: 'EUR' },
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
  workspace = await hub.freshWorkspace({ currency: 'EUR' })
  tools = {
    async call(method, path, body, contentType = 'application/json') {
      const isText = contentType !== 'application/json'
      const answer = await fetch(hub.url + path, {
        method,
        headers: { authorization: `Bearer ${workspace.key}`, 'content-type': contentType },
        ...(body !== undefined && { body: isText ? String(body) : JSON.stringify(body) }),
      })
      expect(answer.status, path).toBeLessThan(300)
      return { body: await answer.json(), requestId: answer.headers.get('x-request-id')! }
    },
    settle: () => hub.settle(),
    store: hub.app.store,
    workspaceId: workspace.id,
    crm,
    clock,
    random: seededRandom(5, 1),
  }
  world = await makeLineageWorld(tools, { leads: 30, touches: 240, deals: 40 })
}, 120_000)
afterAll(() => crm.stop())

test('cells of reports lead back to the records and origins that made them, and those forward to the cells', async () => {
  const oracle = new LineageOracle(world.tables)
  const seen = { cells: 0, records: 0, fields: 0, forward: 0 }
  while (seen.cells < 60) {
    const cell = drawCell(tools.random, world)
    const { records, fields, cells, wrong } = await checkCell(tools, world, oracle, cell)
    expect(wrong).toEqual([])
    if (records === 0) continue
    seen.cells += 1
    seen.records += records
    seen.fields += fields
    seen.forward += cells
  }
  expect(seen.records).toBeGreaterThan(600)
  expect(seen.forward).toBeGreaterThan(600)
}, 120_000)
