import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { listOf, objectOf } from '#sandbox/json.ts'
import type { Json } from '#sandbox/json.ts'
import { startSalesforce } from './index.ts'
import type { SalesforceSandbox } from './index.ts'
import { openClient, textAt } from './test-client.ts'

let nowMs = Date.parse('2026-11-23T15:00:00Z')
let sandbox: SalesforceSandbox
let client: ReturnType<typeof openClient>

beforeAll(async () => {
  sandbox = await startSalesforce({ now: () => nowMs })
  client = openClient(sandbox)
})
beforeEach(() => {
  sandbox.reset()
  sandbox.installHubIds()
})
afterAll(() => sandbox.stop())

const base = { LastName: 'Doe', Company: 'Acme' }
const errorOf = (json: Json) => objectOf(listOf(json)[0])

test('a new field is there for nobody until somebody has a permission set that shows it', async () => {
  const field = {
    FullName: 'Lead.Score__c',
    Metadata: { type: 'Number', label: 'Score', precision: 3, scale: 0 },
  }
  expect((await client.post('/tooling/sobjects/CustomField', field)).status).toBe(201)
  const write = () => client.post('/sobjects/Lead', { ...base, Score__c: 7 })
  expect(errorOf((await write()).json)['errorCode']).toBe('INVALID_FIELD')
  const set = await client.post('/sobjects/PermissionSet', { Name: 'Hub' })
  const right = await client.post('/sobjects/FieldPermissions', {
    ParentId: objectOf(set.json)['id'],
    SobjectType: 'Lead',
    Field: 'Lead.Score__c',
    PermissionsRead: true,
    PermissionsEdit: true,
  })
  expect(right.status).toBe(201)
  expect((await write()).status).toBe(400)
  const assignment = { PermissionSetId: textAt(set.json, 'id'), AssigneeId: sandbox.userId }
  expect((await client.post('/sobjects/PermissionSetAssignment', assignment)).status).toBe(201)
  expect((await write()).status).toBe(201)
  sandbox.settings.mayCustomize = false
  const refused = await client.post('/tooling/sobjects/CustomField', field)
  sandbox.settings.mayCustomize = true
  expect(errorOf(refused.json)['errorCode']).toBe('INSUFFICIENT_ACCESS_OR_READONLY')
})

test('the assignment rule takes new leads unless the call forbids it', async () => {
  const [other = ''] =
    sandbox.seed({
      records: { User: [{ LastName: 'Rep', Username: 'rep@x.com', Email: 'rep@x.com' }] },
    })['User'] ?? []
  sandbox.settings.leadAssignmentOwnerId = other
  const owners: Json[] = []
  for (const headers of [{}, { 'sforce-auto-assign': 'FALSE' }]) {
    const made = await client.post('/sobjects/Lead', { ...base, OwnerId: sandbox.userId }, headers)
    owners.push(sandbox.read('Lead', textAt(made.json, 'id'), 'OwnerId'))
  }
  sandbox.settings.leadAssignmentOwnerId = null
  expect(owners).toEqual([other, sandbox.userId])
})

test('an owner who left is refused, and named ids must be those of a row', async () => {
  const ids = sandbox.seed({
    records: {
      User: [{ LastName: 'Gone', Username: 'g@x.com', Email: 'g@x.com', IsActive: false }],
    },
  })
  const codes: Json[] = []
  for (const OwnerId of [ids['User']?.[0], '005SB0000000zzz', 'nonsense']) {
    const { json } = await client.post('/sobjects/Lead', { ...base, OwnerId })
    codes.push(errorOf(json)['errorCode'] ?? null)
  }
  expect(codes).toEqual(['INACTIVE_OWNER_OR_USER', 'INVALID_CROSS_REFERENCE_KEY', 'MALFORMED_ID'])
})

