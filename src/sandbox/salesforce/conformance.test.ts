import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { Ajv } from 'ajv'
import * as formats from 'ajv-formats'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { TestContext } from 'vitest'

import { isObject, listOf, objectOf, textOf } from '#sandbox/json.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import { startSalesforce } from './index.ts'
import type { SalesforceSandbox } from './index.ts'
import { openClient, textAt } from './test-client.ts'

/**
 * What the sandbox answers, held against a description of the vendor's API and against requests of
 * its client. They are not part of this project: without them (`THROUGHLINE_VENDOR_SPECS`) there is
 * nothing to hold against.
 */
const SPECS = process.env['THROUGHLINE_VENDOR_SPECS'] ?? '../shared/vendor-apis/specs'
const hasSpecs = existsSync(join(SPECS, 'salesforce.openapi.json'))

function readSpec(name: string): JsonObject {
  return objectOf(JSON.parse(readFileSync(join(SPECS, name), 'utf8')) as Json)
}

/** Shows in the report and on the terminal that nothing was checked, and why. */
async function sayAbsent(annotate: TestContext['annotate']): Promise<void> {
  const notice = `No vendor specifications at ${SPECS}: the sandbox's answers were not checked.`
  process.stderr.write(`${notice}\n`)
  await annotate(notice, 'warning')
}

const DATA = '/services/data/v67.0'
let sandbox: SalesforceSandbox
let client: ReturnType<typeof openClient>
let ids: Record<string, string[]>

beforeAll(async () => {
  sandbox = await startSalesforce({
    tokens: ['00D!AT'],
    oauthApp: { clientId: 'cid', clientSecret: 'sec', redirectUris: ['http://localhost/cb'] },
  })
  client = openClient(sandbox)
})
beforeEach(() => {
  sandbox.reset()
  sandbox.installHubIds()
  const text = { type: 'Text', length: 80, externalId: true }
  ids = sandbox.seed({
    fields: { Lead: [{ name: 'Ext__c', ...text }] },
    records: {
      Account: [{ Name: 'Acme' }],
      Contact: [{ LastName: 'Doe', AccountId: '@Account[0]' }],
      Lead: [
        { LastName: 'One', Company: 'A', Hub_Id__c: 'l-1', Ext__c: 'twin' },
        { LastName: 'Two', Company: 'B', Hub_Id__c: 'l-2', Ext__c: 'twin' },
        { LastName: 'Three', Company: 'C' },
      ],
      Opportunity: [{ Name: 'Deal', StageName: 'Prospecting', CloseDate: '2026-12-31' }],
      Campaign: [{ Name: 'Fair' }],
    },
  })
})
afterAll(() => sandbox.stop())

interface Sent {
  method: string
  path: string
  body?: unknown
  csv?: string
  form?: Record<string, string>
  headers?: Record<string, string>
}

async function send({ method, path, body, csv, form, headers }: Sent) {
  if (form) return client.form(path, form)
  return client.send(method, path, {
    ...(body === undefined ? {} : { json: body }),
    ...(csv === undefined ? {} : { csv }),
    ...(headers ? { headers } : {}),
  })
}

const lead = (id: string, last = 'Doe') => ({
  attributes: { type: 'Lead' },
  Hub_Id__c: id,
  LastName: last,
  Company: 'Acme',
})

