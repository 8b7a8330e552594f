import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { listOf, objectOf } from '#sandbox/json.ts'
import { startSalesforce } from './index.ts'
import type { SalesforceSandbox } from './index.ts'
import { openClient, textAt } from './test-client.ts'

let nowMs = Date.parse('2026-11-23T15:00:00Z')
let sandbox: SalesforceSandbox
let client: ReturnType<typeof openClient>

beforeAll(async () => {
  sandbox = await startSalesforce({ now: () => nowMs, limits: { dailyApiRequests: 1000 } })
  client = openClient(sandbox)
})
beforeEach(() => {
  sandbox.reset()
  sandbox.installHubIds()
  sandbox.setLimits({ dailyApiRequests: 1000, dailyBulkApiBatches: 15_000 })
})
afterAll(() => sandbox.stop())

const rows = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({
    attributes: { type: 'Lead' },
    Hub_Id__c: `l-${from + i}`,
    LastName: `L${from + i}`,
    Company: 'Acme',
  }))
const upsert = (records: object[]) =>
  client.patch('/composite/sobjects/Lead/Hub_Id__c', { records })
const successes = (json: unknown) =>
  listOf(json as never).filter((row) => objectOf(row)['success'] === true).length

async function load(csv: string, operation = 'upsert') {
  const job = { object: 'Lead', operation, externalIdFieldName: 'Hub_Id__c', lineEnding: 'LF' }
  const id = textAt((await client.post('/jobs/ingest', job)).json, 'id')
  await client.put(`/jobs/ingest/${id}/batches`, csv)
  await client.patch(`/jobs/ingest/${id}`, { state: 'UploadComplete' })
  const info = async () => objectOf((await client.get(`/jobs/ingest/${id}`)).json)
  const file = async (name: string) => (await client.get(`/jobs/ingest/${id}/${name}`)).text
  return { id, info, file }
}

test('lost rows are answered as written over many calls, and are not there', async () => {
  sandbox.failNext({ kind: 'lose-rows', everyNth: 300, count: 'until-lifted' })
  for (let from = 0; from < 1000; from += 200) {
    expect(successes((await upsert(rows(200, from))).json)).toBe(200)
  }
  const there = new Set([...sandbox.records('Lead')].map(({ values }) => values['Hub_Id__c']))
  const missing = rows(1000).filter(({ Hub_Id__c }) => !there.has(Hub_Id__c))
  expect(missing.map(({ Hub_Id__c }) => Hub_Id__c)).toEqual(['l-299', 'l-599', 'l-899'])
})

test('locked rows fail alone, in collections and in files', async () => {
  const lock = { kind: 'refuse-rows', code: 'UNABLE_TO_LOCK_ROW', everyNth: 4 } as const
  sandbox.failNext(lock)
  const { json } = await upsert(rows(8))
  expect(listOf(json).map((row) => objectOf(row)['success'])).toEqual([
    true,
    true,
    true,
    false,
    true,
    true,
    true,
    false,
  ])
  sandbox.failNext({ ...lock, path: '*/batches' })
  const job = await load('Hub_Id__c,LastName,Company\nl-20,A,B\nl-21,A,B\nl-22,A,B\nl-23,A,B\n')
  expect(await job.info()).toMatchObject({ state: 'JobComplete', numberRecordsFailed: 1 })
  expect(await job.file('failedResults')).toContain('"UNABLE_TO_LOCK_ROW:unable to obtain')
})

test('the allocation of 24 hours is used up, and comes back hour by hour', async () => {
  sandbox.setLimits({ dailyApiRequests: 3 })
  const first = await client.get('/limits')
  expect(first.headers.get('sforce-limit-info')).toBe('api-usage=1/3')
  await client.get('/limits')
  nowMs += 2 * 3_600_000
  await client.get('/limits')
  const refused = await client.get('/limits')
  expect(refused.status).toBe(403)
  expect(refused.headers.get('sforce-limit-info')).toBe('api-usage=3/3')
  expect(refused.headers.get('retry-after')).toBeNull()
  nowMs += 22 * 3_600_000
  expect((await client.get('/limits')).status).toBe(200)
})

test('a session is over after the time without a call, or when the fault says so', async () => {
  const token = await client.form('/services/oauth2/token', {
    grant_type: 'client_credentials',
    client_id: sandbox.oauthApp.clientId,
    client_secret: sandbox.oauthApp.clientSecret,
  })
  const session = openClient(sandbox, textAt(token.json, 'access_token'))
  nowMs += sandbox.settings.sessionTimeoutMs - 1000
  expect((await session.get('/limits')).status).toBe(200)
  nowMs += sandbox.settings.sessionTimeoutMs
  expect((await session.get('/limits')).status).toBe(401)
  sandbox.failNext({ kind: 'expire-token', after: 1 })
  expect((await client.get('/limits')).status).toBe(200)
  expect((await client.get('/limits')).status).toBe(401)
})

test('a rotated refresh token is good once, and its second use ends the grant', async () => {
  sandbox.oauthApp.rotatesRefreshTokens = true
  const { clientId, clientSecret, redirectUris } = sandbox.oauthApp
  const ask = (form: Record<string, string>) =>
    client.form('/services/oauth2/token', {
      client_id: clientId,
      client_secret: clientSecret,
      ...form,
    })
  const given = await ask({
    grant_type: 'authorization_code',
    code: sandbox.authorize(),
    redirect_uri: redirectUris[0] ?? '',
  })
  const first = textAt(given.json, 'refresh_token')
  const renewed = await ask({ grant_type: 'refresh_token', refresh_token: first })
  const second = textAt(renewed.json, 'refresh_token')
  expect(second).not.toBe(first)
  expect((await ask({ grant_type: 'refresh_token', refresh_token: first })).status).toBe(400)
  expect((await ask({ grant_type: 'refresh_token', refresh_token: second })).status).toBe(400)
  sandbox.oauthApp.rotatesRefreshTokens = false
})

