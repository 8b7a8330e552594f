import { afterAll, beforeAll, expect, test } from 'vitest'

import { listOf, objectOf } from '#sandbox/json.ts'
import type { Json } from '#sandbox/json.ts'
import { startSalesforce } from './index.ts'
import type { SalesforceSandbox } from './index.ts'
import { openClient, textAt } from './test-client.ts'

const START = Date.parse('2026-11-23T15:00:00Z')
let nowMs = START
let sandbox: SalesforceSandbox
let client: ReturnType<typeof openClient>

beforeAll(async () => {
  sandbox = await startSalesforce({ now: () => nowMs })
  client = openClient(sandbox)
  const picks = { valueSet: { valueSetDefinition: { value: [] } } }
  sandbox.seed({
    fields: {
      Lead: [{ name: 'Topics__c', type: 'MultiselectPicklist', label: 'Topics', ...picks }],
    },
    records: {
      Account: [{ Name: 'Acme', Website: 'https://acme.example' }, { Name: "O'Neil" }],
      Contact: [
        { LastName: 'Doe', AccountId: '@Account[0]', Title: 'CEO' },
        { LastName: 'Roe', AccountId: '@Account[1]' },
        { LastName: 'Moe' },
      ],
      Lead: [
        { LastName: 'One', Company: 'A', NumberOfEmployees: 5, Topics__c: 'crm;ai' },
        { LastName: 'Two', Company: 'a', NumberOfEmployees: 50, Topics__c: 'ai' },
        { LastName: 'Three', Company: 'B', HasOptedOutOfEmail: true },
      ],
      Opportunity: [
        { Name: 'Old', StageName: 'Closed Won', CloseDate: '2026-11-22', AccountId: '@Account[0]' },
        { Name: 'Due', StageName: 'Prospecting', CloseDate: '2026-11-23', Amount: 10 },
        { Name: 'Far', StageName: 'Prospecting', CloseDate: '2027-11-23', Amount: 20.5 },
      ],
    },
  })
})
afterAll(() => sandbox.stop())

/** The last names, or names, that a condition finds, in the order of creation. */
async function namesWhere(object: string, where: string): Promise<Json[]> {
  const field = object === 'Lead' || object === 'Contact' ? 'LastName' : 'Name'
  const answer = await client.query(`SELECT ${field} FROM ${object} WHERE ${where}`)
  if (answer.status !== 200) throw new Error(answer.text)
  return listOf(objectOf(answer.json)['records']).map((row) => objectOf(row)[field] ?? null)
}

test.each([
  ["Company = 'a'", ['One', 'Two']],
  ["Company != 'a'", ['Three']],
  ["Company IN ('A', 'x')", ['One', 'Two']],
  ["Company NOT IN ('A')", ['Three']],
  ["LastName LIKE 'T%'", ['Two', 'Three']],
  ["LastName LIKE '_ne'", ['One']],
  ["NOT LastName LIKE 'T%'", ['One']],
  ['NumberOfEmployees > 5', ['Two']],
  ['NumberOfEmployees >= 5', ['One', 'Two']],
  ['NumberOfEmployees < 50', ['One']],
  ['NumberOfEmployees = null', ['Three']],
  ['NumberOfEmployees != 5', ['Two', 'Three']],
  ['HasOptedOutOfEmail = TRUE', ['Three']],
  ["(Company = 'A' AND NumberOfEmployees > 10) OR LastName = 'Three'", ['Two', 'Three']],
  ["Topics__c INCLUDES ('ai')", ['One', 'Two']],
  ["Topics__c INCLUDES ('crm;ai')", ['One']],
  ["Topics__c EXCLUDES ('ai')", ['Three']],
  ['SystemModstamp >= 2026-11-23T15:00:00Z', ['One', 'Two', 'Three']],
  ['SystemModstamp > 2026-11-23T16:00:00.000+01:00', []],
  ['SystemModstamp = TODAY', ['One', 'Two', 'Three']],
  ['CreatedDate = LAST_N_DAYS:3', ['One', 'Two', 'Three']],
])('leads where %s', async (where, expected) => {
  expect(await namesWhere('Lead', where)).toEqual(expected)
})

test.each([
  ["Account.Name = 'acme'", ['Doe']],
  ["Account.Name = 'O\\'Neil'", ['Roe']],
  ['Account.Name = null', ['Moe']],
  ['AccountId IN (SELECT Id FROM Account WHERE Website != null)', ['Doe']],
])('contacts where %s', async (where, expected) => {
  expect(await namesWhere('Contact', where)).toEqual(expected)
})

