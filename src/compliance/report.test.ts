import { expect, test } from 'vitest'
import { DAY_MS } from '#core/time.ts'
import { expectProblem, ManualClock, useHub } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock })
const LEADS = '/api/v1/integrations/sales/leads'

interface Line {
  section: string
  item: string
  principalId: string | null
  entries: number
  records: number
}
interface Entry {
  action: string
  principalId: string
  detail: Record<string, unknown>
}

test('each figure of a period equals a count of the log, in JSON and CSV, and another period has none of it', async () => {
  const workspace = await hub.freshWorkspace()
  const officer = await workspace.withKey({ roles: ['privacy'] })
  const clerk = await workspace.withKey({ scopes: ['campaigns:read'] })
  const from = clock.now().toISOString()
  const lead = (await workspace.post(LEADS, { email: 'ada@x.example' })).body
  const { personId } = (await workspace.get(`/api/v1/leads/${lead.id}`)).body
  for (let i = 0; i < 3; i += 1) await workspace.get('/api/v1/leads')
  await clerk.get('/api/v1/leads')
  for (const status of ['granted', 'withdrawn'])
    await workspace.post(`/api/v1/people/${personId}/consents`, { purpose: 'marketing', status })
  await workspace.put('/api/v1/access/roles/reader', { label: 'Reader', scopes: ['leads:read'] })
  await workspace.post('/api/v1/keys', { name: 'form', roles: ['sales'] })
  await workspace.put('/api/v1/retention/rules/touchpoints', { days: 30 })
  const hold = { target: 'kind', subject: 'lead_scores', reason: 'Case 7.' }
  await workspace.post('/api/v1/retention/holds', hold)
  const asked = { kind: 'erasure', personId, note: 'By letter.' }
  const request = (await workspace.post('/api/v1/privacy/requests', asked)).body
  expect((await officer.post(`/api/v1/privacy/requests/${request.id}/approve`, {})).status).toBe(
    200,
  )
  await hub.app.accessLog.flush()
  clock.advance(DAY_MS)
  const period = `from=${from}&to=${clock.now().toISOString()}`
  const { body, text } = await officer.get(`/api/v1/compliance/report?limit=500&${period}`)
  const lines = body.data as Line[]
  const log = (await workspace.get(`/api/v1/audit?limit=500&${period}`)).body.data as Entry[]

  const count = (keep: (entry: Entry) => boolean) => log.filter(keep).length
  const sum = (section: string, item?: string) =>
    lines
      .filter((line) => line.section === section && (item === undefined || line.item === item))
      .reduce((total, line) => total + line.entries, 0)
  expect(sum('reads')).toBe(count(({ action }) => action === 'data.read'))
  for (const { principalId, item, entries, records } of lines.filter(
    ({ section }) => section === 'reads',
  )) {
    const same = log.filter(
      (entry) =>
        entry.action === 'data.read' &&
        entry.principalId === principalId &&
        `${String(entry.detail['operation'])} ${String(entry.detail['shown'])}` === item,
    )
    expect(entries, text).toBe(same.length)
    expect(records).toBe(same.reduce((total, { detail }) => total + Number(detail['count']), 0))
  }
  expect(sum('reads', 'listLeads revealed')).toBe(3)
  expect(sum('refusals')).toBe(count(({ action }) => action === 'access.refused'))
  for (const [section, action] of [
    ['requests', 'createPrivacyRequest'],
    ['requests', 'approvePrivacyRequest'],
    ['rights', 'saveRole'],
    ['rights', 'createApiKey'],
    ['holds', 'hold.placed'],
    ['retention', 'retention.rule'],
  ] as const) {
    expect(sum(section, action), action).toBe(count((entry) => entry.action === action))
    expect(sum(section, action), action).toBe(1)
  }
  expect(sum('erasures', 'on request')).toBe(count(({ action }) => action === 'person.erased'))
  expect(sum('erasures')).toBe(1)
  expect(sum('consents', 'marketing granted')).toBe(1)
  expect(sum('consents', 'marketing withdrawn')).toBe(1)

  const csv = await officer.get(`/api/v1/compliance/report?format=csv&${period}`)
  expect(csv.text.trimEnd().split('\r\n')).toHaveLength(lines.length + 1)
  // Page by page it is the same.
  const paged: Line[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const next: string = cursor === '' ? '' : `&cursor=${cursor}`
    const page = await officer.get(`/api/v1/compliance/report?limit=2&${period}${next}`)
    paged.push(...page.body.data)
    cursor = page.body.nextCursor
  }
  expect(paged).toEqual(lines)
  const later = `from=${clock.now().toISOString()}&to=${new Date(clock.now().getTime() + DAY_MS).toISOString()}`
  await hub.app.accessLog.flush()
  const other = (await officer.get(`/api/v1/compliance/report?${later}`)).body.data as Line[]
  expect(other.filter(({ section }) => section === 'rights' || section === 'erasures')).toEqual([])
  expectProblem(await clerk.get(`/api/v1/compliance/report?${period}`), 403, 'auth.forbidden')
})

test('it is told who was shown a person, by a list as by the record itself, and nobody else’s reads', async () => {
  const workspace = await hub.freshWorkspace()
  const [ada, bob] = await Promise.all(
    ['ada', 'bob'].map(
      async (name) => (await workspace.post(LEADS, { email: `${name}@x.example` })).body.id,
    ),
  )
  await workspace.get(`/api/v1/leads/${ada}`, { 'x-purpose': 'support' })
  await workspace.get(`/api/v1/leads/${bob}`)
  await workspace.get('/api/v1/leads')
  await hub.app.accessLog.flush()
  const { body } = await workspace.get(`/api/v1/compliance/access?subject=${ada}`)
  expect(body.data).toMatchObject([
    { operation: 'listLeads', shown: 'revealed', purpose: null },
    { operation: 'getLead', shown: 'revealed', purpose: 'support' },
  ])
})
