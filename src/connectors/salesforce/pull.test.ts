import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pullAll, signal, streamOf, TestOrg } from '#tests/salesforce-session.ts'

let org: TestOrg
beforeEach(async () => {
  org = await TestOrg.start()
  org.sandbox.installHubIds()
})
afterEach(() => org.stop())

const lead = (n: number) => ({ LastName: `L${n}`, Company: 'C', Email: `P${n}@Example.com` })
const leads = (count: number) => Array.from({ length: count }, (_, i) => lead(i))
const minutes = (n: number) => org.clock.advance(n * 60_000)

describe('reading changes', () => {
  test('every lead comes once, and the next time only what changed', async () => {
    const ids = org.sandbox.seed({ records: { Lead: leads(4100) } })['Lead'] ?? []
    const stream = streamOf(org.open(), 'leads')
    const first = await pullAll(stream)
    expect(first.candidates).toHaveLength(4100)
    expect(first.candidates[0]).toMatchObject({
      values: { email: 'p0@example.com', lastName: 'L0' },
    })
    expect(org.count('queryAll')).toBe(1)
    minutes(60)
    org.sandbox.edit('Lead', ids[7] ?? '', { Title: 'CEO' })
    const second = await pullAll(stream, first.cursor)
    expect(second.candidates.map(({ externalId }) => externalId)).toContain(ids[7])
    minutes(60)
    const third = await pullAll(stream, second.cursor)
    expect(third.candidates).toEqual([])
    expect(third.pages).toBe(1)
  })

  test('a change of a long transaction that is seen ten minutes late is not lost', async () => {
    const ids = org.sandbox.seed({ records: { Lead: leads(10) } })['Lead'] ?? []
    const stream = streamOf(org.open(), 'leads')
    const first = await pullAll(stream)
    minutes(30)
    org.sandbox.edit('Lead', ids[0] ?? '', { Title: 'late' }, { lateMs: 10 * 60_000 })
    minutes(5)
    org.sandbox.edit('Lead', ids[1] ?? '', { Title: 'now' })
    const second = await pullAll(stream, first.cursor)
    expect(second.candidates.map(({ values }) => values['jobTitle'])).toEqual(['now'])
    minutes(10)
    const third = await pullAll(stream, second.cursor)
    expect(third.candidates.map(({ values }) => values['jobTitle'])).toEqual(['late'])
  })

  test('the org’s clock may be an hour off: nothing is lost and nothing comes twice', async () => {
    org.sandbox.settings.clockSkewMs = -3_600_000
    const ids = org.sandbox.seed({ records: { Lead: leads(3) } })['Lead'] ?? []
    const stream = streamOf(org.open(), 'leads')
    const first = await pullAll(stream)
    minutes(1)
    org.sandbox.edit('Lead', ids[2] ?? '', { Title: 'CEO' })
    const second = await pullAll(stream, first.cursor)
    expect(second.candidates.map(({ externalId }) => externalId)).toEqual([ids[2]])
  })

  test('a list whose cursor Salesforce let go of goes on behind the last row', async () => {
    org.sandbox.seed({ records: { Lead: leads(5000) } })
    const stream = streamOf(org.open(), 'leads')
    const first = await stream.pull(null, signal)
    org.sandbox.dropCursors()
    const rest = await pullAll(stream, first.cursor)
    const all = [...first.candidates, ...rest.candidates].map(({ externalId }) => externalId)
    expect(all).toHaveLength(5000)
    expect(new Set(all).size).toBe(5000)
  })

  test('a large org is read first by a job of the Bulk API: ten thousand rows a call', async () => {
    org.sandbox.seed({ records: { Lead: leads(20_100) } })
    minutes(30)
    const stream = streamOf(org.open(), 'leads')
    const first = await pullAll(stream)
    expect(first.candidates).toHaveLength(20_100)
    expect(first.candidates[3]).toMatchObject({
      deleted: false,
      values: { emailOptOut: false, jobTitle: null, email: 'p3@example.com' },
    })
    expect(org.count('/results')).toBe(3)
    expect(org.count('/jobs/query')).toBeLessThanOrEqual(5)
    minutes(60)
    expect((await pullAll(stream, first.cursor)).candidates).toEqual([])
  })

  test('a deleted lead and a merged one come as gone, the merged one with its survivor', async () => {
    const [kept = '', loser = '', gone = ''] =
      org.sandbox.seed({ records: { Lead: leads(3) } })['Lead'] ?? []
    const stream = streamOf(org.open(), 'leads')
    const first = await pullAll(stream)
    minutes(30)
    org.sandbox.remove('Lead', gone)
    org.sandbox.merge('Lead', kept, [loser])
    const { candidates } = await pullAll(stream, first.cursor)
    const byId = new Map(candidates.map((candidate) => [candidate.externalId, candidate]))
    expect(byId.get(gone)).toMatchObject({ deleted: true })
    expect(byId.get(loser)).toMatchObject({ deleted: true, mergedInto: kept })
    expect(byId.get(kept)).toMatchObject({ deleted: false })
    const fetched = await stream.fetch!([gone, loser, kept], signal)
    expect(new Map(fetched.map(({ externalId, deleted }) => [externalId, deleted]))).toEqual(
      new Map([
        [kept, false],
        [gone, true],
        [loser, true],
      ]),
    )
  })

  test('a converted lead names its contact first, and its campaigns and tasks name the contact', async () => {
    const ids = org.sandbox.seed({
      records: {
        Campaign: [{ Name: 'Fair' }],
        Lead: [lead(1)],
        CampaignMember: [{ CampaignId: '@Campaign[0]', LeadId: '@Lead[0]', Status: 'Responded' }],
        Task: [{ Subject: 'Call', WhoId: '@Lead[0]', TaskSubtype: 'Call' }],
      },
    })
    const made = org.sandbox.convert(ids['Lead']?.[0] ?? '', { opportunityName: 'Deal' })
    const session = org.open()
    const { candidates } = await pullAll(streamOf(session, 'leads'))
    expect(candidates).toMatchObject([
      {
        deleted: false,
        convertedTo: [
          { entity: 'contact', externalId: made.contactId },
          { entity: 'account', externalId: made.accountId },
          { entity: 'opportunity', externalId: made.opportunityId },
        ],
      },
    ])
    const members = await pullAll(streamOf(session, 'campaign members'))
    expect(members.candidates[0]).toMatchObject({
      values: { status: 'Responded', respondedAt: '2026-11-23T00:00:00.000Z' },
      references: { lead: { entity: 'contact', externalIds: [made.contactId] } },
    })
    const tasks = await pullAll(streamOf(session, 'tasks'))
    expect(tasks.candidates[0]).toMatchObject({
      values: { kind: 'call', state: 'open' },
      references: {
        leads: { entity: 'contact', externalIds: [made.contactId] },
        opportunity: { externalIds: [made.opportunityId] },
      },
    })
    const deals = await pullAll(streamOf(session, 'opportunities'))
    expect(deals.candidates[0]?.references['leads']).toMatchObject({
      entity: 'contact',
      externalIds: [made.contactId],
    })
  })

  test('the customer’s own fields are kept although nothing is mapped to them', async () => {
    org.sandbox.seed({
      fields: { Lead: [{ name: 'Budget__c', type: 'Number', label: 'Budget' }] },
      records: { Lead: [{ ...lead(1), Budget__c: 500 }] },
    })
    const stream = streamOf(org.open(), 'leads')
    expect((await pullAll(stream)).candidates[0]?.raw).toEqual({ Budget__c: 500 })
    const fields = await stream.describe!(signal)
    expect(fields.find(({ name }) => name === 'Budget__c')).toMatchObject({
      type: 'number',
      custom: true,
      writable: true,
    })
    expect(fields.find(({ name }) => name === 'IsConverted')?.writable).toBe(false)
  })
})

