import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { objectOf } from '#sandbox/json.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import { startPipedrive } from './index.ts'
import type { PipedriveSandbox } from './index.ts'

let nowMs = Date.parse('2026-11-23T10:00:00Z')
let sandbox: PipedriveSandbox

beforeAll(async () => {
  sandbox = await startPipedrive({ now: () => nowMs })
})
beforeEach(() => sandbox.reset())
afterAll(() => sandbox.stop())

async function ask(form: Record<string, string>): Promise<{ status: number; body: JsonObject }> {
  const { clientId, clientSecret } = sandbox.oauthApp
  const credentials = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
  const response = await fetch(`${sandbox.url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams(form),
  })
  return { status: response.status, body: objectOf((await response.json()) as Json) }
}

const exchange = (code: string) =>
  ask({
    grant_type: 'authorization_code',
    code,
    redirect_uri: sandbox.oauthApp.redirectUris[0] ?? '',
  })
const renew = (token: unknown) => ask({ grant_type: 'refresh_token', refresh_token: String(token) })

async function statusOf(path: string, accessToken: unknown): Promise<number> {
  const headers = { authorization: `Bearer ${String(accessToken)}` }
  return (await fetch(sandbox.url + path, { headers })).status
}

test('a code is good once, access for an hour', async () => {
  const code = sandbox.authorize()
  const { body } = await exchange(code)
  expect((await exchange(code)).body).toMatchObject({ success: 'false', error: 'invalid_grant' })
  expect(await statusOf('/api/v2/deals', body['access_token'])).toBe(200)
  nowMs += 3_599_000
  expect(await statusOf('/api/v2/deals', body['access_token'])).toBe(401)
  const again = await renew(body['refresh_token'])
  expect(again.body['refresh_token']).toBe(body['refresh_token'])
  expect(await statusOf('/api/v2/deals', again.body['access_token'])).toBe(200)
})

test('a refresh token dies of 60 idle days, of a revocation and, where they rotate, of its use', async () => {
  const { body } = await exchange(sandbox.authorize())
  nowMs += 60 * 86_400_000
  expect((await renew(body['refresh_token'])).status).toBe(400)
  const second = await exchange(sandbox.authorize())
  sandbox.settings.rotatesRefreshTokens = true
  const rotated = await renew(second.body['refresh_token'])
  expect(rotated.body['refresh_token']).not.toBe(second.body['refresh_token'])
  expect((await renew(second.body['refresh_token'])).status).toBe(400)
  sandbox.settings.rotatesRefreshTokens = false
  sandbox.revokeGrants()
  expect((await renew(rotated.body['refresh_token'])).status).toBe(400)
  expect(await statusOf('/api/v2/deals', rotated.body['access_token'])).toBe(401)
})

test('access reaches what its scopes name', async () => {
  const { body } = await exchange(sandbox.authorize({ scopes: ['base', 'deals:read'] }))
  const token = body['access_token']
  expect(await statusOf('/api/v2/deals', token)).toBe(200)
  expect(await statusOf('/v1/users/me', token)).toBe(200)
  expect(await statusOf('/api/v2/persons', token)).toBe(403)
  expect(await statusOf('/v1/webhooks', token)).toBe(403)
})

test('the consent page sends back to a known address only', async () => {
  const { clientId, redirectUris } = sandbox.oauthApp
  const visit = (redirect: string) =>
    fetch(
      `${sandbox.url}/oauth/authorize?${new URLSearchParams({ client_id: clientId, redirect_uri: redirect, state: 's' })}`,
      { redirect: 'manual' },
    )
  const answer = await visit(redirectUris[0] ?? '')
  expect(answer.status).toBe(302)
  expect(answer.headers.get('location')).toContain('state=s')
  expect((await visit('https://evil.example')).status).toBe(400)
})
