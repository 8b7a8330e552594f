import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { seededRandom } from '#core/random.ts'
import { MINUTE_MS } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const RECEIVER = '127.0.0.1:9'
const hub = useHub({ clock, config: { egressAllow: [RECEIVER] } })
let sandbox: HubspotSandbox
let workspace: TestWorkspace
let connectionId: string

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
  connectionId = made.body.id
})
afterAll(() => sandbox.stop())

async function sync(): Promise<string> {
  clock.advance(10 * MINUTE_MS)
  const run = await workspace.post(`/api/v1/connections/${connectionId}/runs`, {})
  await hub.settle()
  return run.body.id
}

async function importLeads(count: number): Promise<string> {
  const rows = Array.from({ length: count }, (_, i) => `file${i}@x.example,Acme ${i},Germany`)
  const answer = await fetch(`${hub.url}/api/v1/imports?target=leads&fileName=a.csv`, {
    method: 'POST',
    body: `email,company,country\n${rows.join('\n')}\n`,
    headers: { authorization: `Bearer ${workspace.key}`, 'content-type': 'text/csv' },
  })
  const { id } = (await answer.json()) as { id: string }
  await workspace.post(`/api/v1/imports/${id}/start`, {})
  await hub.settle()
  return id
}

/** The fields that OpenLineage 2-0-2 requires, written down from its specification. */
const Facet = z.looseObject({ _producer: z.url(), _schemaURL: z.url() })
const ColumnLineage = Facet.extend({
  fields: z.record(
    z.string(),
    z.object({
      inputFields: z.array(
        z.object({
          namespace: z.string().min(1),
          name: z.string().min(1),
          field: z.string().min(1),
          transformations: z.array(
            z.looseObject({ type: z.enum(['DIRECT', 'INDIRECT']), subtype: z.string() }),
          ),
        }),
      ),
    }),
  ),
})
const Dataset = z.object({
  namespace: z.string().min(1),
  name: z.string().min(1),
  facets: z.object({
    schema: Facet.extend({ fields: z.array(z.looseObject({ name: z.string().min(1) })) }),
    columnLineage: ColumnLineage.optional(),
  }),
})
const RunEvent = z.object({
  eventType: z.enum(['START', 'RUNNING', 'COMPLETE', 'ABORT', 'FAIL', 'OTHER']),
  eventTime: z.iso.datetime(),
  producer: z.url(),
  schemaURL: z.url(),
  run: z.object({ runId: z.uuid(), facets: z.record(z.string(), Facet) }),
  job: z.object({ namespace: z.string(), name: z.string(), facets: z.record(z.string(), Facet) }),
  inputs: z.array(Dataset),
  outputs: z.array(Dataset),
})

