import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { startPipedrive } from './index.ts'
import type { PipedriveSandbox } from './index.ts'
import { openClient } from './test-client.ts'

let sandbox: PipedriveSandbox
let client: ReturnType<typeof openClient>

beforeAll(async () => {
  sandbox = await startPipedrive({ limits: { tokenBurst: null, searchBurst: null } })
  client = openClient(sandbox)
})
beforeEach(() => sandbox.reset())
afterAll(() => sandbox.stop())

const create = (name = 'A') => client.post('/api/v2/persons', { name })

test('a status comes once, with the body and headers that the vendor has for it', async () => {
  const cases: [number, string | undefined, object][] = [
    [402, undefined, { errorCode: 402 }],
    [403, undefined, { error: 'Scope and URL mismatch' }],
    [404, undefined, { success: false }],
    [410, undefined, { success: false }],
    [422, undefined, { success: false }],
    [429, 'BURST', { errorCode: 429 }],
    [429, 'DAILY', { errorCode: 429 }],
    [503, undefined, { success: false }],
  ]
  for (const [status, policy, body] of cases) {
    sandbox.failNext({ kind: 'status', status, ...(policy === undefined ? {} : { policy }) })
    const answer = await client.get('/v1/users')
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject(body)
    const left = answer.headers.get('x-ratelimit-remaining')
    if (status === 429) expect(left === '0').toBe(policy === 'BURST')
    expect((await client.get('/v1/users')).status).toBe(200)
  }
})

test('a connection cut before the commit leaves nothing, after it the record', async () => {
  sandbox.failNext({ kind: 'drop-before', method: 'POST' })
  await expect(create()).rejects.toThrow('fetch failed')
  expect(sandbox.count('person')).toBe(0)
  sandbox.failNext({ kind: 'drop-after', method: 'POST' })
  await expect(create()).rejects.toThrow('fetch failed')
  expect(sandbox.count('person')).toBe(1)
})

test('every third write is lost without a word, over all calls that the fault hits', async () => {
  const path = '/api/v2/persons*'
  sandbox.failNext({ kind: 'lose-rows', everyNth: 3, count: 'until-lifted', path })
  for (let i = 0; i < 9; i += 1) expect((await create()).status).toBe(200)
  expect(sandbox.count('person')).toBe(6)
})

test('an HTML page comes instead of JSON', async () => {
  sandbox.failNext({ kind: 'html', status: 502 })
  const answer = await create()
  expect(answer.status).toBe(502)
  expect(answer.text).toContain('<html>')
})

test('faults, settings and the clock are scripted from outside, and data is put in and read', async () => {
  const control = (method: string, path: string, body?: unknown) =>
    fetch(`${sandbox.url}/__sim/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  await control('POST', 'faults', { kind: 'status', status: 500 })
  expect((await create()).status).toBe(500)
  await control('PUT', 'settings', { isOpen: false })
  expect((await create()).status).toBe(402)
  await control('PUT', 'settings', { isOpen: true })
  await control('POST', 'seed', { records: { person: [{ name: 'A' }] } })
  await control('POST', 'edit', { kind: 'person', id: '1', body: { name: 'B' } })
  const { records } = (await (await control('GET', 'records/person')).json()) as {
    records: { shown: { name: string } }[]
  }
  expect(records.map(({ shown }) => shown.name)).toEqual(['B'])
  const before = sandbox.now()
  await control('POST', 'clock/advance', { ms: 5000 })
  expect(sandbox.now() - before).toBeGreaterThanOrEqual(5000)
  expect((await control('POST', 'faults', { kind: 'nonsense' })).status).toBe(500)
})
