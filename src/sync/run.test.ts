import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ManualClock, DAY_MS, HOUR_MS } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import type { Store } from '#store/store.ts'
import { VendorFault } from '#sync/connector.ts'
import { copyDatabase, openTestStore, runOnServer, type TestDatabase } from '#tests/store.ts'
import { TestHub, testEngine, testTables, type TestEngine } from '#tests/sync.ts'

const start = new Date('2026-11-23T08:00:00Z')
let database: TestDatabase
let store: Store
let sandbox: HubspotSandbox
let clock: ManualClock
let engine: TestEngine
let hub: TestHub

beforeAll(async () => {
  // Of its own: the schedule takes up whatever connection is due, also another file's, by its own clock.
  database = await copyDatabase()
  await runOnServer(testTables, database.connectionString)
  store = await openTestStore({ connectionString: database.connectionString })
})
afterAll(async () => {
  await store.close()
  await database.drop()
})
beforeEach(async () => {
  clock = new ManualClock(start)
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
  engine = testEngine(store, clock)
  hub = await TestHub.open(engine, sandbox)
  return () => sandbox.stop()
})

const upserts = () =>
  sandbox.requests().filter((request) => request.url.endsWith('/contacts/batch/upsert'))

async function pendingIds(): Promise<string[]> {
  const rows = await hub.query(sql<{ localId: string }>`
    select local_id from sync_pending where connection_id = ${hub.connectionId} order by first_seq, local_id`)
  return rows.map((row) => row.localId)
}

async function openErrors(): Promise<{ record: string; code: string }[]> {
  return hub.query(sql<{ record: string; code: string }>`
    select record, code from sync_errors where connection_id = ${hub.connectionId} and state = 'open'
    order by stream, record`)
}

function contactOf(leadId: string) {
  return [...sandbox.records('contacts')].find(
    (record) => record.properties['hub_lead_id'] === leadId,
  )
}

describe('a whole run', () => {
  test('sends every lead and brings every deal in with the people on it', async () => {
    const leads = await hub.addLeads(250)
    const first = await hub.run()
    expect(first).toMatchObject({ state: 'succeeded', counts: { contacts: { created: 250 } } })
    expect(sandbox.count('contacts')).toBe(250)
    const contact = contactOf(leads[7]!)
    expect(contact?.properties).toMatchObject({ email: 'person7@example.com', hub_score: '7' })
    await addDeal('Big', [contact!.id])
    clock.advance(60_000)
    const second = await hub.run()
    expect(second).toMatchObject({ counts: { deals: { created: 1 } } })
    const [deal] = await hub.query(sql<{ values: object; refs: object }>`
      select values, refs from test_records where entity = 'opportunity'`)
    expect(deal?.values).toMatchObject({ amountMinor: 123450, currency: 'USD', status: 'won' })
    expect(deal?.refs).toMatchObject({ leads: [{ localId: leads[7], externalId: contact!.id }] })
    expect(engine.events.filter((one) => one.event === 'opportunity.written')).toHaveLength(1)
  })

  test('writes nothing the second time and makes no call for what did not change', async () => {
    const leads = await hub.addLeads(250)
    await addDeal('Big', [])
    await hub.run()
    sandbox.clearCalls()
    const again = await hub.run()
    expect(again).toMatchObject({ state: 'succeeded' })
    expect(again.counts['contacts']).toEqual({ unchanged: 250 }) // what we wrote comes by once more
    const written = sandbox.requests().filter((one) => /batch\/(upsert|update)/.test(one.url))
    expect(written).toEqual([])
    // owners twice (present and archived), pipelines; of companies, contacts, deals and tasks a search and a look into the
    // archive each, and one more page of contacts: what we wrote comes by once more
    expect(again.calls).toBe(12)
    expect(Object.keys(again.counts['stages'] ?? {})).toEqual(['unchanged'])
    await note(leads.slice(0, 3), 100)
    const echoed = await hub.run(['contacts'])
    expect(echoed).toMatchObject({ calls: 3, counts: { contacts: { unchanged: 3 } } })
  })

  test('what a newer version would write waits until somebody resumes it, and what it reads is read', async () => {
    await hub.run()
    await hub.addLeads(3)
    await store.transaction(hub.workspaceId, (tx) =>
      tx.execute(sql`
        delete from sync_streams where connection_id = ${hub.connectionId} and name in ('contacts', 'owners')`),
    )
    expect((await hub.run()).state).toBe('succeeded')
    const paused = await hub.query(sql<{ name: string; paused: boolean }>`
      select name, paused from sync_streams
      where connection_id = ${hub.connectionId} and (paused or name = 'owners') order by name`)
    expect(paused).toEqual([
      { name: 'contacts', paused: true },
      { name: 'owners', paused: false },
    ])
    expect(sandbox.count('contacts')).toBe(0)
  })

  test('keeps an outcome for each record and counts them by stream', async () => {
    await hub.addLeads(3)
    const run = await hub.run(['contacts'])
    const rows = await hub.query(sql<{ outcome: string; externalId: string | null }>`
      select outcome, external_id from sync_outcomes where run_id = ${run.id}`)
    expect(rows).toHaveLength(3)
    expect(rows.every((row) => row.outcome === 'created' && row.externalId)).toBe(true)
  })
})

