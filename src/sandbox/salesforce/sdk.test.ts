import { generateKeyPairSync, createSign } from 'node:crypto'

import { Connection, OAuth2 } from 'jsforce'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { startSalesforce } from './index.ts'
import type { SalesforceSandbox } from './index.ts'

let sandbox: SalesforceSandbox
let connection: Connection

beforeAll(async () => {
  sandbox = await startSalesforce({ limits: { dailyApiRequests: 5000 } })
  connection = new Connection({
    instanceUrl: sandbox.url,
    accessToken: sandbox.token,
    version: '67.0',
  })
  connection.bulk2.pollInterval = 10
})
beforeEach(() => {
  sandbox.reset()
  sandbox.installHubIds()
})
afterAll(() => sandbox.stop())

const lead = (n: number) => ({
  Hub_Id__c: `lead_${n}`,
  LastName: `Last ${n}`,
  Company: 'Acme',
  Email: `p${n}@example.com`,
})

test('the official client creates, reads, changes and deletes a row', async () => {
  const leads = connection.sobject('Lead')
  const made = await leads.create({ LastName: 'Lovelace', FirstName: 'Ada', Company: 'Engines' })
  expect(made).toMatchObject({ success: true, errors: [] })
  const id = made.id ?? ''
  expect(id).toMatch(/^00Q\w{15}$/)
  await leads.update({ Id: id, Title: 'Countess' })
  const row = await leads.retrieve(id)
  expect(row).toMatchObject({
    Id: id,
    Name: 'Ada Lovelace',
    Title: 'Countess',
    Status: 'Open - Not Contacted',
    OwnerId: sandbox.userId,
    IsConverted: false,
  })
  expect(row['SystemModstamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000$/)
  await leads.destroy(id)
  await expect(leads.retrieve(id)).rejects.toMatchObject({ errorCode: 'ENTITY_IS_DELETED' })
})

test('the official client reads the field errors of a row', async () => {
  const error = await connection
    .sobject('Lead')
    .create({ FirstName: 'Ada' })
    .then(
      () => null,
      (thrown: unknown) => thrown,
    )
  expect(error).toMatchObject({
    errorCode: 'REQUIRED_FIELD_MISSING',
    message: 'Required fields are missing: [LastName, Company]',
  })
})

test('the official client upserts by an external id, alone and in collections', async () => {
  const leads = connection.sobject('Lead')
  const first = await leads.upsert(lead(1), 'Hub_Id__c')
  expect(first).toMatchObject({ success: true, created: true })
  const again = await leads.upsert({ ...lead(1), Title: 'CTO' }, 'Hub_Id__c')
  expect(again).toMatchObject({ id: first.id, success: true, created: false })
  const many = await leads.upsert(
    Array.from({ length: 450 }, (_, i) => lead(i + 1)),
    'Hub_Id__c',
    { allowRecursive: true },
  )
  expect(many.filter((result) => 'created' in result && result.created)).toHaveLength(449)
  expect(sandbox.count('Lead')).toBe(450)
})

test('the official client gets one result a row of a collection, in order', async () => {
  const results = await connection
    .sobject('Lead')
    .create([lead(1), { ...lead(2), LastName: '' }, lead(3)])
  expect(results.map(({ success }) => success)).toEqual([true, false, true])
  expect(results[1]?.errors).toEqual([
    {
      statusCode: 'REQUIRED_FIELD_MISSING',
      message: 'Required fields are missing: [LastName]',
      fields: ['LastName'],
    },
  ])
  const whole = await connection
    .sobject('Lead')
    .create([lead(4), { ...lead(5), LastName: '' }], { allOrNone: true })
  expect(whole[0]?.errors[0]).toMatchObject({ statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK' })
  expect(sandbox.count('Lead')).toBe(2)
})

test('the official client fetches a query to its end, page after page', async () => {
  sandbox.seed({ records: { Lead: Array.from({ length: 4500 }, (_, i) => lead(i)) } })
  const soql = "SELECT Id, Email, Owner.Name FROM Lead WHERE LastName LIKE 'Last %' ORDER BY Id"
  const result = await connection.query(soql, { autoFetch: true, maxFetch: 10_000 })
  expect(result.records).toHaveLength(4500)
  expect(new Set(result.records.map(({ Id }) => Id)).size).toBe(4500)
  expect(result.records[0]).toMatchObject({ Owner: { Name: 'Hub Integration' } })
  const counted = await connection.query("SELECT COUNT() FROM Lead WHERE Company = 'acme'")
  expect(counted.totalSize).toBe(4500)
})

test('the official client builds a query of its own and finds what it describes', async () => {
  const ids = sandbox.seed({
    records: {
      Account: [{ Name: 'Acme' }],
      Opportunity: [
        { Name: 'A', StageName: 'Prospecting', CloseDate: '2026-12-31', AccountId: '@Account[0]' },
        { Name: 'B', StageName: 'Closed Won', CloseDate: '2026-10-01', Amount: 1200 },
      ],
    },
  })
  const found = await connection
    .sobject('Opportunity')
    .find({ StageName: { $in: ['Closed Won', 'Closed Lost'] }, Amount: { $gt: 1000 } }, [
      'Name',
      'Amount',
      'IsWon',
      'Probability',
    ])
    .sort({ CreatedDate: -1 })
    .limit(5)
  expect(found).toMatchObject([{ Name: 'B', Amount: 1200, IsWon: true, Probability: 100 }])
  const account = await connection.query(
    `SELECT Name, (SELECT Name, StageName FROM Opportunities) FROM Account WHERE Id = '${ids['Account']?.[0]}'`,
  )
  expect(account.records[0]?.['Opportunities']).toMatchObject({
    totalSize: 1,
    records: [{ Name: 'A', StageName: 'Prospecting' }],
  })
})

test('the official client loads a file by the bulk API and reads who failed', async () => {
  sandbox.seed({ records: { Lead: [lead(0)] } })
  const rows = Array.from({ length: 1200 }, (_, i) => ({
    ...lead(i),
    LastName: i % 400 === 399 ? '' : `New ${i}`,
  }))
  const results = await connection.bulk2.loadAndWaitForResults({
    object: 'Lead',
    operation: 'upsert',
    externalIdFieldName: 'Hub_Id__c',
    input: rows,
    pollInterval: 10,
  })
  expect(results.successfulResults).toHaveLength(1197)
  const failed = results.failedResults as unknown as Record<string, string>[]
  expect(failed.map((row) => row['Hub_Id__c'])).toEqual(['lead_399', 'lead_799', 'lead_1199'])
  expect(results.failedResults[0]?.sf__Error).toBe(
    'REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --',
  )
  expect(results.unprocessedRecords).toEqual([])
  expect(results.successfulResults[0]).toMatchObject({ sf__Created: 'false', Hub_Id__c: 'lead_0' })
  expect(sandbox.count('Lead')).toBe(1197)
})

test('the official client reads a table by the bulk API', async () => {
  sandbox.seed({ records: { Lead: Array.from({ length: 3000 }, (_, i) => lead(i)) } })
  const stream = await connection.bulk2.query('SELECT Id, Email, SystemModstamp FROM Lead')
  const rows = (await stream.toArray()) as Record<string, string>[]
  expect(rows).toHaveLength(3000)
  expect(rows[0]).toMatchObject({ Email: 'p0@example.com' })
  expect(rows[0]?.['SystemModstamp']).toMatch(/Z$/)
})

test('the official client describes the org and an object with its own fields', async () => {
  const all = await connection.describeGlobal()
  expect(all.sobjects.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['Lead', 'Contact', 'Account', 'Opportunity', 'CampaignMember']),
  )
  sandbox.seed({ recordTypes: [{ object: 'Opportunity', name: 'Renewal' }] })
  const described = await connection.describe('Opportunity')
  const hubId = described.fields.find(({ name }) => name === 'Hub_Id__c')
  expect(hubId).toMatchObject({ externalId: true, unique: true, custom: true, nillable: true })
  const stage = described.fields.find(({ name }) => name === 'StageName')
  expect(stage?.picklistValues?.map(({ value }) => value)).toContain('Negotiation/Review')
  expect(described.recordTypeInfos.map(({ name }) => name)).toEqual(['Renewal', 'Master'])
})

test('the official client learns what changed and what was deleted', async () => {
  const ids = sandbox.seed({ records: { Lead: [lead(1), lead(2)] } })['Lead'] ?? []
  sandbox.advance(120_000)
  sandbox.edit('Lead', ids[0] ?? '', { Title: 'CEO' })
  sandbox.remove('Lead', ids[1] ?? '')
  sandbox.advance(120_000)
  const from = new Date(sandbox.now() - 180_000)
  const to = new Date(sandbox.now())
  const updated = await connection.sobject('Lead').updated(from, to)
  expect(updated.ids).toEqual([ids[0]])
  const deleted = await connection.sobject('Lead').deleted(from, to)
  expect(deleted.deletedRecords.map(({ id }) => id)).toEqual([ids[1]])
  const bin = await connection.query('SELECT Id FROM Lead WHERE IsDeleted = true', {
    scanAll: true,
    autoFetch: true,
  })
  expect(bin.records.map(({ Id }) => Id)).toEqual([ids[1]])
})

test('the official client sees who it is and what is left of the allocation', async () => {
  const identity = await connection.identity()
  expect(identity).toMatchObject({
    user_id: sandbox.userId,
    organization_id: sandbox.organizationId,
  })
  const limits = await connection.limits()
  expect(limits['DailyApiRequests']).toMatchObject({ Max: 5000 })
  expect(connection.limitInfo.apiUsage).toMatchObject({ limit: 5000 })
})

const client = () =>
  new OAuth2({
    loginUrl: sandbox.url,
    clientId: sandbox.oauthApp.clientId,
    clientSecret: sandbox.oauthApp.clientSecret,
    redirectUri: sandbox.oauthApp.redirectUris[0] ?? '',
  })

test('the official client logs in with a code, and renews a session that is over', async () => {
  const oauth2 = client()
  const session = new Connection({ oauth2, version: '67.0' })
  const user = await session.authorize(sandbox.authorize())
  expect(user.organizationId).toBe(sandbox.organizationId)
  expect(session.instanceUrl).toBe(sandbox.url)
  let renewals = 0
  session.on('refresh', () => (renewals += 1))
  sandbox.expireSessions()
  expect((await session.query('SELECT Id FROM User')).totalSize).toBe(1)
  expect(renewals).toBe(1)
  await session.logout(true)
  sandbox.revokeGrants()
})

test('the official client logs in as itself and by a signed assertion', async () => {
  const asItself = new Connection({ oauth2: client(), version: '67.0' })
  await asItself.authorize({ grant_type: 'client_credentials' })
  expect((await asItself.query('SELECT Id FROM User')).totalSize).toBe(1)

  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  sandbox.oauthApp.publicKey = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = {
    iss: sandbox.oauthApp.clientId,
    sub: 'hub@example.com.sandbox',
    aud: sandbox.url,
    exp: Math.floor(sandbox.now() / 1000) + 120,
  }
  const unsigned = `${encode({ alg: 'RS256' })}.${encode(claims)}`
  const signature = createSign('RSA-SHA256').update(unsigned).sign(keys.privateKey, 'base64url')
  const byAssertion = new Connection({ oauth2: client(), version: '67.0' })
  await byAssertion.authorize({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: `${unsigned}.${signature}`,
  })
  expect((await byAssertion.query('SELECT Id FROM User')).totalSize).toBe(1)
  const forged = new Connection({ oauth2: client(), version: '67.0' }).authorize({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: `${unsigned}.${Buffer.from('forged').toString('base64url')}`,
  })
  await expect(forged).rejects.toThrow('invalid assertion')
})

test('the official client relates rows of one composite call by what the first one made', async () => {
  const { compositeResponse } = await connection.requestPost<{
    compositeResponse: { httpStatusCode: number; body: { id: string } }[]
  }>('/services/data/v67.0/composite', {
    allOrNone: true,
    compositeRequest: [
      {
        method: 'PATCH',
        url: '/services/data/v67.0/sobjects/Account/Hub_Id__c/acc_1',
        referenceId: 'account',
        body: { Name: 'Acme' },
      },
      {
        method: 'POST',
        url: '/services/data/v67.0/sobjects/Contact',
        referenceId: 'contact',
        body: { LastName: 'Doe', AccountId: '@{account.id}' },
      },
    ],
  })
  expect(compositeResponse.map(({ httpStatusCode }) => httpStatusCode)).toEqual([201, 201])
  const [account, contact] = compositeResponse
  expect(sandbox.read('Contact', contact?.body.id ?? '', 'AccountId')).toBe(account?.body.id)
})
