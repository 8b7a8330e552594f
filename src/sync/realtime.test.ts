import { createHmac } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { HOUR_MS, ManualClock, MINUTE_MS } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { gapOf } from '#sync/follow.ts'
import { listRevisits, settleRevisits } from '#sync/reference.store.ts'
import { expectProblem, useHub, type TestAnswer, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock })
const nowMs = () => clock.now().getTime()
let sandbox: HubspotSandbox
let workspace: TestWorkspace
let connectionId: string

beforeAll(async () => {
  sandbox = await startHubspot({
    now: nowMs,
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
})
afterAll(() => sandbox.stop())
beforeEach(async () => {
  sandbox.reset()
  workspace = await hub.freshWorkspace()
  connectionId = await connect('CRM', sandbox)
})
// What is left due would call the CRM that the next test counts the calls of.
afterEach(async () => {
  const { data } = (await workspace.get('/api/v1/connections')).body
  for (const { id } of data) await workspace.delete(`/api/v1/connections/${id}`)
})

const secret = () => sandbox.oauthApp.clientSecret
const hookPath = (id = connectionId) => `/hooks/hubspot/${id}`
const countCalls = (end: string) => sandbox.requests().filter(({ url }) => url.endsWith(end)).length

/** A connection after its first whole run: from then on changes are sent as they come. */
async function connect(name: string, crm: HubspotSandbox): Promise<string> {
  const settings = { baseUrl: crm.url, token: crm.token, clientSecret: crm.oauthApp.clientSecret }
  const made = await workspace.post('/api/v1/connections', { vendor: 'hubspot', name, settings })
  expect(made.status, made.text).toBe(201)
  clock.advance(MINUTE_MS)
  await hub.app.jobs.tick()
  await hub.settle()
  return made.body.id
}

async function captureLead(email: string): Promise<string> {
  const made = await workspace.post('/api/v1/integrations/sales/leads', { email, firstName: 'Ada' })
  expect(made.status).toBeLessThan(300)
  await hub.settle()
  return made.body.lead?.id ?? made.body.id
}

const contactId = () => [...sandbox.records('contacts')].at(-1)!.id

async function firstNameOf(leadId: string): Promise<string> {
  return (await workspace.get(`/api/v1/leads/${leadId}`)).body.firstName
}

async function runs(): Promise<{ cause: string; state: string; counts: object }[]> {
  return (await workspace.get('/api/v1/sync/runs?limit=100')).body.data
}

const changeRuns = async () => (await runs()).filter((run) => run.cause === 'change')

/** A person in the CRM changes a first name a minute later; answers the event that HubSpot sends of it. */
function edit(id: string, firstname: string): Record<string, string | number> {
  clock.advance(MINUTE_MS)
  sandbox.edit('contacts', id, { firstname })
  return {
    eventId: nowMs() % 1_000_000,
    subscriptionType: 'contact.propertyChange',
    objectId: Number(id),
    occurredAt: nowMs(),
    propertyName: 'firstname',
    propertyValue: firstname,
    changeSource: 'CRM_UI',
    sourceId: 'userId:1',
  }
}

/** A request as HubSpot makes it, with whatever is wrong in it. */
async function deliver(
  events: readonly object[],
  wrong: { path?: string; signedPath?: string; key?: string; atMs?: number; sent?: string } = {},
): Promise<TestAnswer> {
  const body = JSON.stringify(events)
  const path = wrong.path ?? hookPath()
  const timestamp = String(wrong.atMs ?? nowMs())
  const answer = await fetch(hub.url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-hubspot-request-timestamp': timestamp,
      'x-hubspot-signature-v3': createHmac('sha256', wrong.key ?? secret())
        .update(`POST${hub.url}${wrong.signedPath ?? path}${body}${timestamp}`)
        .digest('base64'),
    },
    body: wrong.sent ?? body,
  })
  const text = await answer.text()
  const { status, headers } = answer
  return { status, headers, text, body: text === '' ? null : JSON.parse(text) }
}