describe('when the vendor misbehaves', () => {
  test('an answer lost after the vendor committed leads to no second contact', async () => {
    await hub.addLeads(150)
    sandbox.failNext({ kind: 'drop-after', path: '*/contacts/batch/upsert', count: 1 })
    const run = await hub.run(['contacts'])
    expect(run).toMatchObject({ state: 'succeeded' })
    expect(sandbox.count('contacts')).toBe(150)
    expect(upserts()).toHaveLength(3)
  })

  test.each([500, 502, 503, 504, 423])(
    'status %i is waited out and everything arrives',
    async (status) => {
      await hub.addLeads(120)
      sandbox.failNext({ kind: 'status', status, path: '*/contacts/*', count: 2 })
      expect(await hub.run(['contacts'])).toMatchObject({ state: 'succeeded' })
      expect(sandbox.count('contacts')).toBe(120)
      expect(engine.waitedMs.length).toBeGreaterThanOrEqual(2)
    },
  )

  test('429 waits at least as long as the vendor says', async () => {
    await hub.addLeads(120)
    const headers = { 'retry-after': '7' }
    const path = '*/contacts/batch/upsert'
    sandbox.failNext({ kind: 'status', status: 429, policy: 'TEN_SECONDLY_ROLLING', headers, path })
    expect(await hub.run(['contacts'])).toMatchObject({ state: 'succeeded' })
    expect(Math.max(...engine.waitedMs)).toBeGreaterThanOrEqual(7000)
  })

  test('the daily limit ends the run, keeps the rest in order and gets another try', async () => {
    const leads = await hub.addLeads(150)
    const path = '*/contacts/batch/upsert'
    sandbox.failNext({ kind: 'status', status: 429, policy: 'DAILY', path, after: 1 })
    const run = await hub.run(['contacts'])
    expect(run).toMatchObject({ state: 'partial', faultKind: 'rate_daily' })
    expect(run.retryAt).not.toBeNull()
    expect(await pendingIds()).toEqual(leads.slice(100))
  })

  test('an HTML page instead of JSON is a fault and moves nothing', async () => {
    await hub.addLeads(10)
    sandbox.down({ path: '*/contacts/*' }, { kind: 'html', status: 200 })
    expect(await hub.run(['contacts'])).toMatchObject({ state: 'failed', faultKind: 'transient' })
    expect(await pendingIds()).toHaveLength(10)
  })

  test('two days without the vendor lose nothing and keep the order', async () => {
    const before = await hub.addLeads(50)
    await hub.run(['contacts'])
    const lift = sandbox.down()
    const during: string[] = []
    for (let hour = 0; hour < 48; hour += 6) {
      const made = await hub.addLeads(20, 100 + during.length)
      during.push(...made)
      await note(made, 1000 + during.length)
      const run = await hub.run(['contacts'])
      expect(run).toMatchObject({ state: 'failed', faultKind: 'transient' })
      expect(run.calls).toBeLessThanOrEqual(8)
      clock.advance(6 * HOUR_MS)
    }
    await hub.changeLead(before[0]!, { score: 99 })
    await note([before[0]!], 2000)
    expect(await pendingIds()).toEqual([...during, before[0]])
    lift()
    sandbox.clearCalls()
    expect(await hub.run(['contacts'])).toMatchObject({
      state: 'succeeded',
      counts: { contacts: { created: 160, updated: 1 } },
    })
    expect(await pendingIds()).toEqual([])
    const sent = upserts().flatMap((request) =>
      (JSON.parse(request.body) as { inputs: { id: string }[] }).inputs.map((input) => input.id),
    )
    expect(sent).toEqual(during) // the one that is there already is changed by its own id
    expect(contactOf(before[0]!)?.properties['hub_score']).toBe('99')
  })

  test('credentials that died stop the connection until someone logs in again', async () => {
    await hub.addLeads(5)
    sandbox.down({}, { kind: 'status', status: 401 })
    expect(await hub.run(['contacts'])).toMatchObject({ state: 'failed', faultKind: 'reauth' })
    const [connection] = await hub.query(sql<{ state: string }>`
      select state from connections where id = ${hub.connectionId}`)
    expect(connection?.state).toBe('needs_login')
    expect(await openErrors()).toEqual([{ record: '', code: 'stream.reauth' }])
    expect(engine.events.map((one) => one.event)).toContain('connection.login_needed')
    expect(await pendingIds()).toHaveLength(5)
  })

  test('a right that is missing for one stream does not hold up the others', async () => {
    await hub.addLeads(5)
    sandbox.down({ path: '*/objects/*/deals' }, { kind: 'status', status: 403 })
    const run = await hub.run(['deals', 'contacts'])
    expect(run).toMatchObject({ state: 'partial', faultKind: 'permission', faultStream: 'deals' })
    expect(sandbox.count('contacts')).toBe(5)
  })
})

