import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'

const hub = useHub({ config: { requireApprovals: true } })
let crm: HubspotSandbox

beforeAll(async () => {
  crm = await startHubspot()
})
afterAll(() => crm.stop())

async function connected(): Promise<{ workspace: TestWorkspace; path: string }> {
  const workspace = await hub.freshWorkspace()
  await workspace.post('/api/v1/integrations/sales/leads', { email: 'ada@acme.example' })
  const { status, body } = await workspace.post('/api/v1/connections', {
    vendor: 'hubspot',
    name: 'CRM',
    settings: { baseUrl: crm.url, token: crm.token },
  })
  expect(status).toBe(201)
  return { workspace, path: `/api/v1/connections/${body.id}` }
}

async function run(workspace: TestWorkspace, path: string) {
  await hub.settle()
  const { body } = await workspace.post(`${path}/runs`, {})
  await hub.settle()
  return (await workspace.get(`/api/v1/sync/runs/${body.id}`)).body
}

test('a connection that nobody signed writes nothing; signed by each domain it does; another setting asks again', async () => {
  const { workspace, path } = await connected()
  const refused = await run(workspace, path)
  expect(refused.state).toBe('failed')
  expect([...crm.records('contacts')]).toHaveLength(0)
  const marketing = await workspace.withKey({ roles: ['marketing-approver'] })
  const sales = await workspace.withKey({ roles: ['sales-approver'] })
  expectProblem(
    await marketing.post(`${path}/approval`, { domain: 'sales' }),
    403,
    'auth.forbidden',
  )
  expectProblem(
    await marketing.post(`${path}/approval`, { domain: 'product' }),
    422,
    'request.invalid',
  )
  expect((await marketing.post(`${path}/approval`, { domain: 'marketing' })).body.state).toBe(
    'proposed',
  )
  expect((await run(workspace, path)).state).toBe('failed')
  expect([...crm.records('contacts')]).toHaveLength(0)
  for (const { domain } of (await sales.get(`${path}/approval`)).body.signatures)
    if (domain !== 'marketing') await workspace.post(`${path}/approval`, { domain })
  expect((await sales.get(`${path}/approval`)).body.state).toBe('approved')
  expect((await run(workspace, path)).state).toBe('succeeded')
  expect([...crm.records('contacts')]).toHaveLength(1)
  const loopback = crm.url.replace('127.0.0.1', 'localhost')
  const changed = await workspace.patch(path, { settings: { baseUrl: loopback } })
  expect(changed.status).toBe(200)
  expect((await sales.get(`${path}/approval`)).body.state).toBe('proposed')
  expect((await run(workspace, path)).state).toBe('failed')
  expect(await workspace.auditActions()).toContain('connection.signed')
})

test('a domain that refuses takes its signature back, and says why until it signs or the connection changes', async () => {
  crm.reset()
  const { workspace, path } = await connected()
  const sales = await workspace.withKey({ roles: ['sales-approver'] })
  const domains = (await sales.get(`${path}/approval`)).body.signatures as { domain: string }[]
  for (const { domain } of domains) await workspace.post(`${path}/approval`, { domain })
  expect((await run(workspace, path)).state).toBe('succeeded')
  const reason = 'Opportunities must not leave before the audit.'
  const refuse = (domain: string) => sales.post(`${path}/approval/refusal`, { domain, reason })
  expectProblem(await refuse('marketing'), 403, 'auth.forbidden')
  expectProblem(await refuse('finance'), 422, 'request.invalid')
  const refused = await refuse('sales')
  expect(refused.body.state).toBe('refused')
  expect(refused.body.signatures).toContainEqual({
    domain: 'sales',
    approvedBy: null,
    approvedAt: null,
    refusal: { by: expect.any(String), at: expect.any(String), reason },
  })
  const failed = await run(workspace, path)
  expect(failed).toMatchObject({ state: 'failed', fault: { kind: 'approval' } })
  const signed = await sales.post(`${path}/approval`, { domain: 'sales' })
  expect(signed.body.state).toBe('approved')
  expect(await workspace.auditActions()).toContain('connection.unsigned')
})

test('a change plan shows what would be written, is signed by each domain it writes to, and comes out so', async () => {
  crm.reset()
  const { workspace, path } = await connected()
  const marketing = await workspace.withKey({ roles: ['marketing-approver'] })
  const sales = await workspace.withKey({ roles: ['sales-approver'] })
  await workspace.post(`${path}/approval`, { domain: 'success' })
  await marketing.post(`${path}/approval`, { domain: 'marketing' })
  await sales.post(`${path}/approval`, { domain: 'sales' })
  const before = [...crm.records('contacts')].length
  const limited = await workspace.patch(path, { planAbove: 0 })
  expect(limited.body).toMatchObject({ planAbove: 0 })
  await hub.settle()
  const asked = await workspace.post(`${path}/plans`, {})
  expect(asked.status, asked.text).toBe(202)
  await hub.settle()
  const plan = `/api/v1/sync/plans/${asked.body.id}`
  expect([...crm.records('contacts')]).toHaveLength(before)
  const shown = (await workspace.get(plan)).body
  expect(shown).toMatchObject({
    state: 'proposed',
    counts: [{ stream: 'contacts', action: 'create', state: 'planned', records: 1 }],
    signatures: [
      { domain: 'marketing', approvedAt: null },
      { domain: 'sales', approvedAt: null },
    ],
  })
  const [change] = (await workspace.get(`${plan}/changes`)).body.data
  expect(change).toMatchObject({ action: 'create', properties: { email: 'ada@acme.example' } })
  expect(change.fields).toContainEqual({
    field: 'email',
    before: null,
    after: 'ada@acme.example',
  })
  // Who may see runs and conflicts but not people sees which fields, not the values.
  const blind = await workspace.withKey({ scopes: ['sync:read', 'conflicts:read'] })
  expect((await blind.get(`${plan}/changes`)).text).not.toContain('ada@acme.example')

  expectProblem(await workspace.post(`${path}/plans`, {}), 409, 'sync.plan_open')
  expectProblem(
    await marketing.post(`${plan}/approval`, { domain: 'sales' }),
    403,
    'auth.forbidden',
  )
  expectProblem(await marketing.post(`${plan}/approval`, {}), 422, 'request.invalid')
  expect((await marketing.post(`${plan}/approval`, { domain: 'marketing' })).body.state).toBe(
    'proposed',
  )
  expect((await sales.post(`${plan}/approval`, { domain: 'sales' })).body.state).toBe('approved')
  await hub.settle()
  const done = (await workspace.get(plan)).body
  expect(done).toMatchObject({
    state: 'done',
    counts: [{ stream: 'contacts', action: 'create', state: 'proved', records: 1 }],
  })
  expect([...crm.records('contacts')]).toHaveLength(before + 1)
  expectProblem(await sales.post(`${plan}/discard`, {}), 403, 'auth.forbidden')
  expectProblem(await workspace.post(`${plan}/discard`, {}), 409, 'sync.plan_not_proposed')
  expect((await workspace.get('/api/v1/sync/plans?state=done')).body.data).toHaveLength(1)
})
