import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { EventDraft } from '#jobs/job.ts'
import type { Candidate, Entity, EntityWrite, EntityWritten } from '#sync/entity.ts'
import { ManualClock, useHub } from '#tests/hub.ts'
import { ada, LEADS_PATH } from '#tests/leads.ts'
import { rowsRead } from '#tests/store.ts'
import { leadEntity } from './lead.entity.ts'
import { opportunityEntity } from './opportunity.entity.ts'
import { ownerEntity } from './owner.entity.ts'
import { pipelineEntity, stageEntity } from './pipeline.entity.ts'

const clock = new ManualClock(new Date('2026-11-02T09:00:00Z'))
const hub = useHub({ clock })

const draft = (more: Partial<EntityWrite>): EntityWrite => ({
  localId: null,
  externalId: 'x1',
  deleted: false,
  modifiedAt: new Date('2026-11-01T00:00:00Z'),
  values: {},
  references: {},
  ...more,
})

const to = (localId: string | null) => [{ localId, externalId: 'x' }]

async function write(
  workspaceId: string,
  entity: Entity,
  writes: EntityWrite[],
): Promise<{ written: EntityWritten[]; events: EventDraft[] }> {
  return hub.app.store.transaction(workspaceId, (tx) => entity.write!(tx, writes, clock.now()))
}

const one = async (workspaceId: string, entity: Entity, more: Partial<EntityWrite>) => {
  const { written, events } = await write(workspaceId, entity, [draft(more)])
  return { ...written[0]!, events: events.map(({ event }) => event) }
}

/** A workspace with a pipeline of three stages and a lead. */
async function sellingWorkspace() {
  const workspace = await hub.freshWorkspace({ currency: 'CHF' })
  const pipeline = await one(workspace.id, pipelineEntity, {
    values: { label: 'New business', archived: false },
  })
  const stage = async (label: string, outcome: string, position: number) => {
    const values = { label, outcome, position, probability: 0.5, archived: false }
    return (
      await one(workspace.id, stageEntity, {
        values,
        references: { pipeline: to(pipeline.localId) },
      })
    ).localId
  }
  const stages = {
    open: await stage('Talks', 'open', 0),
    won: await stage('Signed', 'won', 1),
    lost: await stage('Gone', 'lost', 2),
  }
  const { body: lead } = await workspace.post('/api/v1/integrations/sales/leads', {
    email: 'ada@x.example',
  })
  return { workspace, pipelineId: pipeline.localId, stages, lead }
}