test('an alert rule lets through who says so, a block rule nobody', async () => {
  sandbox.seed({ records: { Lead: [{ ...base, Email: 'a@x.com' }] } })
  const write = (headers: Record<string, string> = {}) =>
    client.post('/sobjects/Lead', { ...base, Email: 'A@x.com' }, headers)
  const allow = { 'sforce-duplicate-rule-header': 'allowSave=true' }
  sandbox.addDuplicateRule({ object: 'Lead', name: 'R', matchesOn: ['Email'], action: 'alert' })
  expect((await write()).status).toBe(400)
  expect((await write(allow)).status).toBe(201)
  sandbox.addDuplicateRule({ object: 'Lead', name: 'B', matchesOn: ['Email'], action: 'block' })
  const blocked = await write(allow)
  expect(errorOf(blocked.json)['errorCode']).toBe('DUPLICATES_DETECTED')
  expect(objectOf(errorOf(blocked.json)['duplicateResut'])['matchResults']).toMatchObject([
    { size: 2, success: true },
  ])
})

test('a stage brings its probability, forecast and outcome, and each change a line of history', async () => {
  const made = await client.post('/sobjects/Opportunity', {
    Name: 'Deal',
    StageName: 'Prospecting',
    CloseDate: '2026-12-31',
  })
  const id = textAt(made.json, 'id')
  await client.patch(`/sobjects/Opportunity/${id}`, { StageName: 'Closed Won', Amount: 99.5 })
  const { json } = await client.get(`/sobjects/Opportunity/${id}`)
  expect(json).toMatchObject({
    Probability: 100,
    ForecastCategoryName: 'Closed',
    IsClosed: true,
    IsWon: true,
    Amount: 99.5,
  })
  const wrong = await client.patch(`/sobjects/Opportunity/${id}`, { StageName: 'Dreaming' })
  expect(errorOf(wrong.json)['errorCode']).toBe('INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST')
  const history = await client.query('SELECT StageName, Amount FROM OpportunityHistory')
  expect(objectOf(history.json)['records']).toMatchObject([
    { StageName: 'Prospecting', Amount: null },
    { StageName: 'Closed Won', Amount: 99.5 },
  ])
})

test('a converted lead keeps its id and names what it became; its campaigns and tasks go on', async () => {
  const ids = sandbox.seed({
    records: {
      Campaign: [{ Name: 'Fair' }],
      Lead: [{ ...base, Email: 'a@x.com' }],
      CampaignMember: [{ CampaignId: '@Campaign[0]', LeadId: '@Lead[0]' }],
      Task: [{ Subject: 'Call', WhoId: '@Lead[0]' }],
    },
  })
  const id = ids['Lead']?.[0] ?? ''
  const made = sandbox.convert(id, { opportunityName: 'Deal' })
  const { json } = await client.get(`/sobjects/Lead/${id}`)
  expect(json).toMatchObject({
    IsConverted: true,
    ConvertedContactId: made.contactId,
    ConvertedAccountId: made.accountId,
    ConvertedOpportunityId: made.opportunityId,
    ConvertedDate: '2026-11-23',
  })
  expect(errorOf((await client.patch(`/sobjects/Lead/${id}`, { Title: 'x' })).json)).toMatchObject({
    errorCode: 'CANNOT_UPDATE_CONVERTED_LEAD',
  })
  expect(sandbox.read('CampaignMember', ids['CampaignMember']?.[0] ?? '', 'ContactId')).toBe(
    made.contactId,
  )
  expect(sandbox.read('Task', ids['Task']?.[0] ?? '', 'WhoId')).toBe(made.contactId)
  const roles = await client.query('SELECT ContactId, IsPrimary FROM OpportunityContactRole')
  expect(objectOf(roles.json)['records']).toMatchObject([
    { ContactId: made.contactId, IsPrimary: true },
  ])
})