async function countRevisits(): Promise<number> {
  const rows = await hub.app.store.read(workspace.id, (tx) =>
    tx.query(sql`select 1 from sync_revisits where wants_entity = ''`),
  )
  return rows.length
}

describe('what changes here', () => {
  test('a lead posted is in the CRM without any schedule, and a burst of them is one run', async () => {
    const leads = Array.from({ length: 20 }, (_, i) => ({ email: `person${i}@example.com` }))
    const path = '/api/v1/integrations/sales/leads'
    for (const lead of leads) expect((await workspace.post(path, lead)).status).toBeLessThan(300)
    await hub.settle()
    expect(sandbox.count('contacts')).toBe(20)
    expect(await changeRuns()).toMatchObject([
      { state: 'succeeded', counts: { contacts: { created: 20 } } },
    ])
    expect(countCalls('/contacts/batch/upsert')).toBe(1)
  })

  test('a change that asks nothing of the CRM leaves no run behind', async () => {
    const id = await captureLead('ada@example.com')
    const before = await runs()
    await hub.app.store.transaction(workspace.id, (tx) =>
      tx.execute(sql`
        insert into outbox (event, subject_id, data, occurred_at) values ('lead.updated', ${id}, '{}', now())`),
    )
    await hub.settle()
    expect(await runs()).toEqual(before)
    const journey = await workspace.get(`/api/v1/records/lead/${id}/journey`)
    expect(journey.body.pending).toEqual([])
  })

  test('a vendor that is down gets one run, not one for each change; all arrives once it is back', async () => {
    const lift = sandbox.down()
    for (let i = 0; i < 8; i += 1) await captureLead(`person${i}@example.com`)
    expect(await changeRuns()).toMatchObject([{ state: 'failed' }])
    lift()
    clock.advance(6 * MINUTE_MS)
    await hub.app.jobs.tick()
    await hub.settle()
    expect(sandbox.count('contacts')).toBe(8)
    await captureLead('later@example.com')
    expect(sandbox.count('contacts')).toBe(9)
  })

  test('a CRM that is down does not keep another one waiting', async () => {
    const other = await startHubspot({ now: nowMs, limits: { tenSecondly: null, daily: null } })
    try {
      await connect('Other', other)
      const lift = sandbox.down()
      await captureLead('ada@example.com')
      lift()
      expect([sandbox.count('contacts'), other.count('contacts')]).toEqual([0, 1])
    } finally {
      await other.stop()
    }
  })

  test('a paused connection gets nothing, and what it is owed as soon as it goes on', async () => {
    const path = `/api/v1/connections/${connectionId}`
    expect((await workspace.patch(path, { state: 'paused' })).status).toBe(200)
    await captureLead('ada@example.com')
    expect(sandbox.count('contacts')).toBe(0)
    expect((await workspace.patch(path, { state: 'active' })).status).toBe(200)
    await hub.settle()
    expect(sandbox.count('contacts')).toBe(1)
  })

  test('a stream that fails for good is not tried at each change', async () => {
    const lift = sandbox.down({ path: '*/contacts/*' }, { kind: 'status', status: 403 })
    for (let i = 0; i < 3; i += 1) await captureLead(`person${i}@example.com`)
    lift()
    expect(await changeRuns()).toHaveLength(1)
  })

  test('changes slow down at half of their share of a day’s calls, and wait at its end', () => {
    expect(gapOf(0, 100)).toBeLessThan(1000)
    expect(gapOf(50, 100)).toBeGreaterThan(1000)
    expect(gapOf(100, 100)).toBeNull()
  })
})