test('cells chosen at random lead back to the file, the call or the run that set them, and forward to where they are sent', async () => {
  const random = seededRandom(3, 1)
  const importId = await importLeads(30)
  const requests = new Map<string, string>()
  for (let i = 0; i < 30; i += 1) {
    const body = { email: `call${i}@x.example`, company: `Bolt ${i}`, country: 'France' }
    const answer = await workspace.post('/api/v1/integrations/sales/leads', body)
    requests.set(answer.body.id, answer.headers.get('x-request-id')!)
  }
  await sync()
  // Half of those in the CRM get another company there; a run brings it in.
  const contacts = [...sandbox.records('contacts')] as {
    id: string
    properties: Record<string, string>
  }[]
  expect(contacts).toHaveLength(60)
  const changed = new Map<string, string>()
  for (const { id, properties } of contacts.filter((_, i) => i % 2 === 0)) {
    const answer = await fetch(`${sandbox.url}/crm/v3/objects/contacts/${id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${sandbox.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ properties: { company: `Changed ${id}` } }),
    })
    expect(answer.status).toBe(200)
    changed.set(properties['email']!, id)
  }
  const runId = await sync()
  const leads = (await workspace.get('/api/v1/leads?limit=500')).body.data as {
    id: string
    email: string
    company: string
  }[]
  const kinds = new Map<string, number>()
  for (let n = 0; n < 200; n += 1) {
    const lead = random.pick(leads)
    const field = random.pick(['company', 'email', 'country'])
    const { body } = await workspace.get(`/api/v1/lineage?record=${lead.id}&field=${field}`)
    const contact = changed.get(lead.email)
    const expected =
      field === 'company' && contact !== undefined
        ? { kind: 'sync', runId, sourceRecord: contact, vendor: 'hubspot', verdict: 'take' }
        : lead.email.startsWith('file')
          ? { kind: 'import', importId }
          : { kind: 'call', requestId: requests.get(lead.id), operation: 'captureLead' }
    expect(body.origin, `${lead.email} ${field}`).toMatchObject(expected)
    if (expected.kind === 'sync') expect(body.origin.mapping.properties).toEqual(['company'])
    if (field === 'email')
      expect(body.forward).toContainEqual(
        expect.objectContaining({ kind: 'connection', id: connectionId }),
      )
    kinds.set(expected.kind, (kinds.get(expected.kind) ?? 0) + 1)
    // Names and ids only.
    expect(JSON.stringify(body)).not.toContain(lead.email)
    expect(JSON.stringify(body)).not.toContain(lead.company)
  }
  expect([...kinds.keys()].toSorted()).toEqual(['call', 'import', 'sync'])
})

test('a field leads forward to the score, the exports and the messages that it went into, and to no other record’s', async () => {
  const hook = await workspace.post('/api/v1/webhooks', {
    url: `http://${RECEIVER}/x`,
    events: ['lead.created', 'lead.updated'],
  })
  expect(hook.status, hook.text).toBe(201)
  const { model } = (await workspace.get('/api/v1/scoring-model')).body
  const published = await workspace.put('/api/v1/scoring-model', { model })
  expect(published.status, published.text).toBeLessThan(300)
  const [one, other] = await Promise.all(
    ['told@x.example', 'silent@x.example'].map(
      async (email) =>
        (await workspace.post('/api/v1/integrations/sales/leads', { email, country: 'FR' })).body,
    ),
  )
  await hub.settle()
  await workspace.get(`/api/v1/leads/${one.id}`)
  await hub.app.accessLog.flush()
  const uses = async (id: string, field: string) => {
    const { body } = await workspace.get(`/api/v1/lineage?record=${id}&field=${field}`)
    return Map.groupBy(body.forward as { kind: string; id: string }[], ({ kind }) => kind)
  }
  const email = await uses(one.id, 'email')
  expect(email.get('export')).toMatchObject([{ id: 'getLead' }])
  expect(email.get('webhook')).toMatchObject([{ id: hook.body.id }])
  expect((await uses(other.id, 'email')).get('export')).toBeUndefined()
  const asked = JSON.stringify(model)
  expect(asked).toContain('"country"')
  expect((await uses(one.id, 'country')).get('lead_score')).toMatchObject([{ id: one.id }])
  expect((await uses(one.id, 'phone')).get('lead_score')).toBeUndefined()
})

/** As OpenLineage publishes them at openlineage.io/spec. */
const PUBLISHED = {
  schema:
    'https://openlineage.io/spec/facets/1-1-1/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet',
  columnLineage:
    'https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet',
}

test('every facet of a run names a published facet of the specification, and every event its core', async () => {
  const runId = await sync()
  const { body } = await workspace.get(`/api/v1/lineage/runs/${runId}`)
  const events = z.array(RunEvent).parse(body.events)
  const facets = events.flatMap(({ inputs, outputs }) =>
    [...inputs, ...outputs].flatMap((one) => Object.entries(one.facets)),
  )
  expect(facets.length).toBeGreaterThan(4)
  for (const [name, facet] of facets)
    expect(facet).toMatchObject({ _schemaURL: PUBLISHED[name as keyof typeof PUBLISHED] })
  for (const { schemaURL } of events)
    expect(schemaURL).toBe('https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent')
})

test('a run is told as OpenLineage events whose columns are those of the mapping', async () => {
  const runId = await sync()
  const { body, status, text } = await workspace.get(`/api/v1/lineage/runs/${runId}`)
  expect(status, text).toBe(200)
  const events = z.array(RunEvent).parse(body.events)
  expect(events.map(({ eventType }) => eventType)).toEqual(['START', 'COMPLETE'])
  const [, end] = events
  expect(end!.run.runId.replaceAll('-', '')).toBe(runId.replace('run_', ''))
  const hubSide = end!.outputs.find(({ name }) => name === 'lead')!
  const streams = (await workspace.get(`/api/v1/connections/${connectionId}/streams`)).body.data
  const stream = streams.find((one: { entity: string }) => one.entity === 'lead').name
  expect(hubSide.facets.columnLineage!.fields['company']!.inputFields).toMatchObject([
    { namespace: `hubspot://${connectionId}`, name: stream, field: 'company' },
  ])
  const mapped = (
    await workspace.get(`/api/v1/connections/${connectionId}/streams/${stream}/fields`)
  ).body.data as { field: string; direction: string; policy: string }[]
  const pulled = mapped.filter((one) => one.direction !== 'push' && one.policy !== 'off')
  expect(Object.keys(hubSide.facets.columnLineage!.fields).toSorted()).toEqual(
    pulled.map(({ field }) => field).toSorted(),
  )
  const other = await hub.freshWorkspace()
  expect((await other.get(`/api/v1/lineage/runs/${runId}`)).status).toBe(404)
})
