import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { createUser, issueKey } from '#access/bootstrap.ts'
import { newId } from '#core/id.ts'
import { roles, scopesOf } from '#access/roles.ts'
import { opportunityEntity } from '#domains/sales/opportunity.entity.ts'
import { pipelineEntity, stageEntity } from '#domains/sales/pipeline.entity.ts'
import { applyMask, maskOf } from '#gateway/mask.ts'
import type { Operation } from '#gateway/operation.ts'
import { personalFields } from '#gateway/shown.ts'
import type { Entity, EntityWrite } from '#sync/entity.ts'
import { ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T09:00:00Z'))
const hub = useHub({ clock })

/** Personal values that were never seen before, one a field: wherever one shows up, it leaked from that field. */
const canaries = {
  leadEmail: 'canarylead@canary.example',
  leadFirstName: 'Canaryfirst',
  leadLastName: 'Canarylast',
  leadPhone: '+4915550009871',
  leadJobTitle: 'Canary Wrangler',
  leadCustom: 'canarycustomvalue',
  leadUserId: 'canaryuserid77',
  leadAnonymousId: 'canaryanon88',
  leadClickId: 'canarygclid99',
  touchPage: 'canarypagepath',
  consentProof: 'canaryproofvalue',
  ownerName: 'Canaryowner Name',
  ownerEmail: 'canaryowner@canary.example',
  dealName: 'Canarydeal Gmbh',
  userName: 'Canaryuser Name',
  userEmail: 'canaryuser@canary.example',
  importCell: 'canarycell@canary.example',
  claimAnswer: 'canaryclaimanswer',
  commentBody: 'canarycommentbody',
  callerAgent: 'canaryagent',
}
const people = [...Object.keys(roles), 'none-of-them-reveals'] as const

let workspace: TestWorkspace
const ids = new Map<string, string>()

async function write(entity: Entity, more: Partial<EntityWrite>): Promise<string> {
  const draft: EntityWrite = {
    localId: null,
    externalId: `x${ids.size}${Math.trunc(clock.now().getTime() % 1000)}`,
    deleted: false,
    modifiedAt: clock.now(),
    values: {},
    references: {},
    ...more,
  }
  const { written } = await hub.app.store.transaction(workspace.id, (tx) =>
    entity.write!(tx, [draft], clock.now()),
  )
  return written[0]!.localId
}

const to = (localId: string) => [{ localId, externalId: 'x' }]

beforeAll(async () => {
  workspace = await hub.freshWorkspace()
  const campaign = await workspace.post('/api/v1/campaigns', {
    key: 'spring',
    name: 'Spring',
    channel: 'paid_search',
  })
  const owner = await workspace.post('/api/v1/owners', {
    name: canaries.ownerName,
    email: canaries.ownerEmail,
  })
  const lead = await workspace.post('/api/v1/integrations/sales/leads', {
    email: canaries.leadEmail,
    firstName: canaries.leadFirstName,
    lastName: canaries.leadLastName,
    phone: canaries.leadPhone,
    jobTitle: canaries.leadJobTitle,
    userId: canaries.leadUserId,
    anonymousId: canaries.leadAnonymousId,
    custom: { favourite: canaries.leadCustom },
    clickIds: { gclid: canaries.leadClickId },
    campaign: 'spring',
    channel: 'paid_search',
  })
  expect(lead.status, lead.text).toBe(201)
  await workspace.post('/api/v1/touchpoints', {
    anonymousId: canaries.leadAnonymousId,
    kind: 'page_view',
    channel: 'organic_search',
    pageUrl: `https://shop.example/${canaries.touchPage}`,
  })
  await workspace.post(`/api/v1/leads/${lead.body.id}/reroute`, { ownerId: owner.body.id })
  const personId = (await workspace.get('/api/v1/people')).body.data[0].id
  const consent = await workspace.post(`/api/v1/people/${personId}/consents`, {
    purpose: 'marketing',
    status: 'granted',
    proof: { text: canaries.consentProof },
  })
  expect(consent.status, consent.text).toBeLessThan(300)
  const pipeline = await write(pipelineEntity, { values: { label: 'New', archived: false } })
  const stage = await write(stageEntity, {
    externalId: 'stage',
    values: { label: 'Won', outcome: 'won', position: 0, probability: 1, archived: false },
    references: { pipeline: to(pipeline) },
  })
  const opportunity = await write(opportunityEntity, {
    externalId: 'deal',
    values: {
      name: canaries.dealName,
      amountMinor: 100_000,
      currency: 'EUR',
      status: 'won',
      openedAt: clock.now().toISOString(),
      closedAt: clock.now().toISOString(),
    },
    references: {
      pipeline: to(pipeline),
      stage: to(stage),
      owner: to(owner.body.id),
      leads: to(lead.body.id),
    },
  })
  await write(opportunityEntity, {
    externalId: 'slipped',
    modifiedAt: new Date('2026-09-01T00:00:00Z'),
    values: {
      name: canaries.dealName,
      status: 'open',
      openedAt: '2026-09-01T00:00:00Z',
      closesOn: '2026-10-20',
    },
  })
  const userId = await createUser(
    hub.app.store,
    workspace.id,
    { name: canaries.userName, email: canaries.userEmail, roles: ['viewer'] },
    clock.now(),
  )
  const imported = await fetch(`${hub.url}/api/v1/imports?target=leads&fileName=x.csv`, {
    method: 'POST',
    headers: { authorization: `Bearer ${workspace.key}`, 'content-type': 'text/csv' },
    body: `email,first name\r\n${canaries.importCell},x\r\nnot an address,y\r\n`,
  })
  ids.set('importId', ((await imported.json()) as { id: string }).id)
  await workspace.post(`/api/v1/imports/${ids.get('importId')}/start`, {})
  await hub.settle()
  clock.advance(60_000)
  await hub.settle()
  const other = await workspace.post('/api/v1/people', { email: 'other@shop.example' })
  ids.set('otherPersonId', other.body.id)
  ids.set('duplicateId', await addPair(personId, other.body.id))
  ids.set('leadId', lead.body.id)
  ids.set('personId', personId)
  ids.set('campaignId', campaign.body.id)
  ids.set('ownerId', owner.body.id)
  ids.set('opportunityId', opportunity)
  ids.set('record', opportunity)
  ids.set('localId', lead.body.id)
  ids.set('entity', 'lead')
  ids.set('userId', userId)
  await addReports(lead.body.id)
  ids.set('auditId', (await workspace.get('/api/v1/audit?limit=1')).body.data[0].id)
})

/** Two people of whom somebody is to say whether they are one. */
async function addPair(personId: string, otherPersonId: string): Promise<string> {
  const id = newId('dup')
  const [first, second] = [personId, otherPersonId].toSorted()
  await hub.app.store.transaction(workspace.id, (tx) =>
    tx.execute(sql`
      insert into person_duplicates (id, workspace_id, person_id, other_person_id, confidence, reasons, found_at)
      values (${id}, ${workspace.id}, ${first}, ${second}, 0.5, '{phone}', ${clock.now()})`),
  )
  return id
}

/** What people say and plan: a report with a comment, a claim in words, a plan in two versions. */
async function addReports(leadId: string): Promise<void> {
  const report = await workspace.post('/api/v1/reports/weekly', {})
  expect(report.status, report.text).toBe(201)
  const { id } = report.body
  const comment = { body: canaries.commentBody }
  expect((await workspace.post(`/api/v1/reports/weekly/${id}/comments`, comment)).status).toBe(201)
  const claim = { answer: canaries.claimAnswer }
  const said = await workspace.put(`/api/v1/attribution/claims/${leadId}/customer`, claim)
  expect(said.status, said.text).toBe(200)
  const segments = [{ channel: null, targetMinor: 1_000_000 }]
  for (let version = 1; version <= 2; version += 1) {
    const plan = await workspace.put('/api/v1/plans/2027-Q1', { segments })
    expect(plan.status, plan.text).toBe(200)
  }
  const asked = await workspace.post('/api/v1/privacy/requests', {
    kind: 'access',
    personId: ids.get('personId'),
    note: 'By letter.',
  })
  expect(asked.status, asked.text).toBe(201)
  const request = `/api/v1/privacy/requests/${asked.body.id}`
  expect((await workspace.post(`${request}/approve`, {})).status).toBe(200)
  ids.set('requestId', asked.body.id)
  const held = { target: 'kind', subject: 'touchpoints', reason: 'A dispute.' }
  const hold = await workspace.post('/api/v1/retention/holds', held)
  expect(hold.status, hold.text).toBe(201)
  ids.set('holdId', hold.body.id)
  await addThreat()
  const design = { channel: 'email', holdoutShare: 0.1, weeks: 4, startsOn: '2026-12-01' }
  const experiment = await workspace.post('/api/v1/experiments', design)
  expect(experiment.status, experiment.text).toBe(201)
  ids.set('experimentId', experiment.body.id)
  ids.set('reportId', id)
  ids.set('subjectId', leadId)
  ids.set('quarter', '2027-Q1')
  ids.set('model', 'linear')
}

/** A key that guesses ids, and where it was used. */
async function addThreat(): Promise<void> {
  const { signals } = hub.app.threats
  const key = { kind: 'key', id: 'key_canary' } as const
  signals.used(key, workspace.id, { address: '203.0.113.9', agent: canaries.callerAgent })
  for (let i = 0; i < 40; i += 1) {
    const call = { operationId: 'getLead', path: `/api/v1/leads/${i}`, status: 404 }
    signals.answered(key, workspace.id, call)
  }
  await hub.app.threats.tick()
  ids.set('threatId', (await workspace.get('/api/v1/security/threats')).body.data[0].id)
}

/** What some reads must be asked. */
const questions: Readonly<Record<string, string>> = {
  getAttributionChanges: 'since=2026-11-23T09:00:30Z',
  getImprovement: 'baselineFrom=2026-01-01&baselineTo=2026-03-31&from=2026-04-01&to=2026-06-30',
  listImprovementLeads:
    'span=current&baselineFrom=2026-01-01&baselineTo=2026-03-31&from=2026-04-01&to=2026-12-31&maturityDays=0',
  listImprovementDeals:
    'span=current&baselineFrom=2026-01-01&baselineTo=2026-03-31&from=2026-04-01&to=2026-12-31',
  getSlippage: 'from=2026-10-01&to=2026-10-31',
  listSlippageDeals: 'from=2026-10-01&to=2026-10-31',
  compareQuarterlyPlans: 'from=1&to=2',
  previewRetention: 'kind=touchpoints',
  getLineage: 'record=lead_0&field=company',
  getCellLineage: 'campaignId={campaignId}',
  listRecordCells: 'field=amountMinor',
  getComplianceReport: 'from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z',
  listSubjectAccess: 'subject=lead_0',
  previewPersonMerge: 'with={otherPersonId}',
  previewPersonDuplicateMerges: 'pairs={duplicateId}',
}

/** Identifiers are kept as hashes: no read shows them to anybody. */
const neverShown = new Set(['leadUserId', 'leadAnonymousId'])

/** Reads that cannot be made here, and why. */
const unread: Readonly<Record<string, string>> = {
  getConnection: 'needs a connected system, and holds no personal value',
  getConnectionApproval: 'as above',
  listStreams: 'as above',
  getCallPlan: 'as above',
  getSyncRun: 'as above',
  getSyncCertificate: 'as above',
  getRunLineage: 'as above',
  listSyncRunRecords: 'as above',
  listFieldMappings: 'as above',
  listVendorFields: 'as above',
  rehearseFieldPolicy: 'as above',
  getChangePlan: 'as above',
  getBackfill: 'as above',
  estimateBackfill: 'as above',
  previewSyncRunUndo: 'as above',
  listPlannedChanges: 'needs a connected system; its mask is looked at by itself',
  getConflict: 'needs a connected system; its mask is looked at by itself',
  getWebhookEndpoint: 'needs an endpoint; deliveries hold ids and figures only',
  listWebhookDeliveries: 'as above',
  getWebhookDelivery: 'as above',
  getRetentionRun: 'needs a daily run; holds kinds, times and counts, which the list shows too',
  getAlert: 'needs an alert; that none holds a personal value is a test of its own',
  getAlertChannel: 'needs a channel; its addresses are masked by a test of its own',
  getAccountSecurity: 'of people at the console only, and only of themselves',
  explainAccess: 'takes a principal; holds none',
  getLearnedModel: 'needs hundreds of outcomes; holds names of columns and figures',
  listExperimentProposals: 'needs a fitted model; holds channels and figures',
  listLeadProbabilities: 'needs a trained model; holds ids and figures',
}

function pathsOf(operation: Operation): string[] {
  const fill = (text: string) =>
    text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => ids.get(name) ?? whole)
  const path = fill(operation.path)
  if (path.includes('{')) return []
  const question = questions[operation.id] && fill(questions[operation.id]!)
  const asked = question === undefined ? path : `${path}?${question}`
  return operation.csv
    ? [asked, `${asked}${question === undefined ? '?' : '&'}format=csv`]
    : [asked]
}

