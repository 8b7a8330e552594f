import { expect, test } from 'vitest'
import { sql } from 'kysely'
import { MINUTE_MS } from '#core/time.ts'
import { leadEntity } from '#domains/sales/lead.entity.ts'
import { opportunityEntity } from '#domains/sales/opportunity.entity.ts'
import { pipelineEntity, stageEntity } from '#domains/sales/pipeline.entity.ts'
import type { Entity, EntityWrite } from '#sync/entity.ts'
import { ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T09:00:00Z'))
const hub = useHub({ clock })

async function write(
  workspace: TestWorkspace,
  entity: Entity,
  more: Partial<EntityWrite>,
): Promise<string> {
  const base = {
    localId: null,
    deleted: false,
    modifiedAt: clock.now(),
    values: {},
    references: {},
  }
  const one = { ...base, externalId: 'x', ...more }
  const { written } = await hub.app.store.transaction(workspace.id, (tx) =>
    entity.write!(tx, [one], clock.now()),
  )
  return written[0]!.localId
}

async function lead(workspace: TestWorkspace, email: string, more: object = {}) {
  const answer = await workspace.post('/api/v1/integrations/sales/leads', { email, ...more })
  expect(answer.status, answer.text).toBe(201)
  const { id, personId } = answer.body as { id: string; personId: string }
  return { id, personId }
}

const to = (localId: string) => [{ localId, externalId: 'x' }]

/** A deal that was won today, with one lead. */
async function winDeal(workspace: TestWorkspace, leadId: string): Promise<string> {
  const pipeline = await write(workspace, pipelineEntity, {
    values: { label: 'New', archived: false },
  })
  const stage = await write(workspace, stageEntity, {
    values: { label: 'Won', outcome: 'won', position: 0, probability: 1, archived: false },
    references: { pipeline: to(pipeline) },
  })
  const at = clock.now().toISOString()
  return write(workspace, opportunityEntity, {
    values: {
      name: 'Deal',
      amountMinor: 100_000,
      currency: 'EUR',
      status: 'won',
      openedAt: at,
      closedAt: at,
    },
    references: { pipeline: to(pipeline), stage: to(stage), leads: to(leadId) },
  })
}

async function leadRows(workspace: TestWorkspace, ...ids: string[]) {
  const answers = await Promise.all(ids.map((id) => workspace.get(`/api/v1/leads/${id}`)))
  return answers.map(({ body }) => body)
}

/** Credit by channel of the one won deal, all time, linear. */
async function credit(workspace: TestWorkspace): Promise<Record<string, number>> {
  await hub.settle()
  const rows = await hub.app.store.transaction(workspace.id, (tx) =>
    tx.query(sql<{ key: string; amountMinor: number }>`
      select key, amount_minor from credit_totals where kind = 'channel' and window_days = 0 and model = 'linear' order by key`),
  )
  return Object.fromEntries(rows.map(({ key, amountMinor }) => [key, amountMinor]))
}

const values = async (workspace: TestWorkspace, ...ids: string[]) => {
  const records = await hub.app.store.transaction(workspace.id, (tx) => leadEntity.load!(tx, ids))
  return ids.map((id) => records.find(({ localId }) => localId === id)!.values)
}

test('the credit of a won deal follows its people through a merge, and returns when it is undone', async () => {
  const workspace = await hub.freshWorkspace()
  const ada = await lead(workspace, 'ada@x.example', { channel: 'paid_search' })
  const twin = await lead(workspace, 'ada.l@y.example', { channel: 'webinar' })
  clock.advance(MINUTE_MS)
  await winDeal(workspace, ada.id)
  await hub.settle()
  const alone = await credit(workspace)
  expect(alone).toEqual({ paid_search: 100_000 })

  for (const [into, from] of [
    [ada, twin],
    [twin, ada],
  ] as const) {
    const merged = await workspace.post(`/api/v1/people/${into.personId}/merge`, {
      with: from.personId,
    })
    expect(await credit(workspace)).toEqual({ paid_search: 50_000, webinar: 50_000 })
    expect(
      (await workspace.post(`/api/v1/people/merges/${merged.body.id}/unmerge`, {})).status,
    ).toBe(200)
    expect(await credit(workspace)).toEqual(alone)
  }
})

test('both leads of merged people stay, point at the survivor, and go back', async () => {
  const workspace = await hub.freshWorkspace()
  const ada = await lead(workspace, 'ada@x.example', { firstName: 'Ada', event: 'demo_request' })
  const twin = await lead(workspace, 'ada.l@y.example', { firstName: 'A.' })
  const deal = await winDeal(workspace, twin.id)
  await hub.settle()
  const before = await leadRows(workspace, ada.id, twin.id)
  expect(before.map(({ isCustomer }) => isCustomer)).toEqual([false, true])
  const sent = await values(workspace, ada.id, twin.id)

  const merged = await workspace.post(`/api/v1/people/${ada.personId}/merge`, {
    with: twin.personId,
  })
  await hub.settle()
  const during = await leadRows(workspace, ada.id, twin.id)
  expect(during.map(({ id, personId, isCustomer }) => [id, personId, isCustomer])).toEqual([
    [ada.id, ada.personId, true],
    [twin.id, ada.personId, true],
  ])
  // The CRM has a record of each: none of them gets the other's address or name.
  const now = await values(workspace, ada.id, twin.id)
  expect(now.map(({ email, firstName }) => [email, firstName])).toEqual(
    sent.map(({ email, firstName }) => [email, firstName]),
  )
  const again = await workspace.post('/api/v1/integrations/sales/leads', {
    email: 'ada.l@y.example',
    submissionId: '2',
  })
  expect(again.body).toMatchObject({ id: twin.id, personId: ada.personId, match: 'existing_lead' })
  const shown = (await workspace.get(`/api/v1/opportunities/${deal}`)).body
  expect(shown.people).toMatchObject([{ personId: ada.personId, leadId: twin.id }])

  await workspace.post(`/api/v1/people/merges/${merged.body.id}/unmerge`, {})
  await hub.settle()
  const after = await leadRows(workspace, ada.id, twin.id)
  expect(after.map(({ personId, isCustomer }) => [personId, isCustomer])).toEqual([
    [ada.personId, false],
    [twin.personId, true],
  ])
  expect(after.map(({ firstName }) => firstName)).toEqual(['Ada', 'A.'])
})

test('what a CRM changes on the record of a merged person is that person’s when the merge is undone; a no counts for both', async () => {
  const workspace = await hub.freshWorkspace()
  const ada = await lead(workspace, 'ada@x.example', { firstName: 'Ada', jobTitle: 'CEO' })
  const twin = await lead(workspace, 'ada.l@y.example', { firstName: 'A.' })
  await hub.settle()
  const merged = await workspace.post(`/api/v1/people/${ada.personId}/merge`, {
    with: twin.personId,
  })
  await hub.settle()
  const told = { jobTitle: 'CTO', emailOptOut: true, email: 'new@y.example' }
  await write(workspace, leadEntity, { localId: twin.id, values: told })
  expect((await workspace.get(`/api/v1/people/${ada.personId}`)).body.jobTitle).toBe('CTO')
  const during = await values(workspace, ada.id, twin.id)
  expect(during.map(({ email, jobTitle, emailOptOut }) => [email, jobTitle, emailOptOut])).toEqual([
    ['ada@x.example', 'CEO', true],
    ['new@y.example', 'CTO', true],
  ])
  await workspace.post(`/api/v1/people/merges/${merged.body.id}/unmerge`, {})
  await hub.settle()
  const after = await values(workspace, ada.id, twin.id)
  expect(after.map(({ email, jobTitle, emailOptOut }) => [email, jobTitle, emailOptOut])).toEqual([
    ['ada@x.example', 'CEO', null],
    ['new@y.example', 'CTO', true],
  ])
})

test('a merge that is made and undone before its events are worked off leaves leads and deals where they were', async () => {
  const workspace = await hub.freshWorkspace()
  const ada = await lead(workspace, 'ada@x.example', { channel: 'paid_search' })
  const twin = await lead(workspace, 'ada.l@y.example', { channel: 'webinar' })
  await winDeal(workspace, twin.id)
  const merged = await workspace.post(`/api/v1/people/${ada.personId}/merge`, {
    with: twin.personId,
  })
  await workspace.post('/api/v1/integrations/sales/leads', {
    email: 'ada.l@y.example',
    submissionId: '2',
  })
  await workspace.post(`/api/v1/people/merges/${merged.body.id}/unmerge`, {})
  const answer = await workspace.post('/api/v1/integrations/sales/leads', {
    email: 'ada.l@y.example',
    submissionId: '3',
  })
  expect(answer.body).toMatchObject({ id: twin.id, personId: twin.personId })
  await hub.settle()
  const rows = await leadRows(workspace, ada.id, twin.id)
  expect(rows.map(({ personId }) => personId)).toEqual([ada.personId, twin.personId])
  expect((await workspace.get('/api/v1/leads')).body.data).toHaveLength(2)
})
