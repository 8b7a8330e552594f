import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, ManualClock } from '#core/time.ts'
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

async function run(): Promise<{ state: string; counts: Record<string, Record<string, number>> }> {
  clock.advance(HOUR_MS)
  const asked = await workspace.post(`/api/v1/connections/${connectionId}/runs`, {})
  expect(asked.status, asked.text).toBe(202)
  await hub.settle()
  clock.advance(HOUR_MS)
  return (await workspace.get(`/api/v1/sync/runs/${asked.body.id}`)).body
}

/** A lead that is in the CRM already; its id here and there. */
async function syncedLead(): Promise<{ leadId: string; contactId: string }> {
  const made = await workspace.post('/api/v1/integrations/sales/leads', {
    email: 'ada@example.com',
    firstName: 'Ada',
    company: 'Engines',
  })
  await hub.settle()
  expect((await run()).state).toBe('succeeded')
  const [contact] = sandbox.records('contacts')
  return { leadId: made.body.id, contactId: contact!.id }
}

const open = async () => (await workspace.get('/api/v1/sync/conflicts')).body.data
const statusHere = async (id: string) => (await workspace.get(`/api/v1/leads/${id}`)).body.status

/** Both sides change the status, which is critical. */
async function dispute() {
  const { leadId, contactId } = await syncedLead()
  expect((await workspace.patch(`/api/v1/leads/${leadId}`, { status: 'working' })).status).toBe(200)
  sandbox.edit('contacts', contactId, { hub_lead_status: 'qualified', jobtitle: 'Countess' })
  const ended = await run()
  const [conflict] = await open()
  return { leadId, contactId, ended, conflict }
}