function leaksIn(text: string): string[] {
  return Object.entries(canaries).flatMap(([field, value]) => (text.includes(value) ? [field] : []))
}

test('the values of a conflict and of a record’s history are masked as a whole', () => {
  const output = (id: string) => hub.app.operations.find((one) => one.id === id)!.output
  const sides = { value: canaries.leadPhone, changedAt: null }
  const conflict = { hub: sides, crm: sides, base: canaries.leadEmail }
  const mask = maskOf(output('getConflict'))
  expect(mask).not.toBeNull()
  expect(leaksIn(JSON.stringify(applyMask(mask!, conflict)))).toEqual([])
})

/** Eight at a time: thousands of small requests one after the other take minutes. */
async function inParallel<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const rest = [...all]
  const worker = async () => {
    for (let one = rest.shift(); one !== undefined; one = rest.shift()) await work(one)
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}

test('no role sees a personal value in any answer or export that it may not see, and those who may do see them', async () => {
  const reads = hub.app.operations.filter((operation) => operation.method === 'GET')
  const leaks: string[] = []
  const seen = new Set<string>()
  const visited = new Set<string>()
  for (const role of people) {
    const isNone = !Object.hasOwn(roles, role)
    const every = hub.app.operations.flatMap(({ scope }) => (scope === null ? [] : [scope]))
    const scopes = isNone ? [...new Set(every)].filter((scope) => scope !== 'people:reveal') : []
    const mayReveal = !isNone && scopesOf([role]).has('people:reveal')
    const input = { name: role, roles: isNone ? [] : [role], scopes, rateLimitPerMinute: 1_000_000 }
    const { token } = await issueKey(hub.app.store, workspace.id, input, clock.now())
    const asked = reads.flatMap((operation) =>
      pathsOf(operation).map((path) => ({ id: operation.id, path })),
    )
    const headers = { authorization: `Bearer ${token}` }
    await inParallel(asked, async ({ id, path }) => {
      const answer = await fetch(hub.url + path, { headers })
      const found = leaksIn(await answer.text())
      if (answer.status === 200) visited.add(id)
      if (mayReveal) found.forEach((field) => seen.add(field))
      else leaks.push(...found.map((field) => `${role} ${path} ${field}`))
    })
  }
  expect(leaks).toEqual([])
  const missed = reads
    .map(({ id }) => id)
    .filter((id) => !visited.has(id) && !Object.hasOwn(unread, id))
  expect({ missed }).toEqual({ missed: [] })
  const never = Object.keys(canaries).filter((field) => !seen.has(field) && !neverShown.has(field))
  expect({ never }).toEqual({ never: [] })
})