/** One call of each kind, refusals among them, in an order in which each can succeed. */
function* callsOf(): Generator<Sent, void, Json> {
  const [first = '', second = ''] = ids['Lead'] ?? []
  const rows = `${DATA}/sobjects/Lead`
  const many = `${DATA}/composite/sobjects`
  const span = '?start=2026-11-20T00%3A00%3A00%2B00%3A00&end=2099-01-01T00%3A00%3A00%2B00%3A00'
  const get = (path: string): Sent => ({ method: 'GET', path })
  const credentials = { client_id: 'cid', client_secret: 'sec' }
  yield get('/services/data')
  yield {
    method: 'POST',
    path: '/services/oauth2/token',
    form: { grant_type: 'client_credentials', ...credentials },
  }
  yield {
    method: 'POST',
    path: '/services/oauth2/token',
    form: {
      grant_type: 'authorization_code',
      code: sandbox.authorize(),
      redirect_uri: 'http://localhost/cb',
      ...credentials,
    },
  }
  const grant = { grant_type: 'refresh_token', refresh_token: 'dead' }
  yield { method: 'POST', path: '/services/oauth2/token', form: { ...grant, ...credentials } }
  yield {
    method: 'POST',
    path: '/services/oauth2/introspect',
    form: { token: 'x', ...credentials },
  }
  yield { method: 'POST', path: '/services/oauth2/revoke', form: { token: 'unknown' } }
  yield get('/services/oauth2/userinfo')
  yield get(`${DATA}/limits`)
  yield get(`${DATA}/sobjects`)
  yield get(rows)
  yield get(`${DATA}/sobjects/Nothing`)
  yield get(`${rows}/describe`)
  yield { method: 'POST', path: rows, body: { LastName: 'New', Company: 'N' } }
  yield { method: 'POST', path: rows, body: { FirstName: 'New' } }
  yield { method: 'POST', path: rows, body: { LastName: 'N', Company: 'N', Nope__c: 1 } }
  yield get(`${rows}/${first}?fields=Id,Email`)
  yield get(`${rows}/00QSB0000000zzzAAA`)
  yield { method: 'PATCH', path: `${rows}/${first}`, body: { Title: 'CEO' } }
  const old = { 'if-unmodified-since': 'Wed, 01 Jan 2020 00:00:00 GMT' }
  yield { method: 'PATCH', path: `${rows}/${first}`, body: { Title: 'CTO' }, headers: old }
  yield get(`${rows}/Hub_Id__c/l-1`)
  yield get(`${rows}/Ext__c/twin`)
  yield { method: 'PATCH', path: `${rows}/Hub_Id__c/l-1`, body: { Title: 'CFO' } }
  yield { method: 'PATCH', path: `${rows}/Hub_Id__c/l-9`, body: { LastName: 'Nine', Company: 'N' } }
  yield { method: 'PATCH', path: `${rows}/Ext__c/twin`, body: { Title: 'Both' } }
  yield get(`${rows}/updated${span}`)
  yield get(`${rows}/deleted${span}`)
  yield get(`${rows}/updated?start=2020-01-01T00%3A00%3A00Z&end=2020-01-02T00%3A00%3A00Z`)
  yield { method: 'POST', path: many, body: { records: [lead('l-20'), lead('l-21', '')] } }
  yield { method: 'POST', path: many, body: { records: [] } }
  yield { method: 'PATCH', path: many, body: { records: [{ ...lead('l-2'), id: second }] } }
  yield {
    method: 'PATCH',
    path: `${many}/Lead/Hub_Id__c`,
    body: { records: [lead('l-1'), lead('l-30'), lead('l-31', '')] },
  }
  yield get(`${many}/Lead?ids=${first},00QSB0000000zzzAAA&fields=Id,Name`)
  yield { method: 'POST', path: `${many}/Lead`, body: { ids: [first, second], fields: ['Email'] } }
  yield { method: 'DELETE', path: `${many}?ids=${second}&allOrNone=false` }
  yield { method: 'DELETE', path: `${rows}/${second}` }
  yield { method: 'DELETE', path: `${rows}/${ids['Lead']?.[2]}` }
  const url = `${DATA}/sobjects/Account/Hub_Id__c/a-1`
  const compositeRequest = [
    { method: 'PATCH', url, referenceId: 'account', body: { Name: 'New' } },
    {
      method: 'GET',
      url: '/services/data/v67.0/sobjects/Account/@{account.id}',
      referenceId: 'read',
    },
  ]
  yield { method: 'POST', path: `${DATA}/composite`, body: { compositeRequest } }
  const batchRequests = [{ method: 'GET', url: 'v67.0/limits' }]
  yield { method: 'POST', path: `${DATA}/composite/batch`, body: { batchRequests } }
  yield get(`${DATA}/query?q=${encodeURIComponent('SELECT Id, Owner.Name FROM Lead')}`)
  yield get(`${DATA}/query?q=${encodeURIComponent('SELECT Foo__c FROM Lead')}`)
  yield get(`${DATA}/query?q=${encodeURIComponent('SELECT FROM Lead')}`)
  yield get(`${DATA}/query/01g000000000000-2000`)
  yield get(`${DATA}/queryAll?q=${encodeURIComponent('SELECT Id FROM Lead')}`)
  yield* bulkCalls()
}