test('a merged row lies in the recycle bin and names the master, which has its children', async () => {
  const ids = sandbox.seed({
    records: {
      Account: [{ Name: 'A' }, { Name: 'A too' }],
      Contact: [{ LastName: 'Doe', AccountId: '@Account[1]' }],
    },
  })
  const [master = '', loser = ''] = ids['Account'] ?? []
  sandbox.merge('Account', master, [loser])
  expect(sandbox.read('Contact', ids['Contact']?.[0] ?? '', 'AccountId')).toBe(master)
  const soql = 'SELECT Id, MasterRecordId FROM Account WHERE IsDeleted = true'
  const { json } = await client.queryAll(soql)
  expect(objectOf(json)['records']).toMatchObject([{ Id: loser, MasterRecordId: master }])
  expect(objectOf((await client.query(soql)).json)['totalSize']).toBe(0)
  nowMs += 16 * 86_400_000
  expect(objectOf((await client.queryAll(soql)).json)['totalSize']).toBe(0)
})

test('a change of a long transaction has an old time when it is seen', async () => {
  const [id = ''] = sandbox.seed({ records: { Lead: [base] } })['Lead'] ?? []
  nowMs += 60_000
  const writtenAtMs = nowMs
  sandbox.edit('Lead', id, { Title: 'late' }, { lateMs: 300_000 })
  nowMs += 120_000
  expect(sandbox.read('Lead', id, 'Title')).toBeNull()
  const from = new Date(writtenAtMs - 3_600_000).toISOString()
  const span = `start=${from}&end=${new Date(nowMs).toISOString()}`
  const { json } = await client.get(`/sobjects/Lead/updated?${span}`)
  const covered = Date.parse(textAt(json, 'latestDateCovered').replace('+0000', 'Z'))
  expect(covered).toBeLessThanOrEqual(writtenAtMs)
  nowMs += 180_000
  expect(sandbox.read('Lead', id, 'Title')).toBe('late')
  const row = objectOf((await client.get(`/sobjects/Lead/${id}`)).json)
  expect(row['SystemModstamp']).toBe(new Date(writtenAtMs).toISOString().replace('Z', '+0000'))
})

test('a change since the given time is told, and nothing is written', async () => {
  const [id = ''] = sandbox.seed({ records: { Lead: [base] } })['Lead'] ?? []
  const patch = (since: number) =>
    client.patch(
      `/sobjects/Lead/${id}`,
      { Title: 'mine' },
      { 'if-unmodified-since': new Date(since).toUTCString() },
    )
  expect((await patch(nowMs - 5000)).status).toBe(412)
  expect(sandbox.read('Lead', id, 'Title')).toBeNull()
  expect((await patch(nowMs)).status).toBe(204)
})

test('record types belong to an object and show some stages', async () => {
  const ids = sandbox.seed({
    recordTypes: [
      { object: 'Opportunity', name: 'Renewal', stages: ['Prospecting', 'Closed Won'] },
      { object: 'Lead', name: 'Inbound' },
    ],
  })
  const [renewal = '', inbound = ''] = ids['RecordType'] ?? []
  const values = await client.get(`/ui-api/object-info/Opportunity/picklist-values/${renewal}`)
  const fields = objectOf(objectOf(values.json)['picklistFieldValues'])
  expect(objectOf(fields['StageName'])['values']).toMatchObject([
    { value: 'Prospecting' },
    { value: 'Closed Won' },
  ])
  const deal = { Name: 'D', StageName: 'Prospecting', CloseDate: '2026-12-31' }
  const wrong = await client.post('/sobjects/Opportunity', { ...deal, RecordTypeId: inbound })
  expect(errorOf(wrong.json)['errorCode']).toBe('INVALID_CROSS_REFERENCE_KEY')
})

test('rows can name their parent by its external id', async () => {
  sandbox.seed({ records: { Account: [{ Name: 'Acme', Hub_Id__c: 'acc_1' }] } })
  const made = await client.post('/sobjects/Contact', {
    LastName: 'Doe',
    Account: { Hub_Id__c: 'acc_1' },
  })
  expect(made.status).toBe(201)
  const lost = await client.post('/sobjects/Contact', {
    LastName: 'Doe',
    Account: { Hub_Id__c: 'acc_9' },
  })
  expect(errorOf(lost.json)).toMatchObject({ errorCode: 'INVALID_FIELD' })
})