describe('records that cannot be sent', () => {
  test('a refused record is held with its cause while the others go, and goes once it changes', async () => {
    const leads = await hub.addLeads(120)
    await hub.changeLead(leads[40]!, { email: 'not an address' })
    const run = await hub.run(['contacts'])
    expect(run).toMatchObject({
      state: 'partial',
      counts: { contacts: { created: 119, refused: 1 } },
    })
    expect(await openErrors()).toEqual([{ record: leads[40], code: 'INVALID_EMAIL' }])
    sandbox.clearCalls()
    await hub.run(['contacts'])
    expect(upserts()).toEqual([])
    await hub.changeLead(leads[40]!, { email: 'right@example.com' })
    await note([leads[40]!], 500)
    expect(await hub.run(['contacts'])).toMatchObject({ state: 'succeeded' })
    expect(await openErrors()).toEqual([])
    expect(sandbox.count('contacts')).toBe(120)
  })

  test('a contact that was there before is adopted by its e-mail address', async () => {
    const [id] = sandbox.seedContacts([{ email: 'person3@example.com', firstname: 'Old' }])
    const leads = await hub.addLeads(5)
    expect(await hub.run(['contacts'])).toMatchObject({
      state: 'succeeded',
      counts: { contacts: { created: 4, updated: 1 } },
    })
    expect(sandbox.count('contacts')).toBe(5)
    expect(contactOf(leads[3]!)?.id).toBe(id)
  })

  test('two leads with one e-mail address do not take the contact from each other', async () => {
    const leads = await hub.addLeads(2)
    await hub.changeLead(leads[1]!, { email: 'person0@example.com' })
    const run = await hub.run(['contacts'])
    expect(run.counts).toEqual({ contacts: { created: 1, conflict: 1 } })
    expect(await openErrors()).toEqual([{ record: leads[1], code: 'CONTACT_CLAIMED' }])
    expect(contactOf(leads[0]!)).toBeDefined()
  })

  test('a record on which the vendor always fails is isolated, and held at the fifth run', async () => {
    const leads = await hub.addLeads(100)
    const poison = leads[61]!
    engine.connectors = poisonedFor(engine, poison)
    const run = await hub.run(['contacts'])
    expect(run).toMatchObject({ counts: { contacts: { created: 99, refused: 1 } } })
    for (let turn = 0; turn < 4; turn += 1) {
      clock.advance(HOUR_MS)
      await hub.run(['contacts'])
    }
    const [row] = await hub.query(sql<{ heldCode: string | null; attempts: number }>`
      select held_code, attempts from sync_pending where local_id = ${poison}`)
    expect(row).toEqual({ heldCode: 'delivery.failing', attempts: 5 })
  })

  test('a property deleted at the vendor is put back and the batch goes through', async () => {
    const leads = await hub.addLeads(10)
    await hub.run(['contacts'])
    await callSandbox('DELETE', '/crm/properties/2026-09/contacts/hub_score')
    await hub.changeLead(leads[0]!, { score: 55 })
    await note([leads[0]!], 50)
    expect(await hub.run(['contacts'])).toMatchObject({ state: 'succeeded' })
    expect(contactOf(leads[0]!)?.properties['hub_score']).toBe('55')
  })
})