describe('the conflict inbox', () => {
  test('a critical field that both sides changed waits with both values, and the rest is in sync', async () => {
    const { leadId, contactId, ended, conflict } = await dispute()
    expect(ended).toMatchObject({ state: 'partial', counts: { contacts: { conflict: 1 } } })
    expect(conflict).toMatchObject({
      entity: 'lead',
      localId: leadId,
      externalId: contactId,
      field: 'status',
      hub: { value: 'working' },
      crm: { value: 'qualified' },
      base: 'new',
      state: 'open',
      isOverdue: false,
    })
    expect(await statusHere(leadId)).toBe('working')
    expect(sandbox.read('contacts', contactId, 'hub_lead_status')).toBe('qualified')
    expect((await workspace.get(`/api/v1/leads/${leadId}`)).body.jobTitle).toBe('Countess')
    await run()
    expect(await open()).toHaveLength(1)
    const [item] = (await workspace.get('/api/v1/sync/errors')).body.data
    expect(item).toMatchObject({ code: 'merge.both_changed', externalId: contactId })
  })

  test('the CRM’s value is written here when it is chosen, and nothing is left to do', async () => {
    const { leadId, contactId, conflict } = await dispute()
    const path = `/api/v1/sync/conflicts/${conflict.id}/resolve`
    const resolved = await workspace.post(path, { decision: { choice: 'crm' }, note: 'They know' })
    expect(resolved.body).toMatchObject({ state: 'resolved', choice: 'crm', chosen: 'qualified' })
    expect(await statusHere(leadId)).toBe('qualified')
    expect((await workspace.get('/api/v1/sync/errors')).body.data).toEqual([])
    await hub.settle()
    expect((await run()).state).toBe('succeeded')
    expect(sandbox.read('contacts', contactId, 'hub_lead_status')).toBe('qualified')
    expect(await open()).toEqual([])
    expectProblem(
      await workspace.post(path, { decision: { choice: 'hub' } }),
      409,
      'conflict.settled',
    )
    expect(await workspace.auditActions()).toContain('resolveConflict')
  })

  test('the hub’s value is sent when it is chosen', async () => {
    const { leadId, contactId, conflict } = await dispute()
    const bulk = await workspace.post('/api/v1/sync/conflicts/resolve', {
      conflictIds: [conflict.id],
      choice: 'hub',
    })
    expect(bulk.body).toMatchObject({ resolved: 1 })
    await run()
    expect(await statusHere(leadId)).toBe('working')
    expect(sandbox.read('contacts', contactId, 'hub_lead_status')).toBe('working')
    expect(await open()).toEqual([])
  })

  test('what was typed here while it waited is what the hub stands for', async () => {
    const { leadId, contactId, conflict } = await dispute()
    await workspace.patch(`/api/v1/leads/${leadId}`, { status: 'disqualified' })
    const path = `/api/v1/sync/conflicts/${conflict.id}/resolve`
    const resolved = await workspace.post(path, { decision: { choice: 'hub' } })
    expect(resolved.body).toMatchObject({ chosen: 'disqualified', hub: { value: 'disqualified' } })
    expect(await statusHere(leadId)).toBe('disqualified')
    await hub.settle()
    await run()
    expect(sandbox.read('contacts', contactId, 'hub_lead_status')).toBe('disqualified')
  })

  test('a decision can be taken back unless the field was changed since', async () => {
    const { leadId, conflict } = await dispute()
    const path = `/api/v1/sync/conflicts/${conflict.id}`
    await workspace.post(`${path}/resolve`, { decision: { choice: 'crm' } })
    const undone = await workspace.post(`${path}/undo`, {})
    expect(undone.body).toMatchObject({ state: 'open', choice: null, hub: { value: 'working' } })
    expect(await open()).toHaveLength(1)
    await workspace.post(`${path}/resolve`, { decision: { choice: 'crm' } })
    await workspace.patch(`/api/v1/leads/${leadId}`, { status: 'disqualified' })
    expectProblem(await workspace.post(`${path}/undo`, {}), 409, 'conflict.changed_since')
    expect(await statusHere(leadId)).toBe('disqualified')
  })

  test('it is handed to somebody and becomes overdue', async () => {
    const { conflict } = await dispute()
    await workspace.post('/api/v1/sync/conflicts/assign', {
      conflictIds: [conflict.id],
      owner: 'Sam',
    })
    expect(
      (await workspace.get('/api/v1/sync/conflicts?owner=Sam&overdue=false')).body.data,
    ).toHaveLength(1)
    clock.advance(3 * DAY_MS)
    const overdue = (await workspace.get('/api/v1/sync/conflicts?overdue=true')).body.data
    expect(overdue).toMatchObject([{ id: conflict.id, owner: 'Sam', isOverdue: true }])
  })

  test('both sides settling it by hand closes it', async () => {
    const { leadId, contactId } = await dispute()
    await workspace.patch(`/api/v1/leads/${leadId}`, { status: 'qualified' })
    sandbox.edit('contacts', contactId, { jobtitle: 'Analyst' })
    await run()
    expect(await open()).toEqual([])
    const agreed = await workspace.get('/api/v1/sync/conflicts?state=agreed')
    expect(agreed.body.data).toHaveLength(1)
  })

  test('another workspace sees none of it', async () => {
    const { conflict } = await dispute()
    const other = await hub.freshWorkspace()
    expect((await other.get('/api/v1/sync/conflicts')).body.data).toEqual([])
    const path = `/api/v1/sync/conflicts/${conflict.id}`
    expect((await workspace.get(path)).body).toMatchObject({ id: conflict.id, version: 1 })
    expectProblem(await other.get(path), 404, 'resource.not_found')
    const decision = { decision: { choice: 'crm' } }
    expectProblem(await other.post(`${path}/resolve`, decision), 404, 'resource.not_found')
  })
})