describe('what a vendor tells', () => {
  test('an edit in the CRM is in the hub after its message', async () => {
    const leadId = await captureLead('ada@example.com')
    const event = edit(contactId(), 'Grace')
    const [attempt] = await sandbox.fireWebhook({
      targetUrl: hub.url + hookPath(),
      events: [event],
    })
    expect(attempt?.status).toBe(200)
    await hub.settle()
    expect(await firstNameOf(leadId)).toBe('Grace')
    expect(await countRevisits()).toBe(0)
  })

  test('fifty equal deliveries at once are one effect and one call', async () => {
    await captureLead('ada@example.com')
    const event = edit(contactId(), 'Grace')
    sandbox.clearCalls()
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, attemptNumber) => deliver([{ ...event, attemptNumber }])),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200))
    await hub.settle()
    await deliver([{ ...event, attemptNumber: 51 }])
    await hub.settle()
    expect(countCalls('/contacts/batch/read')).toBe(1)
    const changes = await hub.app.store.read(workspace.id, (tx) =>
      tx.query(sql`select 1 from sync_changes where 'firstName' = any(fields)`),
    )
    expect(changes).toHaveLength(1)
  })

  test('deliveries of three days ago, shuffled, leave the newest value', async () => {
    const leadId = await captureLead('ada@example.com')
    const id = contactId()
    const events = ['Grace', 'Joan', 'Mary'].map((name) => edit(id, name))
    clock.advance(72 * HOUR_MS)
    for (const i of [2, 0, 1]) {
      expect((await deliver([events[i]!])).status).toBe(200)
      await hub.settle()
      expect(await firstNameOf(leadId)).toBe('Mary')
    }
  })

  test('the echo of our own write costs no call', async () => {
    await captureLead('ada@example.com')
    const event = { ...edit(contactId(), 'Grace'), propertyValue: 'Ada' }
    await deliver([event])
    await hub.settle()
    sandbox.clearCalls()
    const echo = { ...event, eventId: 7, appId: 19, changeSource: 'INTEGRATION', sourceId: '19' }
    expect((await deliver([echo])).status).toBe(200)
    await hub.settle()
    expect(sandbox.calls().total).toBe(0)
  })

  test('a record that is told of again while it is looked at is looked at once more', async () => {
    await captureLead('ada@example.com')
    await deliver([edit(contactId(), 'Grace')])
    const { store } = hub.app
    const list = () =>
      store.read(workspace.id, (tx) => listRevisits(tx, connectionId, 'contacts', '', 10))
    const listed = await list()
    expect(listed).toHaveLength(1)
    await deliver([edit(contactId(), 'Joan')])
    const settle = (seen: typeof listed) =>
      store.transaction(workspace.id, (tx) => settleRevisits(tx, connectionId, 'contacts', seen))
    await settle(listed)
    expect(await countRevisits()).toBe(1)
    await settle(await list())
    expect(await countRevisits()).toBe(0)
  })

  test('tampered, foreign, expired and readdressed messages are refused and leave nothing', async () => {
    await captureLead('ada@example.com')
    const events = [edit(contactId(), 'Grace')]
    const refused = [
      await deliver(events, { sent: JSON.stringify([...events, ...events]) }),
      await deliver(events, { key: 'another secret' }),
      await deliver(events, { atMs: nowMs() - 5 * MINUTE_MS - 1 }),
      await deliver(events, { atMs: nowMs() + 5 * MINUTE_MS + 1 }),
      await deliver(events, { signedPath: `${hookPath()}?x=1` }),
    ]
    for (const answer of refused) expectProblem(answer, 401, 'hook.signature_invalid')
    expect(await countRevisits()).toBe(0)
  })

  test('addresses that take nothing answer alike, and a body has an end', async () => {
    const wanted = [hookPath('con_00000000000000000000000000'), `/hooks/none/${connectionId}`]
    const answers = [
      await deliver([], { path: wanted[0]! }),
      await deliver([], { path: wanted[1]! }),
    ]
    for (const answer of answers) expectProblem(answer, 404, 'resource.not_found')
    const texts = answers.map(({ body }) => ({ ...body, instance: '', requestId: '' }))
    expect(texts[0]).toEqual(texts[1])
    const large = await deliver([{ subscriptionType: 'x'.repeat(1_000_001) }])
    expectProblem(large, 413, 'request.too_large')
    const odd = await deliver([], { sent: '[]' })
    expect(odd.status).toBe(200)
  })
})
