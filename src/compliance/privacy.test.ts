import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { linkAudit } from '#access/audit-chain.ts'
import { verifyAudit } from '#access/audit-verify.ts'
import { auditFiles, erasedListFile, startApp } from '#app.ts'
import { eraseListed, restoreBackup } from '#cli/backup.ts'
import { eraseAgain, readErasedList } from '#compliance/erased-list.ts'
import { loadConfig } from '#config.ts'
import { silentLog } from '#core/log.ts'
import { ManualClock, MINUTE_MS } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { writeBackup } from '#store/backup/write.ts'
import { createDatabase } from '#tests/store.ts'
import { expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock })
const REQUESTS = '/api/v1/privacy/requests'
/** Each value stands once in everything that is sent in of the person. */
const canary = {
  email: 'canary.zebra@quagga-family.example',
  firstName: 'Zebulonia',
  lastName: 'Quaggaroo',
  phone: '+49 30 555 0199',
  jobTitle: 'Chief Okapi Wrangler',
  externalId: 'ext-okapi-7781',
}

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

/** A person that everything is known of, in the CRM too; and another who stays. */
async function company() {
  const made = await workspace.post('/api/v1/connections', {
    vendor: 'hubspot',
    name: 'CRM',
    settings: { baseUrl: sandbox.url, token: sandbox.token },
  })
  const lead = async (more: object) => {
    const answer = await workspace.post('/api/v1/integrations/sales/leads', more)
    expect(answer.status, answer.text).toBe(201)
    return answer.body
  }
  const canaryLead = await lead({
    ...canary,
    company: 'Acme',
    source: 'forms',
    event: 'demo_request',
    pageUrl: `https://www.example.com/demo?email=${canary.email}`,
    custom: { pet: canary.lastName },
  })
  await lead({ email: 'other@example.com', firstName: 'Otto', event: 'demo_request' })
  await sync(made.body.id)
  const personId = (await workspace.get(`/api/v1/leads/${canaryLead.id}`)).body.personId as string
  const consent = await workspace.post(`/api/v1/people/${personId}/consents`, {
    purpose: 'marketing',
    status: 'granted',
    proof: { page: `https://www.example.com/${canary.firstName}` },
  })
  expect(consent.status, consent.text).toBeLessThan(300)
  return { connectionId: made.body.id as string, leadId: canaryLead.id as string, personId }
}

async function sync(connectionId: string) {
  await workspace.post(`/api/v1/connections/${connectionId}/runs`, {})
  await hub.settle()
}

const take = (kind: string, personId: string, by = workspace) =>
  by.post(REQUESTS, { kind, personId, note: 'By letter; identity card seen.' })

/** All that anyone with every right is shown anywhere. */
async function everythingShown(personId: string, leadId: string): Promise<string> {
  const paths = [
    '/api/v1/people',
    `/api/v1/people/${personId}`,
    `/api/v1/people/${personId}/timeline`,
    '/api/v1/leads',
    `/api/v1/leads/${leadId}`,
    `/api/v1/leads?q=${canary.email}`,
    '/api/v1/touchpoints',
    `/api/v1/records/lead/${leadId}/journey`,
    `/api/v1/records/lead/${leadId}/history`,
    '/api/v1/audit-log',
  ]
  const answers = await Promise.all(paths.map((path) => workspace.get(path)))
  return answers.map(({ text }) => text).join('\n')
}

const leaks = (text: string) => Object.values(canary).filter((value) => text.includes(value))

