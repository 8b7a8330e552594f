import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { ManualClock, MINUTE_MS } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { listOpenRectifications, saveReceipts } from '#sync/rectify.store.ts'
import { expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock })
const REQUESTS = '/api/v1/privacy/requests'
const right = { email: 'right.quagga@zoo.example', lastName: 'Quagga', phone: null, company: 'Zoo' }

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

/** A lead with wrong values, in the CRM as well. */
async function wrongLead() {
  const made = await workspace.post('/api/v1/connections', {
    vendor: 'hubspot',
    name: 'CRM',
    settings: { baseUrl: sandbox.url, token: sandbox.token },
  })
  const lead = await workspace.post('/api/v1/integrations/sales/leads', {
    email: 'wrong.quagga@zoo.example',
    firstName: 'Zebulonia',
    lastName: 'Kwagga',
    phone: '+49 30 555 0199',
    company: 'Zebra Ltd',
    event: 'demo_request',
  })
  expect(lead.status, lead.text).toBe(201)
  const connectionId = made.body.id as string
  await sync(connectionId)
  const leadId = lead.body.id as string
  const personId = (await workspace.get(`/api/v1/leads/${leadId}`)).body.personId as string
  return { connectionId, leadId, personId }
}

async function sync(connectionId: string) {
  await workspace.post(`/api/v1/connections/${connectionId}/runs`, {})
  await hub.settle()
}

const take = (personId: string, changes: object, by = workspace) =>
  by.post(REQUESTS, { kind: 'rectification', personId, changes, note: 'By letter; card seen.' })

async function carriedOut(personId: string, changes: object) {
  const { body } = await take(personId, changes)
  const approved = await officer.post(`${REQUESTS}/${body.id}/approve`, {})
  expect(approved.status, approved.text).toBe(200)
  return { id: body.id as string, approved: approved.body }
}

const contactProperties = () => [...sandbox.records('contacts')][0]!

test('what is wrong is put right here at once and in the CRM by the normal sync, with a receipt once it is there', async () => {
  const { connectionId, leadId, personId } = await wrongLead()
  const { id, approved } = await carriedOut(personId, right)
  expect(approved).toMatchObject({
    state: 'waiting',
    fields: ['company', 'email', 'lastName', 'phone'],
    changes: right,
    before: {
      person: { email: 'wrong.quagga@zoo.example', lastName: 'Kwagga', phone: '+49 30 555 0199' },
      leads: [{ id: leadId, company: 'Zebra Ltd' }],
    },
    receipts: [{ system: 'CRM', entity: 'lead', state: 'waiting' }],
  })
  const lead = (await workspace.get(`/api/v1/leads/${leadId}`)).body
  expect(lead).toMatchObject({ ...right, firstName: 'Zebulonia' })
  expect(JSON.stringify(contactProperties())).toContain('Kwagga')
  await hub.settle()
  clock.advance(MINUTE_MS)
  await sync(connectionId)
  expect(JSON.stringify(contactProperties())).not.toMatch(/Kwagga|wrong\.quagga|555 0199|Zebra/)
  expect(JSON.stringify(contactProperties())).toContain(right.email)
  const done = (await officer.get(`${REQUESTS}/${id}`)).body
  expect(done.state).toBe('done')
  expect(done.receipts).toMatchObject([{ state: 'done', detail: expect.stringMatching(/run_/) }])
  // The right address names the person from now on, the wrong one somebody else.
  const again = await workspace.post('/api/v1/people', { email: right.email })
  expect(again.body.id).toBe(personId)
  const other = await workspace.post('/api/v1/people', { email: 'wrong.quagga@zoo.example' })
  expect(other.body.id).not.toBe(personId)
  // What comes back from the CRM brings nothing old.
  clock.advance(10 * MINUTE_MS)
  await sync(connectionId)
  expect((await workspace.get(`/api/v1/leads/${leadId}`)).body).toMatchObject(right)
})

test('the audit log tells which fields and where before and after are kept, without a value; an erasure empties them', async () => {
  const { personId } = await wrongLead()
  const { id } = await carriedOut(personId, right)
  const { body, text } = await workspace.get('/api/v1/audit?limit=200')
  const entry = body.data.find((one: { action: string }) => one.action === 'person.rectified')
  expect(entry).toMatchObject({
    subjectId: personId,
    detail: {
      requestId: id,
      fields: ['company', 'email', 'lastName', 'phone'],
      before: `${REQUESTS}/${id}#/before`,
      after: `${REQUESTS}/${id}#/changes`,
    },
  })
  expect(text).not.toMatch(/Kwagga|Quagga|quagga/)
  const clerk = await workspace.withKey({ scopes: ['privacy:read'] })
  expect((await clerk.get(`${REQUESTS}/${id}`)).text).not.toMatch(/Kwagga|Quagga|quagga/)
  const access = await workspace.post(REQUESTS, { kind: 'access', personId, note: 'By letter.' })
  await officer.post(`${REQUESTS}/${access.body.id}/approve`, {})
  const held = await officer.get(`${REQUESTS}/${access.body.id}/export`)
  expect(JSON.stringify(held.body.held.privacyRequests)).toContain('Kwagga')
  const erasure = await workspace.post(REQUESTS, { kind: 'erasure', personId, note: 'By letter.' })
  await officer.post(`${REQUESTS}/${erasure.body.id}/approve`, {})
  await hub.settle()
  const after = await officer.get(`${REQUESTS}/${id}`)
  expect(after.body).toMatchObject({ state: 'done', changes: null, before: null })
  expect(after.text).not.toMatch(/Kwagga|Quagga|quagga/)
})