describe('opportunities', () => {
  const deal = (more: object = {}) => ({
    Name: 'Deal',
    StageName: 'Prospecting',
    CloseDate: '2026-12-31',
    ...more,
  })

  test('a deal has its money, its stage in its pipeline, and its people with roles', async () => {
    const ids = org.sandbox.seed({
      recordTypes: [{ object: 'Opportunity', name: 'Renewal', stages: ['Prospecting'] }],
      records: { Account: [{ Name: 'A' }], Contact: [{ LastName: 'Doe' }] },
    })
    const [type = ''] = ids['RecordType'] ?? []
    const [contact = ''] = ids['Contact'] ?? []
    const id = org.sandbox.add('Opportunity', deal({ Amount: 1234.56, RecordTypeId: type }))
    const role = { OpportunityId: id, ContactId: contact, Role: 'Decision Maker' }
    org.sandbox.add('OpportunityContactRole', role)
    const { candidates } = await pullAll(streamOf(org.open({ currency: 'EUR' }), 'opportunities'))
    expect(candidates).toMatchObject([
      {
        values: {
          name: 'Deal',
          amountMinor: 123_456,
          currency: 'EUR',
          status: 'open',
          closesOn: '2026-12-31',
          closedAt: null,
        },
        references: {
          pipeline: { externalIds: [type] },
          stage: { externalIds: [`${type}/Prospecting`] },
          leads: { externalIds: [contact], roles: { [contact]: 'Decision Maker' } },
        },
      },
    ])
  })

  test('a changed contact role brings its deal again, although the deal did not change', async () => {
    const ids = org.sandbox.seed({
      records: {
        Contact: [{ LastName: 'Doe' }, { LastName: 'Roe' }],
        Opportunity: [deal(), deal({ Name: 'Other' })],
        OpportunityContactRole: [{ OpportunityId: '@Opportunity[1]', ContactId: '@Contact[0]' }],
      },
    })
    minutes(30)
    const stream = streamOf(org.open(), 'opportunities')
    const first = await pullAll(stream)
    minutes(60)
    const [id = ''] = ids['Opportunity'] ?? []
    const role = { OpportunityId: id, ContactId: ids['Contact']?.[1] ?? '' }
    const roleId = org.sandbox.add('OpportunityContactRole', role)
    const second = await pullAll(stream, first.cursor)
    expect(second.candidates).toHaveLength(1)
    expect(second.candidates[0]).toMatchObject({
      externalId: id,
      references: { leads: { externalIds: [ids['Contact']?.[1]] } },
    })
    minutes(60)
    org.sandbox.remove('OpportunityContactRole', roleId)
    const third = await pullAll(stream, second.cursor)
    expect(third.candidates[0]?.references['leads']?.externalIds).toEqual([])
  })

  test('record types are pipelines, and each shows its own stages', async () => {
    const ids = org.sandbox.seed({
      recordTypes: [{ object: 'Opportunity', name: 'Renewal', stages: ['Closed Won'] }],
    })
    const [type = ''] = ids['RecordType'] ?? []
    const session = org.open()
    const pipelines = await pullAll(streamOf(session, 'pipelines'))
    expect(pipelines.candidates.map(({ values }) => values)).toEqual([
      { label: 'Renewal', archived: false },
      { label: 'Opportunities', archived: true },
    ])
    const stages = await pullAll(streamOf(session, 'stages'))
    const shown = stages.candidates.filter(({ values }) => values['archived'] === false)
    expect(shown).toMatchObject([
      {
        externalId: `${type}/Closed Won`,
        values: { label: 'Closed Won', outcome: 'won', probability: 1 },
      },
    ])
  })
})

test('owners are users and queues, those who left among them', async () => {
  const user = { LastName: 'Gone', Username: 'g@x.com', Email: 'G@x.com', IsActive: false }
  org.sandbox.seed({ records: { User: [user], Group: [{ Name: 'Inbound', Type: 'Queue' }] } })
  const { candidates } = await pullAll(streamOf(org.open(), 'owners'))
  expect(candidates.map(({ values }) => values)).toEqual([
    { email: 'hub@example.com', name: 'Hub Integration', active: true },
    { email: 'g@x.com', name: 'Gone', active: false },
    { email: null, name: 'Inbound (queue)', active: true },
  ])
})