describe('erasure', () => {
  test('nothing that is shown, kept in clear, or held at the CRM tells of the person any more; figures and proof stand', async () => {
    const { connectionId, leadId, personId } = await company()
    expect(leaks(await everythingShown(personId, leadId))).toEqual(
      expect.arrayContaining([canary.email, canary.firstName, canary.phone]),
    )
    expect(sandbox.count('contacts')).toBe(2)
    const before = (await workspace.get('/api/v1/overview')).body
    const { body: request } = await take('erasure', personId)
    expect(request).toMatchObject({ state: 'received', personId })
    expect(Date.parse(request.dueAt) - Date.parse(request.requestedAt)).toBe(30 * 86_400_000)
    const approved = await officer.post(`${REQUESTS}/${request.id}/approve`, {})
    expect(approved.status, approved.text).toBe(200)
    expect(approved.body).toMatchObject({ state: 'waiting', erased: { people: 1, leads: 1 } })
    expect(approved.body.erased.identities).toBeGreaterThanOrEqual(2)
    expect(approved.body.receipts).toMatchObject([{ system: 'CRM', state: 'waiting' }])
    await hub.settle()

    const done = (await officer.get(`${REQUESTS}/${request.id}`)).body
    expect(done.state).toBe('done')
    expect(done.receipts).toMatchObject([{ system: 'CRM', entity: 'lead', state: 'done' }])
    expect(sandbox.count('contacts')).toBe(1)
    expect(leaks(JSON.stringify([...sandbox.records('contacts')]))).toEqual([])
    expect(leaks(await everythingShown(personId, leadId))).toEqual([])
    // Who comes back by the same address is somebody new, not the one that was erased.
    const again = await workspace.post('/api/v1/people', { email: canary.email })
    expect(again.body.id).not.toBe(personId)
    const after = (await workspace.get('/api/v1/overview')).body
    expect(before.touches.current).toBe(2)
    expect(after.touches).toEqual(before.touches)
    expect(after.leads).toEqual(before.leads)
    // The next runs neither send the person again nor bring it back.
    clock.advance(10 * MINUTE_MS)
    await sync(connectionId)
    expect(sandbox.count('contacts')).toBe(1)
    const { app } = hub
    const files = auditFiles(app.config)
    await linkAudit(app.store, files, clock.now())
    const verdict = await app.store.read(workspace.id, (tx) => verifyAudit(tx, workspace.id, files))
    expect(verdict.fault).toBeNull()
    expect(await workspace.auditActions()).toContain('person.erased')
  })

  test('no table keeps a value of the person in clear, before or after', async () => {
    const { personId } = await company()
    const { body: request } = await take('erasure', personId)
    await officer.post(`${REQUESTS}/${request.id}/approve`, {})
    await hub.settle()
    const client = new Client({ connectionString: hub.app.store.connectionString })
    await client.connect()
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
    )
    const found: string[] = []
    for (const { name } of tables) {
      const { rows } = await client.query<{ text: string }>(`select t::text as text from ${name} t`)
      found.push(
        ...leaks(rows.map(({ text }) => text).join('\n')).map((value) => `${name}: ${value}`),
      )
    }
    await client.end()
    expect(tables.length).toBeGreaterThan(80)
    expect(found).toEqual([])
  })

  test('a CRM that is down is asked again until it has erased the record', async () => {
    const { personId } = await company()
    const lift = sandbox.failNext({
      kind: 'status',
      status: 503,
      path: '*/gdpr-delete',
      count: 'until-lifted',
    })
    const { body: request } = await take('erasure', personId)
    await officer.post(`${REQUESTS}/${request.id}/approve`, {})
    await hub.settle()
    const waiting = (await officer.get(`${REQUESTS}/${request.id}`)).body
    expect(waiting).toMatchObject({
      state: 'waiting',
      receipts: [{ state: 'waiting', attempts: 1 }],
    })
    expect(waiting.receipts[0].detail).not.toBeNull()
    expect(sandbox.count('contacts')).toBe(2)
    lift()
    clock.advance(6 * MINUTE_MS)
    await hub.app.jobs.tick()
    await hub.settle()
    expect((await officer.get(`${REQUESTS}/${request.id}`)).body.state).toBe('done')
    expect(sandbox.count('contacts')).toBe(1)
  })

  test('who comes back with an older backup is erased again', async () => {
    const { leadId, personId } = await company()
    const folder = await mkdtemp(join(tmpdir(), 'throughline-erased-'))
    const file = join(folder, 'hub.backup')
    const secret = { passphrase: 'a passphrase of some length' }
    await writeBackup(hub.app.store.connectionString, file, secret)
    const { body: request } = await take('erasure', personId)
    await officer.post(`${REQUESTS}/${request.id}/approve`, {})
    await hub.settle()
    const target = await createDatabase()
    await restoreBackup(target.connectionString, file, secret, silentLog)
    const { keyFile } = hub.app.config
    const config = { databaseUrl: target.connectionString, keyFile, runJobs: false }
    const restored = await startApp(loadConfig({}, config), { listen: false, log: silentLog })
    try {
      const shown = async () => {
        const headers = { authorization: `Bearer ${workspace.key}` }
        const url = `/api/v1/leads/${leadId}`
        return (await restored.server.inject({ method: 'GET', url, headers })).payload
      }
      expect(leaks(await shown())).toContain(canary.email)
      await eraseListed(restored)
      expect(await shown()).toContain(leadId)
      expect(leaks(await shown())).toEqual([])
      const list = await readErasedList(erasedListFile(hub.app.config))
      expect(list).toContainEqual({ workspaceId: workspace.id, personId, requestId: request.id })
      expect(await eraseAgain(restored.store, [], list, clock.now())).toBe(0)
    } finally {
      await restored.stop()
      await target.drop()
      await rm(folder, { recursive: true, force: true })
    }
  })

  test('it needs another person than who took it, is decided once, and leaves nothing when refused', async () => {
    const { leadId, personId } = await company()
    const both = await workspace.withKey({ roles: ['privacy'] })
    const { body: own } = await take('erasure', personId, both)
    expectProblem(
      await both.post(`${REQUESTS}/${own.id}/approve`, {}),
      403,
      'privacy.second_person',
    )
    const refused = await officer.post(`${REQUESTS}/${own.id}/refuse`, {
      reason: 'A contract runs.',
    })
    expect(refused.body).toMatchObject({ state: 'refused', decision: 'A contract runs.' })
    expectProblem(await officer.post(`${REQUESTS}/${own.id}/approve`, {}), 409, 'privacy.decided')
    expect((await workspace.get(`/api/v1/leads/${leadId}`)).body.email).toBe(canary.email)
    const seller = await workspace.withKey({ roles: ['sales'] })
    expectProblem(await take('erasure', personId, seller), 403, 'auth.forbidden')
    const other = await hub.freshWorkspace()
    expectProblem(await other.get(`${REQUESTS}/${own.id}`), 404, 'resource.not_found')
    expectProblem(await take('erasure', personId, other), 404, 'resource.not_found')
    const listed = (await officer.get(`${REQUESTS}?kind=erasure`)).body.data
    expect(listed).toMatchObject([{ id: own.id, state: 'refused' }])
  })
})