describe('records that come in', () => {
  test('a record that cannot be written is refused alone, and comes in on retry', async () => {
    for (let i = 0; i < 20; i += 1) await addDeal(i === 7 ? 'poison' : `Deal ${i}`, [])
    const run = await hub.run(['deals'])
    expect(run).toMatchObject({ state: 'partial', counts: { deals: { created: 19, refused: 1 } } })
    const [item] = await openErrors()
    expect(item?.code).toBe('record.not_writable')
    sandbox.edit('deals', item!.record, { dealname: 'cured' })
    clock.advance(60_000)
    expect(await hub.run(['deals'])).toMatchObject({ counts: { deals: { created: 1 } } })
    expect(await openErrors()).toEqual([])
  })

  test('a deal deleted there is deleted here, once', async () => {
    const id = await addDeal('Gone soon', [])
    await hub.run(['deals'])
    sandbox.remove('deals', id)
    clock.advance(60_000)
    expect(await hub.run(['deals'])).toMatchObject({ counts: { deals: { deleted: 1 } } })
    clock.advance(DAY_MS)
    expect((await hub.run(['deals'])).counts).toEqual({})
  })

  test('a deal whose contact becomes known later gets its lead then', async () => {
    const [contactId] = sandbox.seedContacts([{ email: 'person0@example.com' }])
    await addDeal('Early', [contactId!])
    const run = await hub.run(['owners', 'pipelines', 'stages', 'deals'])
    expect(run.counts['deals']).toEqual({ created: 1 })
    const [outcome] = await hub.query(sql<{ code: string; detail: string }>`
      select code, detail from sync_outcomes where run_id = ${run.id} and stream = 'deals'`)
    expect(outcome).toEqual({
      code: 'reference.unknown',
      detail: `Not known here yet: leads: ${contactId}.`,
    })
    const [lead] = await hub.addLeads(1)
    await note([lead!], 10)
    expect((await hub.run(['contacts', 'deals'])).counts).toEqual({
      contacts: { updated: 1, unchanged: 1 },
      deals: { updated: 1 },
    })
    const [deal] = await hub.query(sql<{ refs: { leads: object[] } }>`
      select refs from test_records where entity = 'opportunity'`)
    expect(deal?.refs.leads).toEqual([{ localId: lead, externalId: contactId, role: null }])
  })

  test('more than ten thousand deals changed in one window all come in', async () => {
    await addDeal('First', [])
    await hub.run(['deals'])
    sandbox.seed({
      records: {
        deals: Array.from({ length: 10_250 }, (_, i) => ({
          properties: { dealname: `Deal ${i}`, dealstage: 'closedwon', pipeline: 'default' },
        })),
      },
    })
    clock.advance(60_000)
    const run = await hub.run(['deals'])
    expect(run).toMatchObject({ state: 'succeeded', counts: { deals: { created: 10_250 } } })
  })
})

describe('both sides compared whole', () => {
  test('what the vendor silently lost is listed and sent again', async () => {
    const leads = await hub.addLeads(300)
    await hub.run(['contacts'])
    const lost = [leads[5]!, leads[250]!]
    for (const id of lost) sandbox.remove('contacts', contactOf(id)!.id, 'vanish')
    const id = await hub.queue(['contacts'], 'manual', { reconcile: true })
    await hub.perform(id)
    const rows = await hub.query(sql<{ localId: string; code: string }>`
      select local_id, code from sync_outcomes
      where run_id = ${id} and stream = 'contacts.reconciled' order by local_id`)
    expect(rows).toEqual(lost.map((localId) => ({ localId, code: 'reconcile.missing' })))
    expect(sandbox.count('contacts')).toBe(300)
  })
})

/** Notes leads as due, as the subscriber does after their events. */
async function note(ids: readonly string[], seq: number): Promise<void> {
  await hub.note(ids, seq)
}

async function addDeal(dealname: string, contactIds: readonly string[]): Promise<string> {
  const properties = { dealname, amount: '1234.5', dealstage: 'closedwon', pipeline: 'default' }
  const [id] = sandbox.seed({ records: { deals: [{ properties }] } }).deals
  const inputs = contactIds.map((contactId) => ({ from: { id }, to: { id: contactId } }))
  const path = '/crm/associations/2026-09/deals/contacts/batch/associate/default'
  if (inputs.length > 0) await callSandbox('POST', path, { inputs })
  return id!
}

async function callSandbox(method: string, path: string, body?: object): Promise<void> {
  const answer = await fetch(sandbox.url + path, {
    method,
    headers: { authorization: `Bearer ${sandbox.token}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  expect(answer.ok).toBe(true)
}

/** The same connectors, with a vendor that answers 500 to every batch that holds the record. */
function poisonedFor(from: TestEngine, poison: string): TestEngine['connectors'] {
  const connector = from.connectors.get('hubspot')!
  return new Map([
    [
      'hubspot',
      {
        ...connector,
        open(connection) {
          const session = connector.open(connection)
          return {
            ...session,
            streams: session.streams.map((stream) => ({
              ...stream,
              ...(stream.push && {
                push: async (changes, signal) => {
                  if (changes.some((change) => change.key === poison)) {
                    throw new VendorFault('transient', 'Status 500.')
                  }
                  return stream.push!(changes, signal)
                },
              }),
            })),
          }
        },
      },
    ],
  ])
}
