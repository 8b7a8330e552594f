import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PushChange, PushResult } from '#sync/connector.ts'
import { changeOf, faultOf, signal, streamOf, TestOrg } from '#tests/salesforce-session.ts'

let org: TestOrg
beforeEach(async () => {
  org = await TestOrg.start()
  org.sandbox.installHubIds()
})
afterEach(() => org.stop())

const leads = () => streamOf(org.open(), 'leads')
const values = (n: number) => ({
  email: `p${n}@example.com`,
  lastName: `L${n}`,
  company: 'Acme',
})
const changesOf = (stream: ReturnType<typeof leads>, count: number): PushChange[] =>
  Array.from({ length: count }, (_, i) =>
    changeOf(stream, { localId: `lead_${i}`, values: values(i) }),
  )
const codes = (results: readonly PushResult[]) =>
  results.map((result) => (result.kind === 'refused' ? result.code : result.kind))
const idOf = (result: PushResult | undefined) =>
  result && 'externalId' in result ? result.externalId : ''

describe('leads by collections', () => {
  test('two hundred go in one call, under our id, and again without effect', async () => {
    const stream = leads()
    const changes = changesOf(stream, 450)
    const first = await stream.push!(changes, signal)
    expect(first.every((result) => result.kind === 'written' && result.created)).toBe(true)
    expect(org.count('/composite/sobjects')).toBe(3)
    const again = await stream.push!(changes, signal)
    expect(again.map(idOf)).toEqual(first.map(idOf))
    expect(again.some((result) => result.kind === 'written' && result.created)).toBe(false)
    expect(org.sandbox.count('Lead')).toBe(450)
  })

  test('an answer that is lost after the write makes no second lead', async () => {
    const stream = leads()
    const changes = changesOf(stream, 3)
    await stream.describe!(signal)
    org.sandbox.failNext({ kind: 'drop-after' })
    expect((await faultOf(stream.push!(changes, signal))).kind).toBe('transient')
    await stream.push!(changes, signal)
    expect(org.sandbox.count('Lead')).toBe(3)
  })

  test('what Salesforce wants and the hub lacks is filled, and read back as nothing', async () => {
    const stream = leads()
    const record = { localId: 'lead_1', values: { email: 'Ada@Example.com', phone: null } }
    const [result] = await stream.push!([changeOf(stream, record)], signal)
    expect(org.sandbox.read('Lead', idOf(result), 'LastName')).toBe('[not provided]')
    expect(org.sandbox.read('Lead', idOf(result), 'Email')).toBe('ada@example.com')
    const [candidate] = await stream.fetch!([idOf(result)], signal)
    expect(candidate).toMatchObject({
      localId: 'lead_1',
      values: { email: 'ada@example.com', lastName: null, company: null },
    })
  })

  test('a change of a linked lead sends only what changed, and null empties', async () => {
    const stream = leads()
    const [made] = await stream.push!(changesOf(stream, 1), signal)
    org.sandbox.edit('Lead', idOf(made), { Title: 'CEO', Phone: '1' })
    const record = { localId: 'lead_0', values: { phone: null } }
    const changed = await stream.push!([changeOf(stream, record, idOf(made))], signal)
    expect(codes(changed)).toEqual(['written'])
    expect(org.sandbox.read('Lead', idOf(made), 'Phone')).toBeNull()
    expect(org.sandbox.read('Lead', idOf(made), 'Title')).toBe('CEO')
    expect(org.sandbox.read('Lead', idOf(made), 'LastName')).toBe('L0')
  })

  test('the owner that the hub chose stays, whatever the org’s assignment rule says', async () => {
    org.sandbox.seed({
      records: { User: [{ LastName: 'Rep', Username: 'rep@x.com', Email: 'rep@x.com' }] },
    })
    org.sandbox.settings.leadAssignmentOwnerId = [...org.sandbox.records('User')].at(-1)?.id ?? ''
    const stream = leads()
    const change = changeOf(stream, { localId: 'lead_1', values: values(1) }, null, {
      owner: org.sandbox.userId,
    })
    const [result] = await stream.push!([change], signal)
    expect(org.sandbox.read('Lead', idOf(result), 'OwnerId')).toBe(org.sandbox.userId)
  })

  test('each refused row says why, and the others are written', async () => {
    org.sandbox.addValidationRule({
      object: 'Lead',
      name: 'Budget',
      refuses: "Title = 'Broke'",
      message: 'Budget must be set for MQLs',
      field: 'Title',
    })
    const [user = ''] =
      org.sandbox.seed({
        records: {
          User: [{ LastName: 'G', Username: 'g@x.com', Email: 'g@x.com', IsActive: false }],
        },
      })['User'] ?? []
    const stream = leads()
    const bad: [string, object, Record<string, string>?][] = [
      ['INVALID_EMAIL_ADDRESS', { email: 'nonsense' }],
      ['STRING_TOO_LONG', { firstName: 'x'.repeat(41) }],
      ['FIELD_CUSTOM_VALIDATION_EXCEPTION', { jobTitle: 'Broke' }],
      ['INACTIVE_OWNER_OR_USER', {}, { owner: user }],
      ['INVALID_CROSS_REFERENCE_KEY', {}, { owner: '005SB0000000zzz' }],
    ]
    const changes = [
      ...bad.map(([, more, references], i) =>
        changeOf(
          stream,
          { localId: `bad_${i}`, values: { ...values(i), ...more } },
          null,
          references,
        ),
      ),
      ...changesOf(stream, 2),
    ]
    const results = await stream.push!(changes, signal)
    expect(codes(results)).toEqual([...bad.map(([code]) => code), 'written', 'written'])
    expect(results[0]).toMatchObject({ fault: 'record', detail: 'Fields: Email.' })
    expect(results[2]).toMatchObject({ detail: 'Rule: Budget must be set for MQLs Fields: Title.' })
    const told = results.map((result) => (result.kind === 'refused' ? result.detail : ''))
    expect(told.join()).not.toContain('nonsense')
  })

  test('rows that are locked go again by themselves, and only they', async () => {
    const stream = leads()
    await stream.describe!(signal)
    org.sandbox.failNext({ kind: 'refuse-rows', everyNth: 10, code: 'UNABLE_TO_LOCK_ROW' })
    const results = await stream.push!(changesOf(stream, 100), signal)
    expect(codes(results).every((code) => code === 'written')).toBe(true)
    expect(org.count('/composite/sobjects')).toBe(2)
    expect(
      org.sandbox
        .requests()
        .at(-1)
        ?.body.match(/"Hub_Id__c"/g),
    ).toHaveLength(10)
  })

  test('rows that stay locked are told as passing, for the engine to come back to', async () => {
    const stream = leads()
    org.sandbox.down({}, { kind: 'refuse-rows', everyNth: 1, code: 'UNABLE_TO_LOCK_ROW' })
    const results = await stream.push!(changesOf(stream, 1), signal)
    expect(results).toMatchObject([{ fault: 'transient', code: 'UNABLE_TO_LOCK_ROW' }])
  })

  test('a lead that was there before us is given back as it is, not overwritten', async () => {
    org.sandbox.addDuplicateRule({
      object: 'Lead',
      name: 'Same',
      matchesOn: ['Email'],
      action: 'block',
    })
    const theirs = { LastName: 'Theirs', Company: 'C', Email: 'p1@example.com', Phone: '1' }
    const taken = { ...theirs, Email: 'p2@example.com', Hub_Id__c: 'lead_9' }
    const ids = org.sandbox.seed({ records: { Lead: [theirs, taken] } })['Lead'] ?? []
    const stream = leads()
    const results = await stream.push!(changesOf(stream, 3), signal)
    expect(codes(results)).toEqual(['written', 'exists', 'RECORD_CLAIMED'])
    expect(results[1]).toMatchObject({
      externalId: ids[0],
      now: { localId: 'lead_1', values: { lastName: 'Theirs', phone: '1' } },
    })
    expect(org.sandbox.read('Lead', ids[0] ?? '', 'LastName')).toBe('Theirs')
  })

  test('a converted lead takes no write: it is told, and what it became', async () => {
    const stream = leads()
    const changes = changesOf(stream, 1)
    const [made] = await stream.push!(changes, signal)
    const { contactId } = org.sandbox.convert(idOf(made))
    const [unlinked] = await stream.push!(changes, signal)
    expect(unlinked).toMatchObject({
      kind: 'exists',
      now: { convertedTo: [{ entity: 'contact', externalId: contactId }, { entity: 'account' }] },
    })
    const linked = changeOf(stream, { localId: 'lead_0', values: { phone: '1' } }, idOf(made))
    expect(await stream.push!([linked], signal)).toMatchObject([
      { kind: 'refused', fault: 'gone', code: 'CANNOT_UPDATE_CONVERTED_LEAD' },
    ])
  })

  test('fields that only show something are left out where the org lacks them', async () => {
    const stream = leads()
    const record = { localId: 'lead_1', values: { ...values(1), score: 7, status: 'working' } }
    expect(codes(await stream.push!([changeOf(stream, record)], signal))).toEqual(['written'])
    const session = org.open()
    await session.prepare(signal)
    const prepared = streamOf(session, 'leads')
    const [result] = await prepared.push!([changeOf(prepared, record)], signal)
    expect(org.sandbox.read('Lead', idOf(result), 'Hub_Score__c')).toBe(7)
  })
})

