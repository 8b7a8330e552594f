import { createHash } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { textOf } from '#sandbox/json.ts'
import { startHubspot } from './index.ts'
import type { HubspotSandbox } from './index.ts'
import { openClient } from './test-client.ts'

const TOKEN = '/oauth/2026-09/token'
let sandbox: HubspotSandbox
let client: ReturnType<typeof openClient>

beforeAll(async () => {
  sandbox = await startHubspot()
  client = openClient(sandbox)
})
beforeEach(() => {
  sandbox.reset()
  sandbox.blockHub(false)
})
afterAll(() => sandbox.stop())

const credentials = () => ({
  client_id: sandbox.oauthApp.clientId,
  client_secret: sandbox.oauthApp.clientSecret,
})
const exchange = (code: string, more: Record<string, string> = {}) =>
  client.form(TOKEN, {
    grant_type: 'authorization_code',
    redirect_uri: sandbox.oauthApp.redirectUris[0] ?? '',
    code,
    ...credentials(),
    ...more,
  })
const refresh = (refreshToken: string, more: Record<string, string> = {}) =>
  client.form(TOKEN, {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    ...credentials(),
    ...more,
  })

test('an access token ends after 30 minutes and a refresh gives another', async () => {
  const given = await exchange(sandbox.authorize())
  expect(given.body).toMatchObject({ expires_in: 1800, token_type: 'bearer', hub_id: 62515 })
  const app = openClient(sandbox, textOf(given.body['access_token']) ?? '')
  sandbox.advance(30 * 60_000 - 1000)
  const live = await app.get('/crm/objects/2026-09/contacts')
  expect(live.status).toBe(200)
  expect(live.headers.get('x-hubspot-ratelimit-daily')).toBeNull()
  sandbox.advance(12 * 60_000)
  const expired = await app.get('/crm/objects/2026-09/contacts')
  expect(expired.status).toBe(401)
  expect(expired.body['category']).toBe('EXPIRED_AUTHENTICATION')
  const again = await refresh(textOf(given.body['refresh_token']) ?? '')
  expect(again.body['refresh_token']).toBe(given.body['refresh_token'])
  const renewed = openClient(sandbox, textOf(again.body['access_token']) ?? '')
  expect((await renewed.get('/crm/objects/2026-09/contacts')).status).toBe(200)
})

test('each wrong part of a token request has its own status', async () => {
  const code = sandbox.authorize()
  const cases: [string, Promise<{ status: number; body: object }>][] = [
    ['BAD_GRANT_TYPE', refresh('x', { grant_type: 'password' })],
    ['BAD_CLIENT_ID', refresh('x', { client_id: 'x' })],
    ['BAD_CLIENT_SECRET', refresh('x', { client_secret: 'x' })],
    ['BAD_REFRESH_TOKEN', refresh('x')],
    ['BAD_AUTH_CODE', exchange('x')],
    ['BAD_REDIRECT_URI', exchange(code, { redirect_uri: 'https://elsewhere' })],
  ]
  for (const [status, answer] of cases) {
    expect(await answer, status).toMatchObject({ status: 400, body: { status } })
  }
  sandbox.blockHub(true)
  expect((await refresh('x')).body).toMatchObject({ status: 'BAD_HUB', error: 'access_denied' })
})

test('a code is good once, and only with its verifier', async () => {
  const verifier = 'a'.repeat(43)
  const codeChallenge = createHash('sha256').update(verifier).digest('base64url')
  const code = sandbox.authorize({ codeChallenge })
  expect((await exchange(code)).body['status']).toBe('BAD_AUTH_CODE')
  expect((await exchange(code, { code_verifier: verifier })).status).toBe(200)
  const again = await exchange(code, { code_verifier: verifier })
  expect(again.body['status']).toBe('BAD_AUTH_CODE')
})

test('the consent page sends the browser back with a code and the state', async () => {
  const redirectUri = sandbox.oauthApp.redirectUris[0] ?? ''
  const query = new URLSearchParams({
    client_id: sandbox.oauthApp.clientId,
    redirect_uri: redirectUri,
    scope: 'oauth crm.objects.contacts.read',
    state: 's1',
  })
  const page = await fetch(`${sandbox.url}/oauth/authorize?${query}`, { redirect: 'manual' })
  const location = new URL(page.headers.get('location') ?? '')
  expect(location.searchParams.get('state')).toBe('s1')
  const given = await exchange(location.searchParams.get('code') ?? '')
  const app = openClient(sandbox, textOf(given.body['access_token']) ?? '')
  expect((await app.get('/crm/objects/2026-09/contacts')).status).toBe(200)
  const refused = await app.get('/crm/objects/2026-09/deals')
  expect(refused.status).toBe(403)
  expect(refused.body).toMatchObject({
    category: 'MISSING_SCOPES',
    errors: [{ context: { requiredGranularScopes: ['crm.objects.deals.read'] } }],
  })
})

test('an uninstalled app has dead tokens', async () => {
  const given = await exchange(sandbox.authorize())
  sandbox.revokeGrants()
  expect((await refresh(textOf(given.body['refresh_token']) ?? '')).body['status']).toBe(
    'BAD_REFRESH_TOKEN',
  )
  const app = openClient(sandbox, textOf(given.body['access_token']) ?? '')
  const refused = await app.get('/crm/objects/2026-09/contacts')
  expect(refused.body['category']).toBe('INVALID_AUTHENTICATION')
})

test('a token that expires under a call stays expired', async () => {
  const given = await exchange(sandbox.authorize())
  const app = openClient(sandbox, textOf(given.body['access_token']) ?? '')
  sandbox.failNext({ kind: 'expire-token' })
  for (let i = 0; i < 2; i += 1) {
    const refused = await app.get('/crm/objects/2026-09/contacts')
    expect(refused.body['category']).toBe('EXPIRED_AUTHENTICATION')
  }
})

test('a token can be looked up and revoked', async () => {
  const given = await exchange(sandbox.authorize())
  const token = textOf(given.body['access_token']) ?? ''
  const live = await client.form(`${TOKEN}/introspect`, { token })
  expect(live.body).toMatchObject({ active: true, hub_id: 62515 })
  await client.form(`${TOKEN}/revoke`, { token: textOf(given.body['refresh_token']) ?? '' })
  const dead = await client.form(`${TOKEN}/introspect`, { token })
  expect(dead.body).toEqual({ active: false })
})
