import { createHash, randomBytes, randomUUID } from 'node:crypto'

import { Refusal } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import type { Account, Caller } from './account.ts'
import { notFound } from './errors.ts'

/** HubSpot docs: OAuth tokens. Access tokens live for 30 minutes. */
const ACCESS_TOKEN_MS = 30 * 60_000
/** Codes are good for one use and a short time. */
const CODE_MS = 10 * 60_000
const USER_ID = 12345

interface Code {
  redirectUri: string
  scopes: string[]
  challenge: string | null
  expiresAtMs: number
}

/** The codes that were given and not used yet; they do not outlive the process. */
export type Codes = Map<string, Code>

/** HubSpot docs: OAuth quickstart; managing tokens. Open: they carry their own credentials. */
export function oauthRoutes(account: Account, codes: Codes): Route<Caller>[] {
  const dated = ['/oauth/2026-09', '/oauth/2026-03']
  return [
    on('GET', '/oauth/authorize', (call) => authorize(account, codes, call)),
    ...['/oauth/v1', ...dated].map((base) =>
      on('POST', `${base}/token`, (call) => issueTokens(account, codes, call)),
    ),
    ...dated.map((base) =>
      on('POST', `${base}/token/introspect`, (call) => introspect(account, call)),
    ),
    ...dated.map((base) => on('POST', `${base}/token/revoke`, (call) => revoke(account, call))),
    on('GET', '/oauth/v1/access-tokens/{token}', (call) => describeAccess(account, call)),
    on('GET', '/oauth/v1/refresh-tokens/{token}', (call) => describeRefresh(account, call)),
    on('DELETE', '/oauth/v1/refresh-tokens/{token}', (call) => {
      account.state.commit([{ do: 'revoke', refreshToken: call.params['token'] ?? '' }])
      return { status: 204 }
    }),
  ]
}

function on(method: string, path: string, act: (call: Call) => Answer): Route<Caller> {
  return { method, path, target: (call) => act(call) }
}

/** The consent page, which here always consents at once. HubSpot docs: OAuth, authorize URL. */
function authorize(account: Account, codes: Codes, call: Call): Answer {
  const redirectUri = call.query.get('redirect_uri') ?? ''
  if (call.query.get('client_id') !== account.oauthApp.clientId) {
    throw tokenError('BAD_CLIENT_ID', 'missing or unknown client id', 'invalid_client')
  }
  if (!account.oauthApp.redirectUris.includes(redirectUri)) {
    throw tokenError('BAD_REDIRECT_URI', 'missing or unknown redirect URI', 'invalid_request')
  }
  const scopes = (call.query.get('scope') ?? '').split(' ').filter(Boolean)
  const challenge = call.query.get('code_challenge')
  const location = new URL(redirectUri)
  location.searchParams.set('code', giveCode(account, codes, { redirectUri, scopes, challenge }))
  const state = call.query.get('state')
  if (state !== null) location.searchParams.set('state', state)
  return { status: 302, headers: { location: String(location) } }
}

/** A code as the consent page gives it. */
export function giveCode(
  account: Account,
  codes: Codes,
  given: { redirectUri: string; scopes: string[]; challenge: string | null },
): string {
  const code = `na1-${randomUUID()}`
  const scopes = given.scopes.length > 0 ? given.scopes : account.oauthApp.scopes
  codes.set(code, { ...given, scopes, expiresAtMs: account.clock.now() + CODE_MS })
  return code
}

/** HubSpot docs: OAuth errors. A status of its own instead of `error`. */
function tokenError(status: string, message: string, error: string, description = message) {
  return new Refusal({
    status: 400,
    body: {
      status,
      message,
      correlationId: randomUUID(),
      error,
      error_description: description,
    },
  })
}

/** HubSpot docs: OAuth, exchange a code or a refresh token. Credentials stand in the form body. */
function issueTokens(account: Account, codes: Codes, call: Call): Answer {
  const form = new URLSearchParams(call.text)
  const { clientId, clientSecret } = account.oauthApp
  const grantType = form.get('grant_type')
  if (grantType !== 'authorization_code' && grantType !== 'refresh_token') {
    throw tokenError('BAD_GRANT_TYPE', 'missing or unknown grant type', 'unsupported_grant_type')
  }
  if (form.get('client_id') !== clientId) {
    throw tokenError('BAD_CLIENT_ID', 'missing or unknown client id', 'invalid_client')
  }
  if (form.get('client_secret') !== clientSecret) {
    const message = 'missing or invalid client secret'
    throw tokenError('BAD_CLIENT_SECRET', message, 'invalid_client', 'client secret is invalid')
  }
  if (account.isHubBlocked) {
    throw tokenError('BAD_HUB', 'the account is not available to this app', 'access_denied')
  }
  if (grantType === 'authorization_code') return exchangeCode(account, codes, form)
  const refreshToken = form.get('refresh_token') ?? ''
  if (!account.state.grants.has(refreshToken)) {
    throw tokenError(
      'BAD_REFRESH_TOKEN',
      'missing or invalid refresh token',
      'invalid_grant',
      'refresh token is invalid, expired or revoked',
    )
  }
  return giveAccess(account, refreshToken)
}

