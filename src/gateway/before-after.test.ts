import { expect, test } from 'vitest'
import { seededRandom } from '#core/random.ts'
import {
  expectProblem,
  ManualClock,
  useHub,
  type TestAnswer,
  type TestWorkspace,
} from '#tests/hub.ts'

const hub = useHub({ clock: new ManualClock(new Date('2026-11-23T08:00:00Z')) })
const LEADS = '/api/v1/integrations/sales/leads'

interface Entry {
  action: string
  principalId: string
  subjectId: string | null
  requestId: string
  detail: Record<string, unknown>
}

async function entries(workspace: TestWorkspace): Promise<Entry[]> {
  const all: Entry[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const after: string = cursor === '' ? '' : `&cursor=${cursor}`
    const { body } = await workspace.get(`/api/v1/audit?limit=500${after}`)
    all.push(...body.data)
    cursor = body.nextCursor
  }
  return all
}

async function entryOf(workspace: TestWorkspace, answer: TestAnswer): Promise<Entry> {
  expect(answer.status, answer.text).toBeLessThan(300)
  const request = answer.headers.get('x-request-id')
  const found = (await entries(workspace)).filter((entry) => entry.requestId === request)
  return found.find(({ detail }) => 'given' in detail || 'changed' in detail) ?? found[0]!
}

test('a change says before and after, a personal one only that it changed', async () => {
  const workspace = await hub.freshWorkspace()
  const made = await workspace.post('/api/v1/campaigns', {
    key: 'a',
    name: 'Old',
    channel: 'email',
  })
  const path = `/api/v1/campaigns/${made.body.id}`
  const renamed = await entryOf(workspace, await workspace.patch(path, { name: 'New' }))
  expect(renamed).toMatchObject({
    action: 'changeCampaign',
    subjectId: made.body.id,
    detail: { given: ['name'], changed: { name: ['Old', 'New'] } },
  })
  const gone = await entryOf(workspace, await workspace.delete(path))
  expect(gone.detail['changed']).toMatchObject({ name: ['New', null], key: ['a', null] })

  const lead = await workspace.post(LEADS, { email: 'zebulonia@x.example', firstName: 'Zebulonia' })
  const changed = await entryOf(
    workspace,
    await workspace.patch(`/api/v1/leads/${lead.body.id}`, {
      company: 'Quagga and Daughters',
      industry: 'Zoo',
    }),
  )
  expect(changed.detail).toMatchObject({
    given: ['company', 'industry'],
    changed: { industry: [null, 'Zoo'] },
    personal: expect.arrayContaining(['company']),
  })
  const text = JSON.stringify(await entries(workspace))
  for (const value of ['zebulonia', 'Zebulonia', 'Quagga']) expect(text).not.toContain(value)
})

test('an entry is read by its id, and in another workspace there is none', async () => {
  const workspace = await hub.freshWorkspace()
  await workspace.post('/api/v1/campaigns', { key: 'a', name: 'A', channel: 'email' })
  const [listed] = (await workspace.get('/api/v1/audit?action=createCampaign')).body.data
  expect((await workspace.get(`/api/v1/audit/${listed.id}`)).body).toEqual(listed)
  const other = await hub.freshWorkspace()
  expectProblem(await other.get(`/api/v1/audit/${listed.id}`), 404, 'resource.not_found')
})

test('what is made new says after, and no secret that its answer holds', async () => {
  const workspace = await hub.freshWorkspace()
  const hold = await workspace.post('/api/v1/retention/holds', {
    target: 'kind',
    subject: 'touchpoints',
    reason: 'Case 7.',
  })
  const placed = await entryOf(workspace, hold)
  expect(placed.detail['changed']).toMatchObject({ subject: [null, 'touchpoints'] })
  const hook = await workspace.post('/api/v1/webhooks', {
    url: 'https://hooks.example.com/x',
    events: ['lead.created'],
  })
  const key = await workspace.post('/api/v1/keys', { name: 'form', roles: ['sales'] })
  expect(key.status, key.text).toBe(201)
  const log = JSON.stringify(await entries(workspace))
  expect(log).toContain('createApiKey')
  expect(log).not.toContain(key.body.key)
  if (hook.status === 201) expect(log).not.toContain(hook.body.secret)
})

test('five hundred actions at random leave five hundred entries, each with who, what and under which request', async () => {
  const workspace = await hub.freshWorkspace()
  const random = seededRandom(7, 1)
  const campaign = await workspace.post('/api/v1/campaigns', {
    key: 'c',
    name: 'C',
    channel: 'email',
  })
  const owner = await workspace.post('/api/v1/owners', { name: 'Otto', email: 'otto@x.example' })
  const lead = await workspace.post(LEADS, { email: 'a@x.example' })
  const at = `/api/v1/leads/${lead.body.id}`
  let n = 0
  const acts: Record<string, () => Promise<TestAnswer>> = {
    captureLead: () => workspace.post(LEADS, { email: `p${(n += 1)}@x.example` }),
    identifyPerson: () => workspace.post('/api/v1/people', { email: `q${(n += 1)}@x.example` }),
    recordTouchpoint: () =>
      workspace.post('/api/v1/touchpoints', {
        email: 'a@x.example',
        kind: 'page_view',
        channel: 'email',
      }),
    createCampaign: () =>
      workspace.post('/api/v1/campaigns', { key: `k${(n += 1)}`, name: 'K', channel: 'email' }),
    changeCampaign: () =>
      workspace.patch(`/api/v1/campaigns/${campaign.body.id}`, { name: `C${(n += 1)}` }),
    updateLead: () => workspace.patch(at, { industry: `T${(n += 1)}` }),
    overrideScore: () =>
      workspace.put(`${at}/score-override`, { score: random.integer(100), reason: 'Known.' }),
    changeOwner: () =>
      workspace.patch(`/api/v1/owners/${owner.body.id}`, { dailyCapacity: 1 + random.integer(50) }),
    createGrant: () =>
      workspace.post('/api/v1/access/grants', {
        subject: `role:r${(n += 1)}`,
        effect: 'deny',
        scope: 'leads:read',
        node: 'domain:sales',
      }),
    putAttributionWindows: () =>
      workspace.put('/api/v1/attribution/windows', {
        windows: ['30', '90', String(1 + random.integer(20))],
      }),
    putRetentionRule: () =>
      workspace.put('/api/v1/retention/rules/touchpoints', { days: 100 + random.integer(100) }),
  }
  const names = Object.keys(acts)
  const done = new Map<string, string>()
  const refused: string[] = []
  while (done.size < 500 && refused.length < 3) {
    const name = random.pick(names)
    const answer = await acts[name]!()
    if (answer.status < 300) done.set(answer.headers.get('x-request-id')!, name)
    else refused.push(`${name} ${answer.text}`)
  }
  expect(refused).toEqual([])
  const principals = new Set<string>()
  const entered = new Map<string, string[]>()
  for (const { requestId, action, principalId } of await entries(workspace)) {
    if (!done.has(requestId)) continue
    principals.add(principalId)
    entered.set(requestId, [...(entered.get(requestId) ?? []), action])
  }
  const missing = [...done].filter(([request, name]) => !entered.get(request)?.includes(name))
  expect(missing).toEqual([])
  expect(entered.size).toBe(500)
  expect(principals.size).toBe(1)
  expect(new Set(done.values()).size).toBe(names.length)
})
