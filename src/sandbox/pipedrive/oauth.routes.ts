import { randomBytes } from 'node:crypto'

import { Refusal } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import type { Account, Caller } from './account.ts'

/** Pipedrive docs: OAuth. Access for an hour, codes for minutes, refresh tokens for 60 days without use. */
const ACCESS_TOKEN_S = 3599
const CODE_MS = 5 * 60_000
const REFRESH_LIFE_MS = 60 * 86_400_000
const USER_ID = 1

/** The codes that were given and not used yet, and when they end. */
export type Codes = Map<string, { redirectUri: string; scopes: string[]; expiresAtMs: number }>

/** Pipedrive docs: OAuth authorization. Open: they carry their own credentials. */
export function oauthRoutes(account: Account, codes: Codes): Route<Caller>[] {
  const on = (method: string, path: string, act: (call: Call) => Answer): Route<Caller> => ({
    method,
    path: `/oauth/${path}`,
    target: (call) => act(call),
  })
  return [
    on('GET', 'authorize', (call) => authorize(account, codes, call)),
    on('POST', 'token', (call) => issue(account, codes, call)),
    on('POST', 'revoke', (call) => revoke(account, call)),
  ]
}

/** The consent page, which here always consents at once. */
function authorize(account: Account, codes: Codes, call: Call): Answer {
  const redirectUri = call.query.get('redirect_uri') ?? ''
  if (call.query.get('client_id') !== account.oauthApp.clientId) {
    throw tokenError('Invalid client: client is invalid', 'invalid_client')
  }
  if (!account.oauthApp.redirectUris.includes(redirectUri)) {
    throw tokenError('Invalid request: `redirect_uri` is not valid', 'invalid_request')
  }
  const location = new URL(redirectUri)
  location.searchParams.set('code', giveCode(account, codes, { redirectUri, scopes: [] }))
  const state = call.query.get('state')
  if (state !== null) location.searchParams.set('state', state)
  return { status: 302, headers: { location: String(location) } }
}

/** A code as the consent page gives it; all scopes of the app unless given. */
export function giveCode(
  account: Account,
  codes: Codes,
  given: { redirectUri: string; scopes: string[] },
): string {
  const code = randomBytes(20).toString('hex')
  const scopes = given.scopes.length > 0 ? given.scopes : account.oauthApp.scopes
  codes.set(code, { ...given, scopes, expiresAtMs: account.clock.now() + CODE_MS })
  return code
}

/** Recorded in issue threads: `success` is a text here. */
function tokenError(message: string, error: string, status = 400): Refusal {
  return new Refusal({ status, body: { success: 'false', message, error } })
}

function issue(account: Account, codes: Codes, call: Call): Answer {
  const form = new URLSearchParams(call.text)
  requireClient(account, call)
  if (form.get('grant_type') === 'authorization_code') return exchangeCode(account, codes, form)
  if (form.get('grant_type') !== 'refresh_token') {
    throw tokenError('Unsupported grant type: `grant_type` is invalid', 'unsupported_grant_type')
  }
  const refreshToken = form.get('refresh_token') ?? ''
  const grant = account.state.grants.get(refreshToken)
  const nowMs = account.clock.now()
  if (!grant || grant.lastUsedAtMs + REFRESH_LIFE_MS <= nowMs) {
    throw tokenError('Invalid grant: refresh token is invalid', 'invalid_grant')
  }
  const isRotating = account.settings.rotatesRefreshTokens
  const next = isRotating ? newRefreshToken(grant.userId) : refreshToken
  account.state.commit([
    ...(isRotating ? [{ do: 'revoke', refreshToken } as const] : []),
    { do: 'grant', grant: { ...grant, refreshToken: next, lastUsedAtMs: nowMs } },
  ])
  return giveAccess(account, next, grant.scopes)
}

/** The client's own credentials, by Basic. */
function requireClient(account: Account, call: Call): void {
  const { clientId, clientSecret } = account.oauthApp
  const expected = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`
  if (call.headers.authorization === expected) return
  throw tokenError('Invalid client: client is invalid', 'invalid_client', 401)
}

function exchangeCode(account: Account, codes: Codes, form: URLSearchParams): Answer {
  const code = form.get('code') ?? ''
  const given = codes.get(code)
  const nowMs = account.clock.now()
  const isFit = given && given.expiresAtMs > nowMs && form.get('redirect_uri') === given.redirectUri
  if (!isFit) throw tokenError('Invalid grant: authorization code is invalid', 'invalid_grant')
  codes.delete(code)
  const refreshToken = newRefreshToken(USER_ID)
  const { scopes } = given
  account.state.commit([
    { do: 'grant', grant: { refreshToken, userId: USER_ID, scopes, lastUsedAtMs: nowMs } },
  ])
  return giveAccess(account, refreshToken, scopes)
}

function newRefreshToken(userId: number): string {
  return `${userId}:1:${randomBytes(20).toString('hex')}`
}

function giveAccess(account: Account, refreshToken: string, scopes: readonly string[]): Answer {
  const token = `v1u:${randomBytes(60).toString('base64url')}`
  const expiresAtMs = account.clock.now() + ACCESS_TOKEN_S * 1000
  account.state.commit([{ do: 'access', token, refreshToken, expiresAtMs }])
  return {
    status: 200,
    body: {
      access_token: token,
      token_type: 'bearer',
      refresh_token: refreshToken,
      scope: scopes.join(' '),
      expires_in: ACCESS_TOKEN_S,
      api_domain: account.baseUrl(),
    },
  }
}

function revoke(account: Account, call: Call): Answer {
  requireClient(account, call)
  const token = new URLSearchParams(call.text).get('token') ?? ''
  const refreshToken = account.state.accessTokens.get(token)?.refreshToken ?? token
  account.state.commit([{ do: 'revoke', refreshToken }])
  return { status: 200, body: { success: true } }
}