test('an access request is answered with all that is held, once it is approved', async () => {
  const { personId } = await company()
  const { body: request } = await take('access', personId)
  const listed = async (of: string) =>
    (await workspace.get(`${REQUESTS}?personId=${of}`)).body.data.map(
      ({ id }: { id: string }) => id,
    )
  expect(await listed(personId)).toEqual([request.id])
  expect(await listed('per_0')).toEqual([])
  expectProblem(await officer.get(`${REQUESTS}/${request.id}/export`), 409, 'privacy.not_approved')
  await officer.post(`${REQUESTS}/${request.id}/approve`, {})
  const { body, text } = await officer.get(`${REQUESTS}/${request.id}/export`)
  expect(leaks(text).toSorted()).toEqual(Object.values(canary).toSorted())
  expect(body.held.connectedSystems).toMatchObject([{ system: 'CRM', vendor: 'hubspot' }])
  expect(body.held.consents).toMatchObject([{ purpose: 'marketing', status: 'granted' }])
  expect(body.held.touchpoints.length).toBeGreaterThan(0)
  // Without the right to see personal values, none is shown.
  const clerk = await workspace.withKey({ scopes: ['privacy:read'] })
  expect(leaks((await clerk.get(`${REQUESTS}/${request.id}/export`)).text)).toEqual([])
})

test('every table that names a person or a lead is accounted for', async () => {
  const path = fileURLToPath(new URL('../../migrations/schema.sql', import.meta.url))
  const schema = await readFile(path, 'utf8')
  const naming = [...schema.matchAll(/create table (\w+) \(([\s\S]*?)\n\);/g)].flatMap((match) =>
    /\n {2}(?:person_id|person_ids|other_person_id|lead_id|local_id) /.test(`\n${match[2]}`)
      ? [match[1]!]
      : [],
  )
  const stores = hub.app.modules.flatMap((module) => module.personal ?? [])
  const known = new Set(stores.flatMap(({ tables }) => tables))
  expect(naming.length).toBeGreaterThan(15)
  expect(naming.filter((table) => !known.has(table))).toEqual([])
})
