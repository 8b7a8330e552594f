import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededRandom } from '#core/random.ts'
import { ManualClock } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'
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
      const answer = await fetch(hub.url + path, {
        method,
        headers: { authorization: `Bearer ${workspace.key}`, 'content-type': contentType },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
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
  world = await makeLineageWorld(tools, { leads: 24, touches: 160, deals: 30 })
})
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
  expect(seen.records).toBeGreaterThan(400)
  expect(seen.forward).toBeGreaterThan(400)
})

test('a field of a deal has the same origin in a cell as when it is traced by itself', async () => {
  const { id } = world.tables.deals[0]!
  const { body } = await workspace.get(`/api/v1/lineage/records/${id}/cells?field=closedAt&limit=1`)
  const cell = await workspace.get(body.data[0].lineage)
  const deal = cell.body.data.find(({ record }: { record: string }) => record === id)
  for (const field of ['amountMinor', 'closedAt', 'status', 'leads']) {
    const traced = await workspace.get(`/api/v1/lineage?record=${id}&field=${field}`)
    const { origin } = deal.fields.find((one: { field: string }) => one.field === field)
    const { kind, runId, sourceRecord, vendor, at } = traced.body.origin
    expect(origin, field).toMatchObject({ kind, runId, sourceRecord, vendor, at })
  }
  const touch = cell.body.data.find(({ kind }: { kind: string }) => kind === 'touch')
  const traced = await workspace.get(`/api/v1/lineage?record=${touch.record}&field=channel`)
  expect(traced.body.origin.requestId).toBe(touch.fields[0].origin.requestId)
})

test('a report is told as a dataset of OpenLineage whose columns name those of the records', async () => {
  const { body } = await workspace.get(`/api/v1/lineage/cells?campaignId=${world.campaigns[0]}`)
  const { name, facets } = body.dataset
  expect(name).toBe('attribution.campaigns')
  expect(facets.columnLineage._schemaURL).toContain('/1-2-0/ColumnLineageDatasetFacet.json')
  const inputs = facets.columnLineage.fields.creditedMinor.inputFields
  expect(inputs).toContainEqual({
    namespace: `throughline://${workspace.id}`,
    name: 'opportunity',
    field: 'amountMinor',
    transformations: [{ type: 'DIRECT', subtype: 'AGGREGATION', masking: false }],
  })
  expect(body.campaign).toMatchObject({ part: 'cost', record: world.campaigns[0] })
})

test('a cell names one row, values stay out of it, and no other workspace sees it', async () => {
  const both = await workspace.get('/api/v1/lineage/cells?campaignId=none&channel=email')
  expectProblem(both, 422, 'request.invalid')
  expectProblem(await workspace.get('/api/v1/lineage/cells'), 422, 'request.invalid')
  const path = `/api/v1/lineage/cells?campaignId=${world.campaigns[0]}`
  const own = await workspace.get(path)
  expect(own.text).not.toMatch(/example|Minor":\d/)
  const other = await hub.freshWorkspace()
  expectProblem(await other.get(path), 404, 'resource.not_found')
  const cells = `/api/v1/lineage/records/${world.tables.deals[0]!.id}/cells?field=amountMinor`
  expect((await other.get(cells)).body.data).toEqual([])
  expect((await workspace.get(cells.replace('amountMinor', 'name'))).body.data).toEqual([])
  const reader = await workspace.withKey({ scopes: ['attribution:read'] })
  expectProblem(await reader.get(path), 403, 'auth.forbidden')
})
