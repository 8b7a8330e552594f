import { afterEach, beforeEach, expect, test } from 'vitest'

import { startPipedrive } from './index.ts'
import type { PipedriveSandbox } from './index.ts'
import { openClient } from './test-client.ts'

let nowMs = Date.parse('2026-11-23T10:00:00Z')
let sandbox: PipedriveSandbox
let client: ReturnType<typeof openClient>

beforeEach(async () => {
  sandbox = await startPipedrive({ now: () => nowMs, plan: 'lite', seats: 1 })
  client = openClient(sandbox)
})
afterEach(() => sandbox.stop())

test('the 21st call within two seconds is refused, and says that nothing is left', async () => {
  for (let i = 0; i < 20; i += 1) expect((await client.get('/v1/users/me')).status).toBe(200)
  const refused = await client.get('/v1/users/me')
  expect(refused.status).toBe(429)
  expect(refused.headers.get('x-ratelimit-remaining')).toBe('0')
  expect(refused.headers.get('retry-after')).toBe(null)
  nowMs += 2000
  expect((await client.get('/v1/users/me')).status).toBe(200)
})

test('searches have ten calls of their own', async () => {
  const search = () => client.get('/api/v2/persons/search?term=ada')
  for (let i = 0; i < 10; i += 1) expect((await search()).status).toBe(200)
  expect((await search()).status).toBe(429)
  expect((await client.get('/v1/users/me')).status).toBe(200)
})

test('the day’s tokens are spent by cost; beyond them calls are refused with room in the window', async () => {
  sandbox.setLimits({ daily: 12 })
  await client.post('/api/v2/persons', { name: 'A' })
  await client.post('/api/v2/persons', { name: 'B' })
  expect(sandbox.usage()).toMatchObject({ spent: 10, budget: 12 })
  const refused = await client.post('/api/v2/persons', { name: 'C' })
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('x-ratelimit-remaining'))).toBeGreaterThan(0)
  expect((await client.get('/api/v2/persons/1')).status).toBe(200)
  nowMs += 86_400_000
  expect((await client.post('/api/v2/persons', { name: 'C' })).status).toBe(200)
  expect(sandbox.usage()).toMatchObject({ spent: 5, peak: 11 })
})

test('who ignores refusals is blocked in HTML for a while', async () => {
  sandbox.setLimits({ daily: 0, tokenBurst: null, refusalsBeforeBlock: 3 })
  for (let i = 0; i < 3; i += 1) expect((await client.get('/v1/users')).status).toBe(429)
  const blocked = await client.get('/v1/users')
  expect(blocked.status).toBe(403)
  expect(blocked.headers.get('content-type')).toBe('text/html')
  sandbox.setLimits({ daily: null })
  expect((await client.get('/v1/users')).status).toBe(200)
})
