import { afterEach, expect, test } from 'vitest'

import { startHubspot } from './index.ts'
import type { HubspotOptions, HubspotSandbox } from './index.ts'
import { openClient } from './test-client.ts'

const CONTACTS = '/crm/objects/2026-09/contacts'
let nowMs = Date.parse('2026-11-23T20:00:00Z')
let sandbox: HubspotSandbox

async function start(options: HubspotOptions) {
  sandbox = await startHubspot({ now: () => nowMs, ...options })
  return openClient(sandbox)
}
afterEach(() => sandbox.stop())

test('the ten-second window rolls, and its headers count down', async () => {
  const client = await start({ limits: { tenSecondly: 2, daily: 1000 } })
  const first = await client.get(CONTACTS)
  expect(first.headers.get('x-hubspot-ratelimit-max')).toBe('2')
  expect(first.headers.get('x-hubspot-ratelimit-remaining')).toBe('1')
  expect(first.headers.get('x-hubspot-ratelimit-interval-milliseconds')).toBe('10000')
  expect(first.headers.get('x-hubspot-ratelimit-daily-remaining')).toBe('999')
  nowMs += 6000
  expect((await client.get(CONTACTS)).status).toBe(200)
  const refused = await client.get(CONTACTS)
  expect(refused.status).toBe(429)
  expect(refused.body).toMatchObject({
    message: 'You have reached your ten_secondly_rolling limit.',
    errorType: 'RATE_LIMIT',
    policyName: 'TEN_SECONDLY_ROLLING',
  })
  expect(refused.headers.get('x-hubspot-ratelimit-remaining')).toBe('0')
  expect(refused.headers.get('retry-after')).toBeNull()
  nowMs += 4000
  expect((await client.get(CONTACTS)).status).toBe(200)
  expect((await client.get(CONTACTS)).status).toBe(429)
})

test('the daily limit lasts until midnight where the account is', async () => {
  const client = await start({ limits: { daily: 1 }, settings: { timeZone: 'US/Eastern' } })
  expect((await client.get(CONTACTS)).status).toBe(200)
  const refused = await client.get(CONTACTS)
  expect(refused.status).toBe(429)
  expect(refused.body['policyName']).toBe('DAILY')
  // 20:00 UTC is 15:00 there; midnight is nine hours away.
  sandbox.advance(8 * 3_600_000)
  expect((await client.get(CONTACTS)).status).toBe(429)
  sandbox.advance(3_600_000)
  expect((await client.get(CONTACTS)).status).toBe(200)
})

test('search allows five calls a second, without rate headers', async () => {
  const client = await start({ settings: { sendsRetryAfter: true } })
  const search = () => client.post(`${CONTACTS}/search`, {})
  for (let i = 0; i < 5; i += 1) {
    const answer = await search()
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-hubspot-ratelimit-max')).toBeNull()
  }
  const refused = await search()
  expect(refused.status).toBe(429)
  expect(refused.body['message']).toBe('You have reached your secondly limit.')
  expect(refused.headers.get('retry-after')).toBe('1')
  sandbox.advance(1000)
  expect((await search()).status).toBe(200)
})

test('each app has a window of its own', async () => {
  const tokens = [
    { token: 'pat-one', appId: 1 },
    { token: 'pat-two', appId: 2 },
  ]
  const client = await start({ tokens, limits: { tenSecondly: 1 } })
  const other = openClient(sandbox, 'pat-two')
  expect((await client.get(CONTACTS)).status).toBe(200)
  expect((await client.get(CONTACTS)).status).toBe(429)
  expect((await other.get(CONTACTS)).status).toBe(200)
})

test('a lifted limit never refuses', async () => {
  const client = await start({ limits: { tenSecondly: null, daily: null, searchSecondly: null } })
  for (let i = 0; i < 300; i += 1) await client.post(`${CONTACTS}/search`, {})
  const answer = await client.get(CONTACTS)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('x-hubspot-ratelimit-max')).toBeNull()
})
