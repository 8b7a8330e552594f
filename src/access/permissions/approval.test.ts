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
}, 120_000)
