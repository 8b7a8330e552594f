import { afterAll, beforeAll, expect, test } from 'vitest'
import { ManualClock } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { useHub, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date())
const hub = useHub({ clock })
let crm: HubspotSandbox

beforeAll(async () => {
  crm = await startHubspot({
    settings: { companyCurrency: 'EUR' },
    now: () => clock.now().getTime(),
  })
})
afterAll(() => crm.stop())

async function syncNow(workspace: TestWorkspace, connectionId: string) {
  clock.advance(1000)
  await hub.settle()
  const { body } = await workspace.post(`/api/v1/connections/${connectionId}/runs`, {})
  await hub.settle()
  const run = await workspace.get(`/api/v1/sync/runs/${body.id}`)
  expect(run.body.state).toBe('succeeded')
  return run.body as { calls: number; counts: Record<string, Record<string, number>> }
}

test('a lead goes to the CRM, is won there, comes back, and its revenue opens to its touches', async () => {
  const workspace = await hub.freshWorkspace({ currency: 'EUR' })
  const campaign = await workspace.post('/api/v1/campaigns', {
    key: 'spring',
    name: 'Spring',
    channel: 'paid_search',
  })
  const minutesAgo = (minutes: number) =>
    new Date(clock.now().getTime() - minutes * 60_000).toISOString()
  await workspace.post('/api/v1/touchpoints', {
    touchpoints: [
      {
        anonymousId: 'browser-1',
        kind: 'page_view',
        channel: 'organic_search',
        occurredAt: minutesAgo(90),
      },
    ],
  })
  const lead = await workspace.post('/api/v1/integrations/sales/leads', {
    email: 'ada@acme.example',
    anonymousId: 'browser-1',
    firstName: 'Ada',
    channel: 'paid_search',
    campaign: 'spring',
    capturedAt: minutesAgo(60),
  })
  expect(lead.status).toBe(201)
  expect(lead.body.syncEta).toBeNull()

  const connection = await workspace.post('/api/v1/connections', {
    vendor: 'hubspot',
    name: 'CRM',
    settings: { baseUrl: crm.url, token: crm.token },
  })
  await syncNow(workspace, connection.body.id)
  const contact = [...crm.records('contacts')].find(
    (record) => crm.read('contacts', record.id, 'hub_lead_id') === lead.body.id,
  )
  expect(contact && crm.read('contacts', contact.id, 'email')).toBe('ada@acme.example')
  // From here on changes go out as they come, unless the connection is paused.
  const expected = async (email: string) =>
    (await workspace.post('/api/v1/integrations/sales/leads', { email })).body.syncEta
  expect(await expected('next@acme.example')).toBe(clock.now().toISOString())
  const path = `/api/v1/connections/${connection.body.id}`
  await workspace.patch(path, { state: 'paused' })
  expect(await expected('paused@acme.example')).toBeNull()
  await workspace.patch(path, { state: 'active' })
  await syncNow(workspace, connection.body.id)
  const again = await syncNow(workspace, connection.body.id)
  expect(again.counts['contacts']?.['created'] ?? 0).toBe(0)
  expect(again.counts['contacts']?.['updated'] ?? 0).toBe(0)

  await fetch(`${crm.url}/crm/v3/objects/deals`, {
    method: 'POST',
    headers: { authorization: `Bearer ${crm.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      properties: {
        dealname: 'Acme',
        pipeline: 'default',
        dealstage: 'closedwon',
        amount: '100.01',
        deal_currency_code: 'EUR',
        closedate: clock.now().toISOString(),
      },
      associations: [
        {
          to: { id: contact?.id },
          types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 3 }],
        },
      ],
    }),
  })
  clock.advance(10_000) // the run leaves the last five seconds to the next one
  await syncNow(workspace, connection.body.id)

  const report = await workspace.get(
    `/api/v1/integrations/sales/attribution/${campaign.body.id}?model=linear`,
  )
  expect(report.body.totals).toMatchObject({ creditedMinor: 5000, n: 1 })
  expect(report.body.workspace).toMatchObject({
    wonMinor: 10_001,
    creditedMinor: 10_001,
    uncreditedMinor: 0,
    wonDeals: 1,
  })
  const deals = await workspace.get('/api/v1/attribution/deals')
  const receipt = await workspace.get(
    `/api/v1/attribution/receipts/${deals.body.data[0].opportunityId}`,
  )
  expect(receipt.body.touches.map((touch: { channel: string }) => touch.channel)).toEqual([
    'organic_search',
    'paid_search',
  ])
  const journey = await workspace.get(`/api/v1/records/lead/${lead.body.id}/journey`)
  expect(journey.body.links).toHaveLength(1)
  const won = await workspace.get(`/api/v1/leads/${lead.body.id}`)
  expect([won.body.isCustomer, won.body.status]).toEqual([true, 'qualified'])
})
