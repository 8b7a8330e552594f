import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, ManualClock } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock })
let sandbox: HubspotSandbox
beforeAll(async () => {
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
})
afterAll(() => sandbox.stop())

async function connect(workspace: TestWorkspace, more: object = {}) {
  return workspace.post('/api/v1/connections', {
    vendor: 'hubspot',
    name: 'CRM',
    settings: { baseUrl: sandbox.url, token: sandbox.token },
    ...more,
  })
}

test('the catalogue names each system, its ways to sign in, and which settings are secret', async () => {
  const workspace = await hub.freshWorkspace()
  const { data } = (await workspace.get('/api/v1/connectors')).body
  expect(data.map(({ vendor }: { vendor: string }) => vendor).toSorted()).toEqual([
    'hubspot',
    'pipedrive',
    'salesforce',
  ])
  for (const { logins, settings } of data) {
    const names = settings.map(({ name }: { name: string }) => name)
    for (const { fields } of logins) expect(names).toEqual(expect.arrayContaining(fields))
  }
  const hubspot = data.find(({ vendor }: { vendor: string }) => vendor === 'hubspot')
  expect(hubspot.logins[0]).toEqual({
    label: 'Service key or private-app token',
    fields: ['token'],
  })
  expect(hubspot.settings).toContainEqual({
    name: 'token',
    description: 'Service key or private-app token',
    kind: 'text',
    isSecret: true,
    isRequired: false,
    default: null,
  })
  const pipedrive = data.find(({ vendor }: { vendor: string }) => vendor === 'pipedrive')
  const ofPipedrive = pipedrive.settings.map(({ name }: { name: string }) => name)
  // What a connector keeps for itself is nobody's to set.
  expect(ofPipedrive).not.toContain('usage')
  expect(pipedrive.settings).toContainEqual(
    expect.objectContaining({ name: 'sharePercent', kind: 'number', default: 50 }),
  )
  const stranger = await workspace.withKey({ scopes: ['leads:read'] })
  expectProblem(await stranger.get('/api/v1/connectors'), 403, 'auth.forbidden')
})

test('credentials say when they were given and when they end, until others take their place', async () => {
  const workspace = await hub.freshWorkspace()
  const made = await connect(workspace, { credentialsEndOn: '2026-12-01' })
  const path = `/api/v1/connections/${made.body.id}`
  const at = clock.now().toISOString()
  expect(made.body).toMatchObject({ credentialsAt: at, credentialsEndOn: '2026-12-01' })
  clock.advance(DAY_MS)
  const renamed = await workspace.patch(path, { name: 'Sales CRM' })
  expect(renamed.body).toMatchObject({ credentialsAt: at, credentialsEndOn: '2026-12-01' })
  const wrong = await workspace.patch(path, { settings: { token: 'pat-wrong' } })
  expectProblem(wrong, 422, 'connection.failed')
  // A setting that is no secret leaves the credentials as they are.
  const moved = { baseUrl: sandbox.url.replace('127.0.0.1', 'localhost') }
  const other = await workspace.patch(path, { settings: moved })
  expect(other.body).toMatchObject({ credentialsAt: at, credentialsEndOn: '2026-12-01' })
  const renewed = await workspace.patch(path, { settings: { token: sandbox.token } })
  const now = clock.now().toISOString()
  expect(renewed.body).toMatchObject({ credentialsAt: now, credentialsEndOn: null })
  const dated = await workspace.patch(path, { credentialsEndOn: '2027-05-01' })
  expect(dated.body).toMatchObject({ credentialsAt: now, credentialsEndOn: '2027-05-01' })
  expect((await workspace.get(path)).body).toMatchObject({ credentialsEndOn: '2027-05-01' })
})

test('where the hub asks for no signatures, a connection counts as approved by nobody', async () => {
  const workspace = await hub.freshWorkspace()
  const { body } = await connect(workspace)
  const approval = await workspace.get(`/api/v1/connections/${body.id}/approval`)
  expect(approval.body).toEqual({ connectionId: body.id, state: 'approved', signatures: [] })
  const missing = '/api/v1/connections/con_01890000000000000000000000000000/approval'
  expectProblem(await workspace.get(missing), 404, 'resource.not_found')
})

test('new credentials between two runs cost neither of them', async () => {
  const workspace = await hub.freshWorkspace()
  const { body } = await connect(workspace)
  const path = `/api/v1/connections/${body.id}`
  const run = async () => {
    clock.advance(HOUR_MS)
    const asked = await workspace.post(`${path}/runs`, {})
    await hub.settle()
    return (await workspace.get(`/api/v1/sync/runs/${asked.body.id}`)).body.state
  }
  expect(await run()).toBe('succeeded')
  expect((await workspace.patch(path, { settings: { token: sandbox.token } })).status).toBe(200)
  expect(await run()).toBe('succeeded')
})

test('a group of refusals names the field of the CRM that most of them are about', async () => {
  const workspace = await hub.freshWorkspace()
  const { body } = await connect(workspace)
  const path = `/api/v1/connections/${body.id}`
  for (const n of [1, 2, 3]) {
    const lead = { email: `p${n}@example.com`, custom: { shoe: 'green' } }
    await workspace.post('/api/v1/integrations/sales/leads', lead)
  }
  const rule = { property: 'hs_lead_status', direction: 'push' }
  const mapped = await workspace.put(`${path}/streams/contacts/fields/custom.shoe`, rule)
  expect(mapped.status, mapped.text).toBe(200)
  await hub.settle()
  await workspace.post(`${path}/runs`, {})
  await hub.settle()
  const [{ errors }] = (await workspace.get('/api/v1/sync/health')).body.data
  expect(errors).toMatchObject([{ stream: 'contacts', count: 3, property: 'hs_lead_status' }])
})