describe('opportunity', () => {
  test('its way through open, won, reopened, lost and deleted is told and kept', async () => {
    const { workspace, pipelineId, stages, lead } = await sellingWorkspace()
    const references = (stageId: string) => ({
      pipeline: to(pipelineId),
      stage: to(stageId),
      leads: to(lead.id),
    })
    const values = {
      name: 'Big deal',
      amountMinor: 125_000,
      currency: 'EUR',
      openedAt: '2026-10-01T00:00:00Z',
      closedAt: null,
    }
    const created = await one(workspace.id, opportunityEntity, {
      values,
      references: references(stages.open),
    })
    expect(created).toMatchObject({ outcome: 'created' })
    expect(created.events).toEqual(expect.arrayContaining(['opportunity.created', 'lead.updated']))
    expect((await workspace.get(`/api/v1/leads/${lead.id}`)).body).toMatchObject({
      status: 'qualified',
      isCustomer: false,
    })

    const { localId } = created
    const same = await one(workspace.id, opportunityEntity, {
      localId,
      values,
      references: references(stages.open),
    })
    expect(same).toMatchObject({ outcome: 'unchanged', events: [] })

    const won = await one(workspace.id, opportunityEntity, {
      localId,
      values: {
        ...values,
        closedAt: '2026-10-20T00:00:00Z',
        stageEnteredAt: '2026-10-20T00:00:00Z',
      },
      references: references(stages.won),
    })
    expect(won.events).toEqual(
      expect.arrayContaining(['opportunity.updated', 'opportunity.won', 'lead.updated']),
    )
    expect((await workspace.get(`/api/v1/leads/${lead.id}`)).body.isCustomer).toBe(true)
    const again = await workspace.post('/api/v1/integrations/sales/leads', {
      email: 'ada@x.example',
    })
    expect(again.body).toMatchObject({ match: 'existing_lead', isCustomer: true })

    const reopened = await one(workspace.id, opportunityEntity, {
      localId,
      values,
      references: references(stages.open),
    })
    expect(reopened.events).toEqual(expect.arrayContaining(['opportunity.reopened']))
    expect((await workspace.get(`/api/v1/opportunities/${localId}`)).body).toMatchObject({
      status: 'open',
      closedAt: null,
    })
    expect((await workspace.get(`/api/v1/leads/${lead.id}`)).body.isCustomer).toBe(false)

    const lost = await one(workspace.id, opportunityEntity, {
      localId,
      references: references(stages.lost),
    })
    expect(lost.events).toContain('opportunity.lost')
    const { body } = await workspace.get(`/api/v1/opportunities/${localId}`)
    expect(body).toMatchObject({
      amountMinor: 125_000,
      currency: 'EUR',
      status: 'lost',
      version: 4,
    })
    expect(body.people).toMatchObject([{ personId: lead.personId, leadId: lead.id }])
    expect(body.stages.map((stage: { label: string }) => stage.label)).toEqual([
      'Talks',
      'Signed',
      'Talks',
      'Gone',
    ])

    const deleted = await one(workspace.id, opportunityEntity, { localId, deleted: true })
    expect(deleted).toMatchObject({ outcome: 'deleted', events: ['opportunity.deleted'] })
    expect((await one(workspace.id, opportunityEntity, { localId, deleted: true })).outcome).toBe(
      'unchanged',
    )
    expect((await workspace.get(`/api/v1/opportunities/${localId}`)).status).toBe(410)
    expect((await workspace.get('/api/v1/opportunities')).body.data).toEqual([])
  })

  test('a record that is as it was is not written at all', async () => {
    const { workspace } = await sellingWorkspace()
    const writes = Array.from({ length: 50 }, (_, i) =>
      draft({ externalId: `d${i}`, values: { name: `Deal ${i}`, amountMinor: i } }),
    )
    const { written } = await write(workspace.id, opportunityEntity, writes)
    const versions = () =>
      hub.app.store.read(workspace.id, (tx) =>
        tx.query(sql<{ xmin: string }>`select xmin::text from opportunities order by id`),
      )
    const before = await versions()
    clock.advance(60_000)
    const second = await write(
      workspace.id,
      opportunityEntity,
      writes.map((one, i) => ({ ...one, localId: written[i]!.localId })),
    )
    expect(second.written.every(({ outcome }) => outcome === 'unchanged')).toBe(true)
    expect(second.events).toEqual([])
    expect(await versions()).toEqual(before)
  })

  test('what the CRM leaves out or names unknown stays; what it empties goes; without a currency it is ours', async () => {
    const { workspace, stages, lead } = await sellingWorkspace()
    const { localId } = await one(workspace.id, opportunityEntity, {
      values: { name: 'Deal', amountMinor: 100 },
      references: { stage: to(stages.open), leads: to(lead.id) },
    })
    await one(workspace.id, opportunityEntity, {
      localId,
      values: { amountMinor: null },
      references: { stage: to(null), owner: to(null), leads: [] },
    })
    const { body } = await workspace.get(`/api/v1/opportunities/${localId}`)
    expect(body).toMatchObject({
      name: 'Deal',
      amountMinor: null,
      currency: 'CHF',
      stageId: stages.open,
      ownerId: null,
      people: [],
    })
  })

  test('each day on which an open one was expected to close is kept; the day that the close sets is none', async () => {
    const { workspace } = await sellingWorkspace()
    const first = { modifiedAt: new Date('2026-08-01T00:00:00Z') }
    const { localId } = await one(workspace.id, opportunityEntity, {
      ...first,
      values: { name: 'Deal', status: 'open', closesOn: '2026-09-30' },
    })
    const say = (day: string, values: Record<string, string | null>) =>
      one(workspace.id, opportunityEntity, {
        localId,
        modifiedAt: new Date(`2026-${day}T00:00:00Z`),
        values,
      })
    await say('08-10', { closesOn: '2026-09-30', name: 'Deal of ours' })
    await say('09-15', { closesOn: '2026-11-30' })
    await say('09-20', { closesOn: null })
    await say('09-25', { closesOn: 'soon' })
    await say('10-01', { closesOn: '2026-10-31' })
    await say('10-02', { status: 'won', closesOn: '2026-10-02' })
    const { body } = await workspace.get(`/api/v1/opportunities/${localId}`)
    expect(body.closesOn).toBe('2026-10-02')
    expect(
      body.expectedCloses.map((told: { closesOn: string; knownAt: string }) => [
        told.knownAt.slice(5, 10),
        told.closesOn,
      ]),
    ).toEqual([
      ['08-01', '2026-09-30'],
      ['09-15', '2026-11-30'],
      ['09-20', null],
      ['10-01', '2026-10-31'],
    ])
  })

  test('lists filter by the time of closing and by status', async () => {
    const { workspace } = await sellingWorkspace()
    const closed = (day: string) =>
      draft({
        externalId: day,
        values: { name: day, status: 'won', closedAt: `2026-10-${day}T00:00:00Z` },
      })
    await write(workspace.id, opportunityEntity, [
      closed('01'),
      closed('15'),
      closed('30'),
      draft({ values: { name: 'open' } }),
    ])
    const { body } = await workspace.get(
      '/api/v1/opportunities?status=won&from=2026-10-10T00:00:00Z&to=2026-10-30T00:00:00Z',
    )
    expect(body.data.map((row: { name: string }) => row.name)).toEqual(['15'])
  })

  test('lists filter by a person who has to do with them', async () => {
    const { workspace } = await sellingWorkspace()
    const lead = (await workspace.post(LEADS_PATH, ada)).body
    const named = (name: string) => draft({ externalId: name, values: { name, status: 'open' } })
    await write(workspace.id, opportunityEntity, [
      { ...named('theirs'), references: { leads: [{ localId: lead.id, externalId: 'x' }] } },
      named('of others'),
    ])
    const { body } = await workspace.get(`/api/v1/opportunities?personId=${lead.personId}`)
    expect(body.data.map((row: { name: string }) => row.name)).toEqual(['theirs'])
  })
})