describe('leads by files', () => {
  test('thousands go in one job of the Bulk API; those refused are named', async () => {
    const stream = leads()
    const changes = changesOf(stream, 5000)
    changes[4321]!.properties['Email'] = 'nonsense'
    const results = await stream.bulk!.push(changes, signal)
    expect(results.filter(({ kind }) => kind === 'written')).toHaveLength(4999)
    expect(results[4321]).toMatchObject({ code: 'INVALID_EMAIL_ADDRESS', fault: 'record' })
    expect(org.sandbox.count('Lead')).toBe(4999)
    // Describe, create, upload, close, look, and two files.
    expect(org.calls).toHaveLength(7)
  })

  test('changes of linked leads go by their id, null empties and what is not sent stays', async () => {
    const stream = leads()
    const made = await stream.bulk!.push(changesOf(stream, 10), signal)
    org.sandbox.edit('Lead', idOf(made[3]), { Title: 'CEO', Phone: '1' })
    const record = { localId: 'lead_3', values: { phone: null, firstName: 'A, "B"\nC' } }
    const results = await stream.bulk!.push([changeOf(stream, record, idOf(made[3]))], signal)
    expect(codes(results)).toEqual(['written'])
    expect(org.sandbox.read('Lead', idOf(made[3]), 'Phone')).toBeNull()
    expect(org.sandbox.read('Lead', idOf(made[3]), 'FirstName')).toBe('A, "B"\nC')
    expect(org.sandbox.read('Lead', idOf(made[3]), 'Title')).toBe('CEO')
  })

  test('rows that were locked in the job go again by collections', async () => {
    const stream = leads()
    org.sandbox.failNext({
      kind: 'refuse-rows',
      everyNth: 50,
      code: 'UNABLE_TO_LOCK_ROW',
      path: '*/batches',
    })
    const results = await stream.bulk!.push(changesOf(stream, 3000), signal)
    expect(codes(results).every((code) => code === 'written')).toBe(true)
    expect(org.count('/composite/sobjects')).toBe(1)
    expect(org.sandbox.count('Lead')).toBe(3000)
  })

  test('a job that takes its time is waited for, and one that breaks off leaves the rest due', async () => {
    org.sandbox.settings.bulkDelayMs = 90_000
    org.sandbox.settings.bulkFailsAfterRows = 1000
    const stream = leads()
    const results = await stream.bulk!.push(changesOf(stream, 2500), signal)
    expect(results.filter(({ kind }) => kind === 'written')).toHaveLength(1000)
    expect(results.slice(1000).every((result) => codes([result])[0] === 'ANSWER_INCOMPLETE')).toBe(
      true,
    )
    const again = await stream.bulk!.push(changesOf(stream, 2500), signal)
    expect(codes(again).every((code) => code === 'written')).toBe(true)
    expect(org.sandbox.count('Lead')).toBe(2500)
  })

  test('a file that is lost on the way is sent in another job, without doubles', async () => {
    const stream = leads()
    await stream.describe!(signal)
    org.sandbox.failNext({ kind: 'drop-after', path: '*/jobs/ingest/*', method: 'PATCH' })
    expect((await faultOf(stream.bulk!.push(changesOf(stream, 2500), signal))).kind).toBe(
      'transient',
    )
    await stream.bulk!.push(changesOf(stream, 2500), signal)
    expect(org.sandbox.count('Lead')).toBe(2500)
  })
})