test('a job takes its time, and its rows are there when it says so', async () => {
  sandbox.settings.bulkDelayMs = 60_000
  const job = await load('Hub_Id__c,LastName,Company\nl-1,A,B\n')
  expect((await job.info())['state']).toBe('InProgress')
  expect(sandbox.count('Lead')).toBe(0)
  nowMs += 60_000
  expect(sandbox.count('Lead')).toBe(1)
  expect((await job.info())['state']).toBe('JobComplete')
  sandbox.settings.bulkDelayMs = 0
})

test('a job that breaks off leaves the rest unprocessed, and a wrong column all of it', async () => {
  sandbox.settings.bulkFailsAfterRows = 2
  const broken = await load('Hub_Id__c,LastName,Company\nl-1,A,B\nl-2,,B\nl-3,A,B\nl-4,A,B\n')
  expect(await broken.info()).toMatchObject({ state: 'Failed', numberRecordsProcessed: 2 })
  expect((await broken.file('successfulResults')).split('\n')).toHaveLength(3)
  expect((await broken.file('failedResults')).split('\n')).toHaveLength(3)
  expect(await broken.file('unprocessedrecords')).toBe(
    '"Hub_Id__c","LastName","Company"\n"l-3","A","B"\n"l-4","A","B"\n',
  )
  const unknown = await load('Hub_Id__c,Nope__c\nl-9,A\n')
  expect(await unknown.info()).toMatchObject({
    state: 'Failed',
    errorMessage: 'InvalidBatch : Field name not found : Nope__c',
  })
  const crlf = await load('Hub_Id__c,LastName,Company\r\nl-9,A,B\r\n')
  expect((await crlf.info())['state']).toBe('Failed')
})

test('in a file nothing leaves a field as it is, and #N/A empties it', async () => {
  const [id = ''] =
    sandbox.seed({
      records: {
        Lead: [{ LastName: 'A', Company: 'B', Title: 'T', Phone: '1', Hub_Id__c: 'l-1' }],
      },
    })['Lead'] ?? []
  await (await load('Hub_Id__c,Title,Phone\nl-1,,#N/A\n')).info()
  expect(sandbox.read('Lead', id, 'Title')).toBe('T')
  expect(sandbox.read('Lead', id, 'Phone')).toBeNull()
})

test('all of it can be done from outside the process too', async () => {
  await client.control('POST', 'install', { objects: ['Lead'] })
  const seed = { records: { Lead: [{ LastName: 'A', Company: 'B' }] } }
  const seeded = await client.control('POST', 'seed', seed)
  const [id] = objectOf(objectOf(seeded.json)['ids'])['Lead'] as string[]
  await client.control('POST', 'edit', { type: 'Lead', id, values: { Title: 'CEO' } })
  const records = await client.control('GET', 'records/Lead')
  expect(objectOf(records.json)['records']).toMatchObject([{ id, values: { Title: 'CEO' } }])
  await client.control('POST', 'faults', { kind: 'status', status: 503 })
  expect((await client.get('/limits')).status).toBe(503)
  await client.control('POST', 'spend', { calls: 10 })
  const { headers } = await client.get('/limits')
  expect(headers.get('sforce-limit-info')).toBe('api-usage=11/1000')
  expect(objectOf((await client.control('GET', 'calls')).json)['total']).toBe(2)
  await client.control('POST', 'convert', { id })
  await client.control('POST', 'remove', { type: 'Lead', id, how: 'vanish' })
  expect((await client.control('GET', 'counts/Lead')).json).toEqual({ live: 0 })
  expect((await client.control('GET', 'counts/Contact')).json).toEqual({ live: 1 })
  const wrong = await client.control('POST', 'faults', { kind: 'nonsense' })
  expect(wrong.status).toBe(500)
})

test('every acknowledged write survives a kill -9 of the standalone sandbox', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'salesforce-sandbox-'))
  const file = join(folder, 'state.jsonl')
  const main = join(import.meta.dirname, '..', 'main.ts')
  const start = async () => {
    const args = [main, '--vendor', 'salesforce', '--port', '0', '--state', file, '--no-limits']
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    const [, url = '', token = ''] = line.split(' ')
    return { child, client: openClient({ url, token }) }
  }
  const first = await start()
  await first.client.control('POST', 'install', {})
  const writes = { records: rows(150) }
  const answer = await first.client.patch('/composite/sobjects/Lead/Hub_Id__c', writes)
  expect(successes(answer.json)).toBe(150)
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  const second = await start()
  expect((await second.client.control('GET', 'counts/Lead')).json).toEqual({ live: 150 })
  const again = await second.client.patch('/composite/sobjects/Lead/Hub_Id__c', {
    records: [...rows(1), ...rows(1, 900)],
  })
  expect(listOf(again.json).map((row) => objectOf(row)['created'])).toEqual([false, true])
  second.child.kill('SIGTERM')
  const [code] = (await once(second.child, 'exit')) as [number | null]
  rmSync(folder, { recursive: true })
  expect(code).toBe(0)
})