test.each([
  ['CloseDate <= TODAY', ['Old', 'Due']],
  ['CloseDate > 2026-11-23', ['Far']],
  ['CloseDate = YESTERDAY', ['Old']],
  ['Amount = 20.5', ['Far']],
  ['IsClosed = false AND Amount < 15', ['Due']],
])('opportunities where %s', async (where, expected) => {
  expect(await namesWhere('Opportunity', where)).toEqual(expected)
})

test('rows come in the order asked for, nothing before something unless told otherwise', async () => {
  const order = async (by: string) => {
    const answer = await client.query(`SELECT LastName FROM Lead ORDER BY ${by}`)
    return listOf(objectOf(answer.json)['records']).map((row) => objectOf(row)['LastName'])
  }
  expect(await order('NumberOfEmployees')).toEqual(['Three', 'One', 'Two'])
  expect(await order('NumberOfEmployees DESC')).toEqual(['Two', 'One', 'Three'])
  expect(await order('NumberOfEmployees NULLS LAST, Id')).toEqual(['One', 'Two', 'Three'])
  expect(await order('Company DESC, LastName ASC LIMIT 2 OFFSET 1')).toEqual(['One', 'Two'])
})

test.each([
  ['SELECT Id FROM Lead WHERE', 'MALFORMED_QUERY'],
  ["SELECT Id FROM Lead WHERE A = 'x' AND B = 'y' OR C = 'z'", 'MALFORMED_QUERY'],
  ['SELECT Id Name FROM Lead', 'MALFORMED_QUERY'],
  ["SELECT Id FROM Lead WHERE Company = 'x", 'MALFORMED_QUERY'],
  ['SELECT Id FROM Nothing', 'INVALID_TYPE'],
  ['SELECT Nothing FROM Lead', 'INVALID_FIELD'],
  ["SELECT Id FROM Lead WHERE SystemModstamp > '2026-01-01T00:00:00Z'", 'INVALID_FIELD'],
  ['SELECT Id FROM Lead WHERE Company = 5', 'INVALID_FIELD'],
  ["SELECT Id FROM Lead WHERE Description = 'x'", 'INVALID_FIELD'],
  ["SELECT Id FROM Lead WHERE Id = 'x'", 'INVALID_QUERY_FILTER_OPERATOR'],
  ['SELECT Id FROM Lead OFFSET 2001', 'NUMBER_OUTSIDE_VALID_RANGE'],
  ['SELECT FIELDS(ALL) FROM Lead', 'MALFORMED_QUERY'],
])('%s is refused with %s', async (soql, code) => {
  const { status, json } = await client.query(soql)
  expect(status).toBe(400)
  expect(objectOf(listOf(json)[0])['errorCode']).toBe(code)
})

test('a keyset of time and id goes through every row once', async () => {
  for (let i = 0; i < 30; i += 1) {
    nowMs = START + 3_600_000 + Math.floor(i / 7) * 1000
    sandbox.add('Campaign', { Name: `C${i}` })
  }
  const seen: Json[] = []
  let after = ''
  for (;;) {
    const soql = `SELECT Id, SystemModstamp FROM Campaign ${after} ORDER BY SystemModstamp, Id LIMIT 4`
    const { json } = await client.query(soql)
    const rows = listOf(objectOf(json)['records']).map(objectOf)
    const last = rows.at(-1)
    if (!last) break
    seen.push(...rows.map((row) => row['Id'] ?? null))
    const stamp = textAt(last, 'SystemModstamp').replace('+0000', 'Z')
    after = `WHERE SystemModstamp > ${stamp} OR (SystemModstamp = ${stamp} AND Id > '${textAt(last, 'Id')}')`
  }
  expect(seen).toEqual([...sandbox.records('Campaign')].map(({ id }) => id))
})

test('cursors are evicted, oldest first, and say so', async () => {
  sandbox.seed({ records: { Task: Array.from({ length: 250 }, () => ({ Subject: 'Call' })) } })
  const open = () =>
    client.get('/query?q=SELECT+Id+FROM+Task', { 'sforce-query-options': 'batchSize=200' })
  const urls: string[] = []
  for (let i = 0; i <= sandbox.settings.maxOpenCursors; i += 1) {
    urls.push(textAt((await open()).json, 'nextRecordsUrl'))
  }
  expect(objectOf(listOf((await client.send('GET', urls[0] ?? '')).json)[0])['errorCode']).toBe(
    'INVALID_QUERY_LOCATOR',
  )
  const last = objectOf((await client.send('GET', urls.at(-1) ?? '')).json)
  expect(last).toMatchObject({ totalSize: 250, done: true })
  expect(listOf(last['records'])).toHaveLength(50)
})