function* bulkCalls(): Generator<Sent, void, Json> {
  const ingest = `${DATA}/jobs/ingest`
  const query = `${DATA}/jobs/query`
  const get = (path: string): Sent => ({ method: 'GET', path })
  const job = { object: 'Lead', operation: 'upsert', externalIdFieldName: 'Hub_Id__c' }
  const made = yield { method: 'POST', path: ingest, body: { ...job, lineEnding: 'LF' } }
  const id = textAt(made, 'id')
  yield { method: 'POST', path: ingest, body: { ...job, externalIdFieldName: 'Nope__c' } }
  yield get(ingest)
  const csv = 'Hub_Id__c,LastName,Company\nl-1,Doe,Acme\nl-50,,Acme\n'
  yield { method: 'PUT', path: `${ingest}/${id}/batches`, csv }
  yield { method: 'PUT', path: `${ingest}/${id}/batches`, csv }
  yield { method: 'DELETE', path: `${ingest}/${id}` }
  yield { method: 'PATCH', path: `${ingest}/${id}`, body: { state: 'UploadComplete' } }
  yield get(`${ingest}/${id}`)
  for (const file of ['successfulResults', 'failedResults', 'unprocessedrecords']) {
    yield get(`${ingest}/${id}/${file}`)
  }
  yield { method: 'DELETE', path: `${ingest}/${id}` }
  yield get(`${ingest}/${id}`)
  const soql = 'SELECT Id FROM Lead'
  const read = yield { method: 'POST', path: query, body: { operation: 'query', query: soql } }
  const queryId = textAt(read, 'id')
  yield get(`${query}/${queryId}`)
  yield get(`${query}/${queryId}/results?maxRecords=1`)
  yield { method: 'DELETE', path: `${query}/${queryId}` }
}

const variables = (template: string) => template.split('{').length

/** The specification's path template of a path, literal segments before variables. */
function templateOf(paths: readonly string[], path: string): string | null {
  const wanted = path.split('?')[0]?.split('/') ?? []
  const fits = paths.filter((template) => {
    const segments = template.split('/')
    return (
      segments.length === wanted.length &&
      segments.every((segment, i) => segment.startsWith('{') || segment === wanted[i])
    )
  })
  return fits.sort((a, b) => variables(a) - variables(b))[0] ?? null
}

/** OpenAPI's `nullable` as JSON Schema has it. */
function toJsonSchema(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(toJsonSchema)
  if (!isObject(schema)) return schema
  const { nullable, ...rest } = schema
  const converted = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, toJsonSchema(value)]),
  )
  if (nullable !== true) return converted
  return typeof converted['type'] === 'string'
    ? { ...converted, type: [converted['type'], 'null'] }
    : { anyOf: [converted, { type: 'null' }] }
}

/** A JSON pointer's segment within a URI fragment. */
function escape(segment: string): string {
  return encodeURIComponent(segment.replaceAll('~', '~0').replaceAll('/', '~1'))
}

function openSpec() {
  const spec = objectOf(toJsonSchema(readSpec('salesforce.openapi.json')))
  const ajv = new Ajv({ strict: false, allErrors: true })
  formats.default.default(ajv)
  ajv.addSchema({ $id: 'spec', ...spec })
  const paths = objectOf(spec['paths'])
  return {
    operation(method: string, path: string) {
      const template = templateOf(Object.keys(paths), path)
      if (template === null) return null
      const operation = objectOf(paths[template])[method.toLowerCase()]
      return operation === undefined ? null : { template, operation: objectOf(operation) }
    },
    /** What is wrong with a value; null when nothing is, or when the description has no schema. */
    check(pointer: readonly string[], holder: Json | undefined, value: unknown): string | null {
      if (objectOf(holder)['schema'] === undefined) return null
      const validate = ajv.compile({
        $ref: `spec#/${[...pointer, 'schema'].map(escape).join('/')}`,
      })
      return validate(value) ? null : ajv.errorsText(validate.errors)
    },
  }
}

