import { afterAll, beforeAll, expect, test } from 'vitest'
import { HOUR_MS, ManualClock } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock })
let sandbox: HubspotSandbox
let workspace: TestWorkspace
let stream: string
beforeAll(async () => {
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
  workspace = await hub.freshWorkspace()
  const made = await workspace.post('/api/v1/connections', {
    vendor: 'hubspot',
    name: 'CRM',
    settings: { baseUrl: sandbox.url, token: sandbox.token },
  })
  stream = `/api/v1/connections/${made.body.id}/streams/contacts`
  const none = await workspace.post(`${stream}/preview`, {})
  expect(none.body).toEqual({ records: [] })
  const leads = Array.from({ length: 12 }, (_, n) => ({
    email: `p${n}@example.com`,
    jobTitle: 'Engineer',
  }))
  await workspace.post('/api/v1/integrations/sales/leads', { leads })
  await hub.settle()
  await workspace.post(`/api/v1/connections/${made.body.id}/runs`, {})
  await hub.settle()
  clock.advance(HOUR_MS)
  for (const { id } of sandbox.records('contacts'))
    sandbox.edit('contacts', id, { jobtitle: 'Countess', hs_lead_status: 'IN_PROGRESS' })
})
afterAll(() => sandbox.stop())

interface Seen {
  records: {
    localId: string
    fields: { field: string; hub: unknown; crm: unknown; raw: unknown; outcome: string }[]
  }[]
}

async function preview(rule: object | null): Promise<Seen> {
  const answer = await workspace.post(`${stream}/preview`, { rule })
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

test('ten records at most show every mapped field on both sides, and what the next run would do', async () => {
  const { records } = await preview(null)
  expect(records).toHaveLength(10)
  for (const { fields } of records) {
    const byName = new Map(fields.map((one) => [one.field, one]))
    expect(byName.get('jobTitle')).toMatchObject({
      hub: 'Engineer',
      crm: 'Countess',
      outcome: 'crm',
    })
    expect(byName.get('email')).toMatchObject({ outcome: 'same' })
    expect(byName.has('custom.state')).toBe(false)
  }
})

test('a mapping is tried before it is kept: the value as it is there, as it would come in, and by whom it is decided', async () => {
  const pairs = [['working', 'IN_PROGRESS']]
  const rule = { field: 'custom.state', property: 'hs_lead_status', direction: 'pull' }
  const taken = await preview({ ...rule, transform: { kind: 'map', pairs } })
  expect(taken.records).toHaveLength(10)
  for (const { fields } of taken.records)
    expect(fields).toEqual([
      { field: 'custom.state', hub: null, crm: 'working', raw: 'IN_PROGRESS', outcome: 'crm' },
    ])
  const off = await preview({ field: 'jobTitle', policy: 'off' })
  expect(off.records[0]?.fields).toMatchObject([{ field: 'jobTitle', outcome: 'same' }])
  const out = await preview({ field: 'jobTitle', direction: 'push' })
  // Only the CRM changed it since both agreed, and what it holds is not taken in.
  expect(out.records[0]?.fields).toMatchObject([{ field: 'jobTitle', outcome: 'same' }])
  const { data } = (await workspace.get(`${stream}/fields`)).body
  expect(data.some(({ field }: { field: string }) => field === 'custom.state')).toBe(false)
})

test('a mapping that cannot work is refused as it would be when kept', async () => {
  const post = (rule: object) => workspace.post(`${stream}/preview`, { rule })
  const unnamed = await post({ field: 'custom.state' })
  expectProblem(unnamed, 422, 'request.invalid')
  expect(unnamed.body.errors[0].pointer).toBe('/property')
  expectProblem(await post({ field: 'score', direction: 'pull' }), 422, 'request.invalid')
  expectProblem(
    await workspace.post(stream.replace('contacts', 'owners') + '/preview', {}),
    404,
    'resource.not_found',
  )
})

test('values are masked for whoever may not see them, and another workspace sees nothing', async () => {
  const reader = await workspace.withKey({ scopes: ['conflicts:read', 'conflicts:write'] })
  const masked = await reader.post(`${stream}/preview`, {})
  expect(masked.status, masked.text).toBe(200)
  expect(masked.text).not.toContain('Engineer')
  expect(masked.text).not.toContain('Countess')
  const none = await workspace.withKey({ scopes: ['connections:read'] })
  expectProblem(await none.post(`${stream}/preview`, {}), 403, 'auth.forbidden')
  const other = await hub.freshWorkspace()
  expectProblem(await other.post(`${stream}/preview`, {}), 404, 'resource.not_found')
})

test('the fields say of what type they are, and which of the hub’s could be mapped yet', async () => {
  const { data, unmapped } = (await workspace.get(`${stream}/fields`)).body
  const of = (name: string) => data.find(({ field }: { field: string }) => field === name)
  expect(of('email')).toMatchObject({ type: 'email' })
  const names = new Set(data.map(({ field }: { field: string }) => field))
  for (const { field, type } of unmapped) {
    expect(names.has(field)).toBe(false)
    expect(type).not.toBe('reference')
  }
})