describe('fields', () => {
  const fields = () => `/api/v1/connections/${connectionId}/streams/contacts`

  test('the history tells who changed what, when, in which run, and what gave way', async () => {
    const { leadId, conflict } = await dispute()
    await workspace.post(`/api/v1/sync/conflicts/${conflict.id}/resolve`, {
      decision: { choice: 'crm' },
    })
    const path = `/api/v1/sync/records/lead/${leadId}/fields`
    const history = (await workspace.get(path)).body.data
    expect(history[0]).toMatchObject({
      runId: null,
      fields: [
        {
          field: 'status',
          verdict: 'chosen',
          hub: { value: 'working' },
          crm: { value: 'qualified' },
        },
      ],
    })
    const title = (await workspace.get(`${path}?field=jobTitle`)).body.data
    expect(title).toMatchObject([
      { fields: [{ verdict: 'take', winner: 'crm', crm: { value: 'Countess' } }] },
    ])
    expect(title[0].runId).toMatch(/^run_/)
  })

  test('a custom field of the CRM is mapped, comes in, and goes out again', async () => {
    const { leadId, contactId } = await syncedLead()
    sandbox.seed({
      properties: {
        contacts: [
          {
            name: 'colour',
            label: 'Colour',
            type: 'string',
            fieldType: 'text',
            groupName: 'contactinformation',
          },
        ],
      },
    })
    const known = (await workspace.get(`${fields()}/vendor-fields`)).body.data
    expect(known.find((field: { name: string }) => field.name === 'colour')).toMatchObject({
      custom: true,
      mappedTo: null,
    })
    const put = await workspace.put(`${fields()}/fields/custom.colour`, { property: 'colour' })
    expect(put.body).toMatchObject({ isCustom: true, direction: 'both', policy: 'latest' })
    sandbox.edit('contacts', contactId, { colour: 'blue' })
    await run()
    expect((await workspace.get(`/api/v1/leads/${leadId}`)).body.custom).toEqual({ colour: 'blue' })
    const mapped = (await workspace.get(`${fields()}/fields`)).body.data
    expect(mapped.find((row: { field: string }) => row.field === 'custom.colour')).toBeDefined()
  })

  test('a policy is set in plain words, and rehearsed over what happened before', async () => {
    await dispute()
    const rehearsal = await workspace.get(`${fields()}/fields/jobTitle/rehearsal?policy=off`)
    expect(rehearsal.body).toMatchObject({
      changes: 1,
      records: 1,
      moved: [{ from: 'crm', to: 'unsynced', count: 1 }],
      hubDiffers: 1,
    })
    const put = await workspace.put(`${fields()}/fields/jobTitle`, { policy: 'off' })
    expect(put.body).toMatchObject({ policy: 'off', policyText: 'The field is not synced.' })
    const [contact] = sandbox.records('contacts')
    sandbox.edit('contacts', contact!.id, { jobtitle: 'Nobody' })
    await run()
    const { localId } = (await open())[0]
    expect((await workspace.get(`/api/v1/leads/${localId}`)).body.jobTitle).toBe('Countess')
    expectProblem(await workspace.put(`${fields()}/fields/nonsense`, {}), 422, 'request.invalid')
    const computed = await workspace.put(`${fields()}/fields/score`, { direction: 'both' })
    expectProblem(computed, 422, 'request.invalid')
  })
})

describe('people of the CRM', () => {
  test('a new contact becomes a lead, and an opt-out there holds here', async () => {
    const [id] = sandbox.seedContacts([{ email: 'grace@example.com', firstname: 'Grace' }])
    expect(await run()).toMatchObject({ counts: { contacts: { created: 1 } } })
    const { data } = (await workspace.get('/api/v1/leads')).body
    expect(data).toMatchObject([{ email: 'grace@example.com', firstName: 'Grace' }])
    sandbox.edit('contacts', id!, { hs_email_optout: 'true' })
    await run()
    const [person] = (await workspace.get('/api/v1/people')).body.data
    const { consents } = (await workspace.get(`/api/v1/people/${person.id}`)).body
    expect(consents.effective).toMatchObject([{ channel: 'email', status: 'withdrawn' }])
  })

  test('contacts merged there stay two leads here, and the survivor keeps its lead', async () => {
    const [first, second] = sandbox.seedContacts([
      { email: 'a@example.com', firstname: 'A' },
      { email: 'b@example.com', firstname: 'B' },
    ])
    await run()
    const token = { authorization: `Bearer ${sandbox.token}`, 'content-type': 'application/json' }
    const merged = await fetch(`${sandbox.url}/crm/objects/2026-09/contacts/merge`, {
      method: 'POST',
      headers: token,
      body: JSON.stringify({ primaryObjectId: first, objectIdToMerge: second }),
    })
    expect(merged.status).toBe(200)
    const ended = await run()
    expect(ended.counts['contacts']?.['created']).toBeUndefined()
    const { data } = (await workspace.get('/api/v1/leads')).body
    expect(data).toHaveLength(2)
    const links = await Promise.all(
      data.map((lead: { id: string }) => workspace.get(`/api/v1/records/lead/${lead.id}/journey`)),
    )
    const survivor = (
      (await merged
        .clone()
        .json()
        .catch(() => null)) as { id?: string } | null
    )?.id
    const linked = links.flatMap((one) => one.body.links)
    if (survivor) {
      expect(
        linked.filter((link: { externalId: string }) => link.externalId === survivor),
      ).toHaveLength(1)
    }
    expect(await workspace.get('/api/v1/sync/errors').then((one) => one.body.data)).toEqual([])
  })
})
