import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DAY_MS, ManualClock, MINUTE_MS } from '#core/time.ts'
import { applyRetention } from '#compliance/retention.run.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock })
const LIFT = '/api/v1/privacy/suppressions/lift'
const ADA = 'ada@quagga.example'

let sandbox: HubspotSandbox
let workspace: TestWorkspace
let officer: TestWorkspace

beforeAll(async () => {
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
})
afterAll(() => sandbox.stop())
beforeEach(async () => {
  sandbox.reset()
  workspace = await hub.freshWorkspace()
  officer = await workspace.withKey({ roles: ['privacy'] })
})

/** Somebody who was here and was erased on request. */
async function eraseAda(): Promise<string> {
  const person = await workspace.post('/api/v1/people', { email: ADA })
  const asked = { kind: 'erasure', personId: person.body.id, note: 'By letter.' }
  const { body } = await workspace.post('/api/v1/privacy/requests', asked)
  const approved = await officer.post(`/api/v1/privacy/requests/${body.id}/approve`, {})
  expect(approved.status, approved.text).toBe(200)
  return body.id
}

async function importRows(): Promise<{ id: string; counts: Record<string, number> }> {
  const answer = await fetch(`${hub.url}/api/v1/imports?target=leads&fileName=a.csv`, {
    method: 'POST',
    body: `email,first name\nADA@Quagga.example,Ada\nbob@x.example,Bob\n`,
    headers: { authorization: `Bearer ${workspace.key}`, 'content-type': 'text/csv' },
  })
  const { id } = (await answer.json()) as { id: string }
  await workspace.post(`/api/v1/imports/${id}/start`, {})
  await hub.settle()
  const { body } = await workspace.get(`/api/v1/imports/${id}`)
  expect(body.state).toBe('done')
  return { id, counts: body.counts }
}

const emails = async (): Promise<string[]> =>
  (await workspace.get('/api/v1/leads?limit=500')).body.data
    .map(({ email }: { email: string | null }) => email)
    .toSorted()

async function connect(): Promise<string> {
  const { body } = await workspace.post('/api/v1/connections', {
    vendor: 'hubspot',
    name: 'CRM',
    settings: { baseUrl: sandbox.url, token: sandbox.token },
  })
  return body.id
}

async function sync(connectionId: string): Promise<void> {
  clock.advance(10 * MINUTE_MS)
  await workspace.post(`/api/v1/connections/${connectionId}/runs`, {})
  await hub.settle()
}

describe('an address that was erased on request', () => {
  test('does not come back by an import: its row is rejected, the others come in; once lifted it may', async () => {
    const requestId = await eraseAda()
    const { id, counts } = await importRows()
    expect(counts).toMatchObject({ created: 1, rejected: 1 })
    const rejects = (await workspace.get(`/api/v1/imports/${id}/rejects`)).body.data
    expect(rejects).toMatchObject([{ code: 'privacy.suppressed', line: 2 }])
    expect(await emails()).toEqual(['bob@x.example'])
    expectProblem(
      await workspace
        .withKey({ roles: ['marketing'] })
        .then((key) => key.post(LIFT, { email: ADA, reason: 'x' })),
      403,
      'auth.forbidden',
    )
    const lifted = await officer.post(LIFT, { email: ADA, reason: 'Asked to be kept again.' })
    expect(lifted.body).toMatchObject({ requestId, liftReason: 'Asked to be kept again.' })
    expectProblem(await officer.post(LIFT, { email: ADA, reason: 'x' }), 404, 'resource.not_found')
    expect((await importRows()).counts).toMatchObject({ created: 1, rejected: 0 })
    expect(await emails()).toEqual([expect.stringMatching(/^ada@quagga/i), 'bob@x.example'])
  })

  test('does not come back by a sync: the record is refused and stands among the errors; once lifted it comes', async () => {
    await eraseAda()
    const connectionId = await connect()
    sandbox.seedContacts([{ email: ADA, firstname: 'Ada' }, { email: 'bob@x.example' }])
    await sync(connectionId)
    const errors = (await workspace.get('/api/v1/sync/errors')).body.data
    expect(errors).toMatchObject([{ code: 'record.suppressed', state: 'open' }])
    expect(await emails()).not.toContain(ADA)
    await officer.post(LIFT, { email: ADA, reason: 'Asked to be kept again.' })
    const { stream, code } = errors[0]
    const retried = await workspace.post('/api/v1/sync/errors/retry', {
      connectionId,
      stream,
      code,
    })
    expect(retried.status, retried.text).toBe(200)
    await sync(connectionId)
    expect(await emails()).toContain(ADA)
    expect((await workspace.get('/api/v1/sync/errors')).body.data).toEqual([])
  })

  test('who comes again by themself is somebody new, and that lifts nothing for others', async () => {
    await eraseAda()
    const again = await workspace.post('/api/v1/integrations/sales/leads', { email: ADA })
    expect(again.status).toBe(201)
    const { body } = await officer.get('/api/v1/privacy/suppressions')
    expect(body.data).toMatchObject([{ liftedAt: null }])
    expect(JSON.stringify(body)).not.toContain('quagga')
    // Of another workspace nothing is known.
    const other = await hub.freshWorkspace()
    expect((await other.get('/api/v1/privacy/suppressions')).body.data).toEqual([])
  })
})

test('whom a retention rule took the name from does not come back when the CRM’s record changes', async () => {
  const lead = await workspace.post('/api/v1/integrations/sales/leads', {
    email: ADA,
    firstName: 'Ada',
  })
  const connectionId = await connect()
  await sync(connectionId)
  expect(sandbox.count('contacts')).toBe(1)
  await workspace.put('/api/v1/retention/rules/unconverted_leads', { days: 30 })
  clock.advance(60 * DAY_MS)
  const modules = hub.app.modules
  await applyRetention(
    hub.app.store,
    {
      kinds: modules.flatMap((module) => module.retained ?? []),
      stores: modules.flatMap((module) => module.personal ?? []),
    },
    clock.now(),
  )
  await hub.settle()
  // Connected systems keep theirs under their own rules.
  const [contact] = [...sandbox.records('contacts')] as { id: string }[]
  const changed = await fetch(`${sandbox.url}/crm/v3/objects/contacts/${contact!.id}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${sandbox.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ properties: { firstname: 'Adelheid' } }),
  })
  expect(changed.status, await changed.text()).toBe(200)
  await sync(connectionId)
  expect((await workspace.get(`/api/v1/leads/${lead.body.id}`)).body.email).toBeNull()
  expect(await emails()).toEqual([null])
})
