import { sql } from 'kysely'
import { beforeEach, expect, test } from 'vitest'
import { linkAudit } from '#access/audit-chain.ts'
import { verifyAudit } from '#access/audit-verify.ts'
import { auditFiles } from '#app.ts'
import { MINUTE_MS } from '#core/time.ts'
import { ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock })
const LEADS = '/api/v1/integrations/sales/leads'

interface Entry {
  action: string
  principalId: string
  subjectId: string | null
  requestId: string
  detail: Record<string, unknown>
}

let workspace: TestWorkspace
let leadId: string

beforeEach(async () => {
  workspace = await hub.freshWorkspace()
  leadId = (await workspace.post(LEADS, { email: 'ada@x.example', firstName: 'Ada' })).body.id
})

async function entries(action: string): Promise<Entry[]> {
  await hub.app.accessLog.flush()
  return (await workspace.get(`/api/v1/audit?limit=500&action=${action}`)).body.data
}

test('a read of a person names who read, under which request, which fields were shown and what for', async () => {
  const read = await workspace.get(`/api/v1/leads/${leadId}`, { 'x-purpose': 'support' })
  const clerk = await workspace.withKey({ scopes: ['leads:read'] })
  await clerk.get(`/api/v1/leads/${leadId}`, { 'x-purpose': 'for ada@x.example' })
  const [masked, revealed] = await entries('data.read')
  expect(revealed).toMatchObject({
    subjectId: leadId,
    requestId: read.headers.get('x-request-id'),
    detail: {
      operation: 'getLead',
      shown: 'revealed',
      count: 1,
      purpose: 'support',
      records: expect.arrayContaining([leadId, read.body.personId]),
      fields: expect.arrayContaining(['email', 'firstName', 'phone']),
    },
  })
  // What is no plain word may hold a value of somebody: the log is for ever.
  expect(masked!.detail).toMatchObject({ shown: 'masked', purpose: 'not in plain words' })
  expect(masked!.principalId).not.toBe(revealed!.principalId)
})

test('a list names each record that it showed, an export each of its pages', async () => {
  for (let i = 0; i < 3; i += 1) await workspace.post(LEADS, { email: `l${i}@x.example` })
  await workspace.get('/api/v1/leads?limit=2')
  await workspace.get('/api/v1/leads?format=csv')
  const [page, list] = await entries('data.read')
  expect(list!.detail).toMatchObject({ operation: 'listLeads', count: 2 })
  expect((list!.detail['records'] as string[]).filter((id) => id.startsWith('lead_'))).toHaveLength(
    2,
  )
  expect(page!.detail).toMatchObject({ operation: 'listLeads', count: 4, format: 'csv' })
  expect((page!.detail['records'] as string[]).filter((id) => id.startsWith('lead_'))).toHaveLength(
    4,
  )
})

test('refusals are noted, those of a key that ended too, and many of a kind are one entry with their count', async () => {
  const clerk = await workspace.withKey({ scopes: ['campaigns:read'] })
  for (let i = 0; i < 5; i += 1)
    expect((await clerk.get(`/api/v1/leads/${leadId}`)).status).toBe(403)
  const { body: made } = await workspace.post('/api/v1/keys', { name: 'short', roles: ['sales'] })
  await workspace.delete(`/api/v1/keys/${made.id}`)
  const ended = { authorization: `Bearer ${made.key}` }
  await expect.poll(async () => (await workspace.get('/api/v1/leads', ended)).status).toBe(401)
  const nobody = await fetch(`${hub.url}/api/v1/leads`)
  expect(nobody.status).toBe(401)
  const refused = await entries('access.refused')
  expect(refused.map(({ subjectId, detail }) => ({ subjectId, ...detail }))).toEqual([
    expect.objectContaining({ operation: 'listLeads', status: 401, proved: false }),
    {
      subjectId: leadId,
      operation: 'getLead',
      status: 403,
      code: 'auth.forbidden',
      count: 5,
      proved: true,
    },
  ])
})

test('a reader waits for memory only: the answer comes while nobody can write to the log, and the entry follows', async () => {
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
  const { promise: isLocked, resolve: locked } = Promise.withResolvers<void>()
  const lock = hub.app.store.system(async (tx) => {
    await tx.execute(sql`lock table audit_log in exclusive mode`)
    locked()
    await held
  })
  await isLocked
  expect((await workspace.get(`/api/v1/leads/${leadId}`)).status).toBe(200)
  letGo()
  await lock
  expect(await entries('data.read')).toHaveLength(1)
})

test('reads stand in the same chain as changes, and the chain proves itself', async () => {
  await workspace.get(`/api/v1/leads/${leadId}`)
  await hub.app.accessLog.flush()
  clock.advance(2 * MINUTE_MS)
  const files = auditFiles(hub.app.config)
  const check = () => hub.app.store.read(workspace.id, (tx) => verifyAudit(tx, workspace.id, files))
  const unlinked = async () => {
    await linkAudit(hub.app.store, files, clock.now())
    return (await check()).unlinked
  }
  await expect.poll(unlinked, { timeout: 20_000 }).toBe(0)
  const { body } = await workspace.get('/api/v1/audit?limit=500')
  expect(body.data.map(({ action }: Entry) => action)).toContain('data.read')
  expect(await check()).toMatchObject({ fault: null, links: body.data.length })
})