function exchangeCode(account: Account, codes: Codes, form: URLSearchParams): Answer {
  const code = form.get('code') ?? ''
  const given = codes.get(code)
  const verifier = form.get('code_verifier') ?? ''
  const hash = createHash('sha256').update(verifier).digest('base64url')
  const isProven = given?.challenge === null || given?.challenge === hash
  if (!given || given.expiresAtMs <= account.clock.now() || !isProven) {
    throw tokenError(
      'BAD_AUTH_CODE',
      'missing or unknown auth code',
      'invalid_grant',
      'auth code is invalid or expired',
    )
  }
  if (form.get('redirect_uri') !== given.redirectUri) {
    throw tokenError('BAD_REDIRECT_URI', 'missing or mismatching redirect URI', 'invalid_grant')
  }
  codes.delete(code)
  const refreshToken = `na1-${randomUUID()}`
  const grant = { refreshToken, userId: USER_ID, scopes: given.scopes }
  account.state.commit([{ do: 'grant', grant }])
  return giveAccess(account, refreshToken)
}

/** HubSpot docs: access tokens are 300 characters and longer; the refresh token stays the same. */
function giveAccess(account: Account, refreshToken: string): Answer {
  const token = `C${randomBytes(240).toString('base64url')}`
  const expiresAtMs = account.clock.now() + ACCESS_TOKEN_MS
  account.state.commit([{ do: 'access', token, refreshToken, expiresAtMs }])
  const grant = account.state.grants.get(refreshToken)
  return {
    status: 200,
    body: {
      token_type: 'bearer',
      refresh_token: refreshToken,
      access_token: token,
      hub_id: account.settings.portalId,
      scopes: grant?.scopes ?? [],
      expires_in: ACCESS_TOKEN_MS / 1000,
      user_id: grant?.userId ?? USER_ID,
      token_use: 'access_token',
    },
  }
}

/** What is known of a live access token. */
function findAccess(account: Account, token: string) {
  const access = account.state.accessTokens.get(token)
  const grant = access && account.state.grants.get(access.refreshToken)
  const nowMs = account.clock.now()
  if (!access || !grant || access.expiresAtMs <= nowMs) return null
  return { grant, expiresInSeconds: Math.floor((access.expiresAtMs - nowMs) / 1000) }
}

function introspect(account: Account, call: Call): Answer {
  const token = new URLSearchParams(call.text).get('token') ?? ''
  const access = findAccess(account, token)
  const grant = access?.grant ?? account.state.grants.get(token)
  if (!grant) return { status: 200, body: { active: false } }
  return {
    status: 200,
    body: {
      active: true,
      token_use: access ? 'access_token' : 'refresh_token',
      token_type: 'bearer',
      client_id: account.oauthApp.clientId,
      app_id: account.oauthApp.appId,
      hub_id: account.settings.portalId,
      user_id: grant.userId,
      scopes: grant.scopes,
      ...(access ? { expires_in: access.expiresInSeconds } : {}),
    },
  }
}

function revoke(account: Account, call: Call): Answer {
  const refreshToken = new URLSearchParams(call.text).get('token') ?? ''
  account.state.commit([{ do: 'revoke', refreshToken }])
  return { status: 200, body: {} }
}

function describeAccess(account: Account, call: Call): Answer {
  const token = call.params['token'] ?? ''
  const access = findAccess(account, token)
  if (!access) throw notFound('access token not found')
  return {
    status: 200,
    body: {
      token,
      user: 'sandbox@example.com',
      hub_domain: 'sandbox.example.com',
      scopes: access.grant.scopes,
      hub_id: account.settings.portalId,
      app_id: account.oauthApp.appId,
      expires_in: access.expiresInSeconds,
      user_id: access.grant.userId,
      token_type: 'access',
    },
  }
}

function describeRefresh(account: Account, call: Call): Answer {
  const token = call.params['token'] ?? ''
  const grant = account.state.grants.get(token)
  if (!grant) throw notFound('refresh token not found')
  return {
    status: 200,
    body: {
      token,
      user: 'sandbox@example.com',
      hub_domain: 'sandbox.example.com',
      scopes: grant.scopes,
      hub_id: account.settings.portalId,
      client_id: account.oauthApp.clientId,
      user_id: grant.userId,
      token_type: 'refresh',
    },
  }
}