describe('pipelines and stages', () => {
  test('they are listed in order, unchanged ones are not written, and gone ones are archived', async () => {
    const { workspace, pipelineId, stages } = await sellingWorkspace()
    const { body } = await workspace.get('/api/v1/pipelines')
    expect(body.data[0].stages.map((stage: { label: string }) => stage.label)).toEqual([
      'Talks',
      'Signed',
      'Gone',
    ])
    const same = { localId: pipelineId, values: { label: 'New business', archived: false } }
    expect((await one(workspace.id, pipelineEntity, same)).outcome).toBe('unchanged')
    expect(
      (await one(workspace.id, stageEntity, { localId: stages.lost, deleted: true })).outcome,
    ).toBe('deleted')
    expect(
      (await one(workspace.id, stageEntity, { localId: stages.lost, deleted: true })).outcome,
    ).toBe('unchanged')
  })
})

describe('owner', () => {
  test('one with a known address is matched, and keeps its capacity', async () => {
    const workspace = await hub.freshWorkspace()
    const { body } = await workspace.post('/api/v1/owners', {
      name: 'Grace',
      email: 'Grace@x.example',
      dailyCapacity: 5,
    })
    const candidate: Candidate = {
      externalId: '7',
      modifiedAt: null,
      deleted: false,
      values: { email: 'grace@X.example' },
      references: {},
    }
    const stranger: Candidate = { ...candidate, values: { email: 'other@x.example' } }
    const matched = await hub.app.store.read(workspace.id, (tx) =>
      ownerEntity.match!(tx, [candidate, stranger], []),
    )
    expect(matched).toEqual([body.id, null])
    const values = { email: 'grace@x.example', name: 'Grace Hopper', active: true }
    expect((await one(workspace.id, ownerEntity, { localId: body.id, values })).outcome).toBe(
      'updated',
    )
    expect((await one(workspace.id, ownerEntity, { localId: body.id, values })).outcome).toBe(
      'unchanged',
    )
    const { body: owners } = await workspace.get('/api/v1/owners')
    expect(owners.data).toMatchObject([{ name: 'Grace Hopper', dailyCapacity: 5, active: true }])
    const twice = await write(workspace.id, ownerEntity, [
      draft({ values: { email: 'a@x.example' } }),
      draft({ values: { email: 'a@x.example' } }),
    ])
    expect(twice.written.map(({ outcome }) => outcome)).toEqual(['created', 'created'])
    expect(
      (await workspace.post('/api/v1/owners', { name: 'Second', email: 'a@x.example' })).status,
    ).toBe(409)
  })
})

describe('lead', () => {
  test('it is loaded with what a CRM needs, and recognised by our id or its address', async () => {
    const { workspace, lead } = await sellingWorkspace()
    const { records, ids, matched } = await hub.app.store.read(workspace.id, async (tx) => ({
      records: await leadEntity.load!(tx, [lead.id, 'lead_none']),
      ids: await leadEntity.listIds!(tx, null, 10),
      matched: await leadEntity.match!(
        tx,
        [
          {
            externalId: '1',
            localId: lead.id,
            modifiedAt: null,
            deleted: false,
            values: {},
            references: {},
          },
          {
            externalId: '2',
            modifiedAt: null,
            deleted: false,
            values: { email: 'ADA@x.example' },
            references: {},
          },
          {
            externalId: '3',
            localId: 'lead_none',
            modifiedAt: null,
            deleted: false,
            values: { email: 'b@x.example' },
            references: {},
          },
        ],
        [],
      ),
    }))
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({
      localId: lead.id,
      values: { email: 'ada@x.example', status: 'new', score: lead.score.total },
    })
    expect(ids).toEqual([lead.id])
    expect(matched).toEqual([lead.id, lead.id, null])
  })
})

test('a page of leads to be sent reads no other people than theirs, and none for those that are erased', async () => {
  const workspace = await hub.freshWorkspace()
  for (const half of ['a', 'b']) {
    const batch = Array.from({ length: 500 }, (_, i) => ({ email: `${half}${i}@many.example` }))
    expect(await workspace.post(LEADS_PATH, { leads: batch })).toMatchObject({ status: 207 })
  }
  const { store } = hub.app
  await store.system((tx) => tx.execute(sql`analyze people`))
  const read = await store.read(workspace.id, (tx) =>
    rowsRead(tx, 'people', async () => {
      expect(await leadEntity.listIds!(tx, null, 500)).toHaveLength(500)
    }),
  )
  expect(read).toBeLessThanOrEqual(500)
})