test('every answer has the status and the shape of the specification', async ({ annotate }) => {
  if (!hasSpecs) return await sayAbsent(annotate)
  const spec = openSpec()
  const wrong: string[] = []
  const calls = callsOf()
  let count = 0
  for (let next = calls.next(null); !next.done;) {
    const call = next.value
    count += 1
    const place = `${call.method} ${call.path}`
    const found = spec.operation(call.method, call.path)
    const { status, json, text } = await send(call)
    next = calls.next(json)
    if (!found) {
      wrong.push(`${place}: not in the specification`)
      continue
    }
    const { template, operation } = found
    const response = objectOf(operation['responses'])[String(status)]
    if (response === undefined) {
      wrong.push(`${place}: ${status} ${text.slice(0, 200)}`)
      continue
    }
    const media = objectOf(objectOf(response)['content'])['application/json']
    const pointer = ['paths', template, call.method.toLowerCase(), 'responses', String(status)]
    const error = spec.check([...pointer, 'content', 'application/json'], media, json)
    if (error !== null) wrong.push(`${place}: ${status} ${error}`)
  }
  expect(wrong).toEqual([])
  expect(count).toBeGreaterThan(55)
})

test('what the official client sent is understood, request by request', async ({ annotate }) => {
  if (!hasSpecs) return await sayAbsent(annotate)
  const spec = openSpec()
  const outcomes: string[] = []
  const invalid: string[] = []
  for (const request of listOf(readSpec('captures/salesforce.json')['requests']).map(objectOf)) {
    const path = textOf(request['url']) ?? ''
    const method = textOf(request['method']) ?? ''
    const { body } = request
    const isForm = path.startsWith('/services/oauth2/')
    const { status, json } = await send({
      method,
      path,
      ...(isForm ? { form: Object.fromEntries(new URLSearchParams(textOf(body) ?? '')) } : {}),
      ...(!isForm && typeof body === 'string' ? { csv: body } : {}),
      ...(isObject(body) ? { body } : {}),
    })
    const found = spec.operation(method, path)
    if (isObject(body) && found) {
      const media = objectOf(objectOf(found.operation['requestBody'])['content'])[
        'application/json'
      ]
      const pointer = ['paths', found.template, method.toLowerCase(), 'requestBody', 'content']
      const error = spec.check([...pointer, 'application/json'], media, body)
      if (error !== null) invalid.push(`${textOf(request['case'])}: ${error}`)
    }
    const code = textOf(objectOf(listOf(json)[0])['errorCode']) ?? textOf(objectOf(json)['error'])
    outcomes.push(`${textOf(request['case'])}: ${[status, code].filter(Boolean).join(' ')}`)
  }
  expect(invalid).toEqual([])
  expect(outcomes).toEqual([
    'conn.query: 200',
    // The captured cursors are not open here.
    'queryMore: 400 INVALID_QUERY_LOCATOR',
    'query scanAll autoFetch: 200',
    'query scanAll autoFetch: 400 INVALID_QUERY_LOCATOR',
    'sobject.upsert(array,allowRecursive): 200',
    // The client leaves a slash in the value as it is, which makes it another path.
    'sobject.upsert(single): 404 NOT_FOUND',
    'upsert 15: 200',
    'create array w headers: 200',
    'update array of 1: 200',
    'updated/deleted: 400 INVALID_REPLICATION_DATE',
    'updated/deleted: 400 INVALID_REPLICATION_DATE',
    'bulk2.loadAndWaitForResults: 200',
    // The captured job is another one.
    'bulk2.loadAndWaitForResults: 404 NOT_FOUND',
    'bulk2.loadAndWaitForResults: 404 NOT_FOUND',
    'bulk2.loadAndWaitForResults: 404 NOT_FOUND',
    'bulk2.loadAndWaitForResults: 404 NOT_FOUND',
    'bulk2.loadAndWaitForResults: 404 NOT_FOUND',
    'bulk2.loadAndWaitForResults: 404 NOT_FOUND',
    'bulk2.loadAndWaitForResults: 404 NOT_FOUND',
    'requestPost composite: 200',
    'limits: 200',
    // The captured code, refresh token and assertion were never given.
    'oauth2.requestToken(code): 400 invalid_grant',
    'oauth2.refreshToken: 400 invalid_grant',
    'authorize client_credentials: 200',
    'authorize jwt: 400 invalid_client_id',
  ])
})

