import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { HOUR_MS, ManualClock } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock })
let sandbox: HubspotSandbox
let workspace: TestWorkspace
let connectionId: string

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
  const made = await workspace.post('/api/v1/connections', {
    vendor: 'hubspot',
    name: 'CRM',
    settings: { baseUrl: sandbox.url, token: sandbox.token },
  })
  connectionId = made.body.id
})

async function run(): Promise<string> {
  clock.advance(HOUR_MS)
  const asked = await workspace.post(`/api/v1/connections/${connectionId}/runs`, {})
  expect(asked.status, asked.text).toBe(202)
  await hub.settle()
  clock.advance(HOUR_MS)
  return asked.body.id
}

/** Two leads, and a run that took in the phone number and title of one and that she opted out, and the company of the other. */
async function worldWithRun() {
  const leads: { id: string; contactId: string }[] = []
  for (const name of ['ada', 'bob']) {
    const email = `${name}@example.com`
    const made = await workspace.post('/api/v1/integrations/sales/leads', {
      email,
      phone: '+491',
      company: 'Old',
    })
    leads.push({ id: made.body.id, contactId: email })
  }
  await hub.settle()
  await run()
  for (const lead of leads)
    lead.contactId = [...sandbox.records('contacts')].find(
      ({ properties }) => properties['email'] === lead.contactId,
    )!.id
  await run()
  const [ada, bob] = leads
  sandbox.edit('contacts', ada!.contactId, { phone: '+492', jobtitle: 'Countess' })
  sandbox.edit('contacts', ada!.contactId, { hs_email_optout: 'true' })
  sandbox.edit('contacts', bob!.contactId, { company: 'New' })
  const runId = await run()
  expect((await leadOf(ada!.id)).phone).toBe('+492')
  return { ada: ada!, bob: bob!, runId }
}

const leadOf = async (id: string) => (await workspace.get(`/api/v1/leads/${id}`)).body

test('a run is undone from the preview to the outcomes: later edits win, and the opt-out stays', async () => {
  const { ada, bob, runId } = await worldWithRun()
  expect((await workspace.patch(`/api/v1/leads/${bob.id}`, { company: 'Later' })).status).toBe(200)
  const path = `/api/v1/sync/runs/${runId}/undo`
  const preview = (await workspace.get(path)).body
  expect(preview).toMatchObject({
    runId,
    isWhole: true,
    back: [{ stream: 'contacts', side: 'here', action: 'update', records: 1, fields: 2 }],
  })
  const codes = preview.kept.map((one: { code: string }) => one.code).toSorted()
  expect(codes).toEqual(['undo.edited_later', 'undo.opt_out_stays'])
  const later = preview.kept.find((one: { code: string }) => one.code === 'undo.edited_later')
  expect(later.by).toMatch(/^key_/)

  const asked = await workspace.post(path, {})
  expect(asked.status, asked.text).toBe(202)
  expect(asked.body).toMatchObject({ state: 'building', undoes: runId, removesCreated: false })
  expectProblem(await workspace.post(path, {}), 409, 'sync.plan_open')
  await hub.settle()
  const planPath = `/api/v1/sync/plans/${asked.body.id}`
  const plan = (await workspace.get(planPath)).body
  expect(plan).toMatchObject({
    state: 'proposed',
    counts: [
      { side: 'here', action: 'update', state: 'kept', records: 1 },
      { side: 'here', action: 'update', state: 'planned', records: 1 },
    ],
  })
  const changes = (await workspace.get(`${planPath}/changes?state=planned`)).body.data
  expect(changes).toEqual([
    expect.objectContaining({
      localId: ada.id,
      side: 'here',
      fields: expect.arrayContaining([{ field: 'phone', before: '+492', after: '+491' }]),
      kept: [expect.objectContaining({ field: 'emailOptOut', code: 'undo.opt_out_stays' })],
    }),
  ])
  // Nothing was written by planning.
  expect((await leadOf(ada.id)).phone).toBe('+492')

  const approved = await workspace.post(`${planPath}/approval`, {})
  expect(approved.status, approved.text).toBe(200)
  await hub.settle()
  expect((await workspace.get(planPath)).body.state).toBe('done')
  expect(await leadOf(ada.id)).toMatchObject({ phone: '+491', jobTitle: null })
  expect(await leadOf(bob.id)).toMatchObject({ company: 'Later' })
  const [undo] = (await workspace.get('/api/v1/sync/runs')).body.data
  expect(undo).toMatchObject({ cause: 'undo', state: 'succeeded' })
  const records = (await workspace.get(`/api/v1/sync/runs/${undo.id}/records`)).body.data
  expect(records).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ localId: ada.id, outcome: 'updated', code: 'undo.partly' }),
      expect.objectContaining({ localId: bob.id, outcome: 'skipped', code: 'undo.edited_later' }),
    ]),
  )
  const history = await workspace.get(`/api/v1/sync/records/lead/${ada.id}/fields?field=phone`)
  expect(history.body.data[0].fields).toMatchObject([{ verdict: 'undone', reason: 'undo' }])
  expect(await workspace.auditActions()).toEqual(
    expect.arrayContaining(['undoSyncRun', 'approveChangePlan', 'plan.signed']),
  )
  const listed = await workspace.get(`/api/v1/sync/plans?undoes=${runId}`)
  expect(listed.body.data.map((one: { id: string }) => one.id)).toEqual([asked.body.id])

  // The CRM keeps its values, and a whole run carries nothing over; the opt-out stands on both sides.
  await run()
  expect(await leadOf(ada.id)).toMatchObject({ phone: '+491' })
  expect(sandbox.read('contacts', ada.contactId, 'phone')).toBe('+492')
  expect(sandbox.read('contacts', ada.contactId, 'hs_email_optout')).toBe('true')
})

test('what the run did to somebody who was erased since does not come back', async () => {
  const { ada, runId } = await worldWithRun()
  const person = (await leadOf(ada.id)).personId
  const asked = await workspace.post('/api/v1/privacy/requests', {
    kind: 'erasure',
    personId: person,
    note: 'By mail, identity proved',
  })
  expect(asked.status, asked.text).toBeLessThan(300)
  const other = await workspace.withKey({ roles: ['admin'] })
  const done = await other.post(`/api/v1/privacy/requests/${asked.body.id}/approve`, {})
  expect(done.status, done.text).toBeLessThan(300)
  await hub.settle()
  const preview = (await workspace.get(`/api/v1/sync/runs/${runId}/undo`)).body
  expect(preview.back).toMatchObject([{ records: 1, fields: 1 }]) // the other lead's
  expect(preview.kept).toMatchObject([{ code: 'undo.erased', records: 1 }])
})

test('only runs that are over are undone', async () => {
  expectProblem(await workspace.get('/api/v1/sync/runs/run_none/undo'), 404, 'resource.not_found')
  const asked = await workspace.post(`/api/v1/connections/${connectionId}/runs`, {})
  const path = `/api/v1/sync/runs/${asked.body.id}/undo`
  expectProblem(await workspace.get(path), 409, 'sync.running')
  expectProblem(await workspace.post(path, {}), 409, 'sync.running')
})