describe('other objects', () => {
  test('a membership is made once, and found when it was there', async () => {
    const ids = org.sandbox.seed({
      records: {
        Campaign: [{ Name: 'Fair' }],
        Lead: [
          { LastName: 'A', Company: 'C' },
          { LastName: 'B', Company: 'C' },
        ],
        CampaignMember: [{ CampaignId: '@Campaign[0]', LeadId: '@Lead[1]' }],
      },
    })
    const stream = streamOf(org.open(), 'campaign members')
    const changes = (ids['Lead'] ?? []).map((lead, i) =>
      changeOf(stream, { localId: `mbr_${i}`, values: { status: 'Responded' } }, null, {
        campaign: ids['Campaign']?.[0] ?? '',
        lead,
      }),
    )
    const results = await stream.push!(changes, signal)
    expect(codes(results)).toEqual(['written', 'exists'])
    expect(idOf(results[1])).toBe(ids['CampaignMember']?.[0])
    const linked = changeOf(
      stream,
      { localId: 'mbr_1', values: { status: 'Responded' } },
      idOf(results[1]),
      { campaign: ids['Campaign']?.[0] ?? '', lead: ids['Lead']?.[1] ?? '' },
    )
    expect(codes(await stream.push!([linked], signal))).toEqual(['written'])
    const gone = { ...linked, properties: {}, deleted: true }
    expect(codes(await stream.push!([gone, gone], signal))).toContain('written')
    expect(org.sandbox.count('CampaignMember')).toBe(1)
  })

  test('a deal moves to another stage with its pipeline, and its money keeps its cents', async () => {
    const ids = org.sandbox.seed({
      recordTypes: [{ object: 'Opportunity', name: 'Renewal' }],
      records: {
        Opportunity: [{ Name: 'D', StageName: 'Prospecting', CloseDate: '2026-12-31' }],
      },
    })
    const [id = ''] = ids['Opportunity'] ?? []
    const [type = ''] = ids['RecordType'] ?? []
    const stream = streamOf(org.open(), 'opportunities')
    const record = { localId: 'opp_1', values: { amountMinor: 123_456, currency: 'USD' } }
    const references = { stage: `${type}/Closed Won`, pipeline: type }
    const results = await stream.push!([changeOf(stream, record, id, references)], signal)
    expect(codes(results)).toEqual(['written'])
    expect(org.sandbox.read('Opportunity', id, 'StageName')).toBe('Closed Won')
    expect(org.sandbox.read('Opportunity', id, 'RecordTypeId')).toBe(type)
    expect(org.sandbox.read('Opportunity', id, 'Amount')).toBe(1234.56)
  })

  test('a task is done, and an account takes its facts', async () => {
    const ids = org.sandbox.seed({
      records: { Task: [{ Subject: 'Call' }], Account: [{ Name: 'A', Website: 'www.a.example' }] },
    })
    const session = org.open()
    const tasks = streamOf(session, 'tasks')
    const done = { localId: 'act_1', values: { state: 'done', dueAt: '2026-12-01T10:00:00.000Z' } }
    await tasks.push!([changeOf(tasks, done, ids['Task']?.[0] ?? '')], signal)
    const [task] = await tasks.fetch!(ids['Task'] ?? [], signal)
    expect(task?.values).toMatchObject({ state: 'done', dueAt: '2026-12-01T00:00:00.000Z' })
    const accounts = streamOf(session, 'accounts')
    const facts = { localId: 'acc_1', values: { employees: 12, city: 'Bonn' } }
    await accounts.push!([changeOf(accounts, facts, ids['Account']?.[0] ?? '')], signal)
    const [account] = await accounts.fetch!(ids['Account'] ?? [], signal)
    expect(account?.values).toMatchObject({ employees: 12, city: 'Bonn', domain: 'a.example' })
  })
})

test('all leads that carry an id of ours are listed, for the whole comparison', async () => {
  const stream = leads()
  await stream.bulk!.push(changesOf(stream, 4500), signal)
  org.sandbox.seed({ records: { Lead: [{ LastName: 'Theirs', Company: 'C' }] } })
  const linked = new Map<string, string>()
  let all = 0
  for (let cursor: unknown = null; ;) {
    const page = await stream.listLinked!(cursor, signal)
    for (const { localId, externalId } of page.linked) linked.set(localId, externalId)
    cursor = page.cursor
    if (page.done) break
    org.sandbox.dropCursors()
  }
  for (let cursor: unknown = null; ;) {
    const page = await stream.listAll!(cursor, signal)
    all += page.records.length
    cursor = page.cursor
    if (page.done) break
  }
  expect(linked.size).toBe(4500)
  expect(all).toBe(4501)
})