test('what is refused is refused in the words of the vendor', async ({ annotate }) => {
  if (!hasSpecs) return await sayAbsent(annotate)
  const fixtures = listOf(readSpec('fixtures/salesforce.responses.json')['responses']).map(objectOf)
  const fixture = (name: string) => fixtures.find((each) => each['name'] === name) ?? {}
  const codeOf = (json: Json | undefined) => {
    const first = objectOf(Array.isArray(json) ? json[0] : json)
    return [first['errorCode'] ?? first['error'] ?? null, Object.keys(first).sort()]
  }
  sandbox.seed({
    validationRules: [
      {
        object: 'Lead',
        name: 'Budget',
        refuses: "Title = 'Broke'",
        message: 'No budget',
        field: 'Title',
      },
    ],
    duplicateRules: [{ object: 'Lead', name: 'Same', matchesOn: ['Email'], action: 'block' }],
    records: { Lead: [{ LastName: 'L', Company: 'C', Email: 'same@example.com' }] },
  })
  const [campaign = ''] = ids['Campaign'] ?? []
  const [first = '', second = '', third = ''] = ids['Lead'] ?? []
  const base = { LastName: 'L', Company: 'C' }
  const member = { CampaignId: campaign, LeadId: first }
  await client.post('/sobjects/CampaignMember', member)
  sandbox.convert(second)
  sandbox.remove('Lead', third)
  const rows = '/sobjects/Lead'
  const answers: [string, { status: number; json: Json }][] = [
    ['required_field', await client.post(rows, {})],
    ['string_too_long', await client.post(rows, { ...base, FirstName: 'x'.repeat(41) })],
    ['invalid_email', await client.post(rows, { ...base, Email: 'foo@' })],
    ['validation_rule', await client.post(rows, { ...base, Title: 'Broke' })],
    ['duplicate_rule', await client.post(rows, { ...base, Email: 'SAME@example.com' })],
    ['duplicate_value', await client.post(rows, { ...base, Hub_Id__c: 'l-1' })],
    ['campaign_member_dup', await client.post('/sobjects/CampaignMember', member)],
    ['converted_lead', await client.patch(`${rows}/${second}`, { Title: 'x' })],
    ['entity_deleted', await client.get(`${rows}/${third}`)],
    ['not_found', await client.get(`${rows}/00QSB0000000zzzAAA`)],
    ['query_malformed', await client.query('SELECT FROM Lead')],
    ['query_bad_field', await client.query('SELECT Id,Foo__c FROM Lead')],
    [
      'collection_too_many',
      await client.post('/composite/sobjects', {
        records: Array.from({ length: 201 }, () => lead('x')),
      }),
    ],
  ]
  sandbox.failNext({ kind: 'refuse-rows', everyNth: 1, code: 'UNABLE_TO_LOCK_ROW' })
  answers.push(['lock_row', await client.post(rows, base)])
  sandbox.failNext({ kind: 'status', status: 403, policy: 'ConcurrentRequests' })
  answers.push(['concurrency_limit', await client.get(rows)])
  sandbox.failNext({ kind: 'status', status: 503 })
  answers.push(['server_unavailable', await client.get(rows)])
  sandbox.failNext({ kind: 'expire-token' })
  answers.push(['session_expired', await client.get(rows)])
  sandbox.setLimits({ dailyApiRequests: 0 })
  answers.push(['daily_limit', await client.get(rows)])
  sandbox.setLimits({ dailyApiRequests: 100_000 })
  const seen = answers.map(([name, { status, json }]) => [name, status, ...codeOf(json)])
  const expected = answers.map(([name]) => {
    const { status = null, body } = fixture(name)
    return [name, status, ...codeOf(body)]
  })
  expect(seen).toEqual(expected)
})