test('a field that the connection only reads is to be done by hand, and done once the next sync saw it there', async () => {
  const { connectionId, personId } = await wrongLead()
  const fields = `/api/v1/connections/${connectionId}/streams/contacts/fields`
  const rule = await workspace.put(`${fields}/lastName`, { direction: 'pull' })
  expect(rule.status, rule.text).toBeLessThan(300)
  const { id } = await carriedOut(personId, { lastName: 'Quagga' })
  await sync(connectionId)
  const waiting = (await officer.get(`${REQUESTS}/${id}`)).body
  expect(waiting).toMatchObject({ state: 'waiting', receipts: [{ state: 'by_hand' }] })
  expect(waiting.receipts[0].detail).toContain('only reads lastName')
  const [contact] = [...sandbox.records('contacts')]
  sandbox.edit('contacts', contact!.id, { lastname: 'Quagga' })
  clock.advance(10 * MINUTE_MS)
  await sync(connectionId)
  const seen = (await officer.get(`${REQUESTS}/${id}`)).body
  expect(seen.receipts).toMatchObject([{ state: 'done' }])
  expect(seen.state).toBe('done')
})

test('what waits for somebody there keeps nothing else from being looked at', async () => {
  const { connectionId, personId } = await wrongLead()
  const fields = `/api/v1/connections/${connectionId}/streams/contacts/fields`
  for (const field of ['lastName', 'phone'])
    await workspace.put(`${fields}/${field}`, { direction: 'pull' })
  const older = await carriedOut(personId, { lastName: 'Quagga' })
  clock.advance(MINUTE_MS)
  const newer = await carriedOut(personId, { phone: '+49 30 555 0188' })
  await hub.settle()
  const look = () =>
    hub.app.store.transaction(workspace.id, async (tx) => {
      const rows = await listOpenRectifications(tx, connectionId, 1)
      const receipts = rows.map((row) => ({ ...row, state: 'by_hand' as const, detail: null }))
      await saveReceipts(tx, receipts, clock.now())
      return rows[0]!.requestId
    })
  const looked = [await look(), await look()].sort()
  expect(looked).toEqual([older.id, newer.id].sort())
})

test('it needs another person, at least one field, and an address that nobody else has', async () => {
  const { leadId, personId } = await wrongLead()
  expectProblem(await take(personId, {}), 422, 'request.invalid')
  expectProblem(await take(personId, { email: null }), 422, 'request.invalid')
  expectProblem(
    await workspace.post(REQUESTS, { kind: 'access', personId, note: 'x', changes: right }),
    422,
    'request.invalid',
  )
  const own = await take(personId, right, officer)
  expect(own.status, own.text).toBe(201)
  expectProblem(
    await officer.post(`${REQUESTS}/${own.body.id}/approve`, {}),
    403,
    'privacy.second_person',
  )
  await workspace.post('/api/v1/people', { email: right.email })
  const taken = await take(personId, right)
  expectProblem(
    await officer.post(`${REQUESTS}/${taken.body.id}/approve`, {}),
    409,
    'privacy.address_taken',
  )
  const lead = (await workspace.get(`/api/v1/leads/${leadId}`)).body
  expect(lead).toMatchObject({ email: 'wrong.quagga@zoo.example', lastName: 'Kwagga' })
  expect((await officer.get(`${REQUESTS}/${taken.body.id}`)).body.state).toBe('received')
  const seller = await workspace.withKey({ roles: ['sales'] })
  expect((await take(personId, right, seller)).status).toBe(403)
})

test('of people who were merged by hand, what was wrong in the same way is put right in both, so that taking them apart brings nothing wrong back', async () => {
  const { personId } = await wrongLead()
  const other = await workspace.post('/api/v1/people', {
    email: 'second@zoo.example',
    lastName: 'Kwagga',
  })
  const merged = await workspace.post(`/api/v1/people/${personId}/merge`, {
    with: other.body.id,
  })
  expect(merged.status, merged.text).toBeLessThan(300)
  await carriedOut(other.body.id, { lastName: 'Quagga' })
  expect((await workspace.get(`/api/v1/people/${personId}`)).body.lastName).toBe('Quagga')
  const undone = await workspace.post(`/api/v1/people/merges/${merged.body.id}/unmerge`, {})
  expect(undone.status, undone.text).toBeLessThan(300)
  for (const each of [personId, other.body.id])
    expect((await workspace.get(`/api/v1/people/${each}`)).body.lastName).toBe('Quagga')
})