test('every read of personal fields leaves an entry that names them', async () => {
  const reads = hub.app.operations.filter(
    (operation) => operation.method === 'GET' && personalFields(operation).length > 0,
  )
  const asked = new Map<string, string>()
  await inParallel(reads, async (operation) => {
    for (const path of pathsOf(operation)) {
      const answer = await workspace.get(path)
      if (answer.status === 200) asked.set(answer.headers.get('x-request-id')!, operation.id)
    }
  })
  const rejects = await workspace.get(`/api/v1/imports/${ids.get('importId')}/rejects.csv`)
  asked.set(rejects.headers.get('x-request-id')!, 'downloadImportRejects')
  await hub.app.accessLog.flush()
  const noted = new Map<string, Record<string, unknown>>()
  for (let cursor: string | null = ''; cursor !== null;) {
    const after: string = cursor === '' ? '' : `&cursor=${cursor}`
    const { body } = await workspace.get(`/api/v1/audit?action=data.read&limit=500${after}`)
    for (const { requestId, detail } of body.data) noted.set(requestId, detail)
    cursor = body.nextCursor
  }
  const unnoted = [...asked].filter(([request, id]) => noted.get(request)?.['operation'] !== id)
  expect(unnoted).toEqual([])
  for (const id of asked.keys()) expect(noted.get(id)?.['fields']).not.toEqual([])
  const visited = new Set(asked.values())
  const missed = reads.filter(({ id }) => !visited.has(id) && !Object.hasOwn(unread, id))
  expect(missed.map(({ id }) => id)).toEqual([])
  expect(visited.size).toBeGreaterThan(15)
  expect(leaksIn(JSON.stringify([...noted.values()]))).toEqual([])
})

test('every route with a scope refuses every role without it', async () => {
  const wrong: string[] = []
  for (const role of Object.keys(roles)) {
    const { token } = await issueKey(
      hub.app.store,
      workspace.id,
      { name: role, roles: [role], rateLimitPerMinute: 1_000_000 },
      clock.now(),
    )
    const has = scopesOf([role])
    const closed = hub.app.operations.filter(({ scope }) => scope !== null && !has.has(scope))
    await inParallel(closed, async ({ id, method, path }) => {
      const hasBody = method !== 'GET' && method !== 'DELETE'
      const answer = await fetch(hub.url + path.replaceAll(/\{\w+\}/g, 'x_0'), {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(hasBody ? { 'content-type': 'application/json' } : {}),
        },
        ...(hasBody ? { body: '{}' } : {}),
      })
      await answer.arrayBuffer()
      if (answer.status !== 403) wrong.push(`${role} ${id} ${answer.status}`)
    })
  }
  expect(wrong).toEqual([])
})
