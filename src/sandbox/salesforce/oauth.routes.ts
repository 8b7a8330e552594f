import { createHash, createVerify, randomBytes } from 'node:crypto'

import { objectOf, numberOf, textOf } from '#sandbox/json.ts'
import { Refusal, parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { useSession } from './authenticate.ts'
import type { Caller, Org } from './org.ts'

/** Salesforce docs: authorization codes live for 15 minutes and are good for one use. */
const CODE_MS = 15 * 60_000
/** Salesforce docs: JWT bearer flow, `exp` within 3 minutes. */
const ASSERTION_MS = 3 * 60_000

interface Code {
  userId: string
  redirectUri: string
  scopes: string[]
  challenge: string | null
  expiresAtMs: number
}

/** The codes that were given and not used yet, and refresh tokens that were rotated away. */
export interface OauthMemory {
  codes: Map<string, Code>
  /** Old refresh token by the one that took its place. */
  spent: Map<string, string>
}

/** Salesforce docs: OAuth authorization flows. Open: they carry their own credentials. */
export function oauthRoutes(org: Org, memory: OauthMemory): Route<Caller>[] {
  const on = (method: string, path: string, act: (call: Call) => Answer): Route<Caller> => ({
    method,
    path: `/services/oauth2/${path}`,
    target: (call) => act(call),
  })
  return [
    on('GET', 'authorize', (call) => authorize(org, memory, call)),
    on('POST', 'token', (call) => issueToken(org, memory, call)),
    on('POST', 'revoke', (call) => revoke(org, call)),
    on('POST', 'introspect', (call) => introspect(org, call)),
    on('GET', 'userinfo', (call) => userInfo(org, call)),
    { method: 'GET', path: '/id/{org}/{user}', target: (call) => identity(org, call) },
  ]
}

/** The token endpoint answers 400 to everything it refuses. */
function oauthError(error: string, description: string): Refusal {
  return new Refusal({ status: 400, body: { error, error_description: description } })
}

/** The consent page, which here always consents at once. */
function authorize(org: Org, memory: OauthMemory, call: Call): Answer {
  const redirectUri = call.query.get('redirect_uri') ?? ''
  if (call.query.get('client_id') !== org.oauthApp.clientId) {
    throw oauthError('invalid_client_id', 'client identifier invalid')
  }
  if (!org.oauthApp.redirectUris.includes(redirectUri)) {
    throw oauthError('redirect_uri_mismatch', 'redirect_uri must match configuration')
  }
  const scopes = (call.query.get('scope') ?? '').split(' ').filter(Boolean)
  const challenge = call.query.get('code_challenge')
  const location = new URL(redirectUri)
  location.searchParams.set('code', giveCode(org, memory, { redirectUri, scopes, challenge }))
  const state = call.query.get('state')
  if (state !== null) location.searchParams.set('state', state)
  return { status: 302, headers: { location: String(location) } }
}

/** A code as the consent page gives it. */
export function giveCode(
  org: Org,
  memory: OauthMemory,
  given: { redirectUri: string; scopes: string[]; challenge: string | null; userId?: string },
): string {
  const code = `aPrx${randomBytes(36).toString('base64url')}`
  const scopes = given.scopes.length > 0 ? given.scopes : org.oauthApp.scopes
  const expiresAtMs = org.clock.now() + CODE_MS
  memory.codes.set(code, { userId: org.adminId, ...given, scopes, expiresAtMs })
  return code
}

function issueToken(org: Org, memory: OauthMemory, call: Call): Answer {
  const form = new URLSearchParams(call.text)
  switch (form.get('grant_type')) {
    case 'authorization_code':
      return exchangeCode(org, memory, call, form)
    case 'refresh_token':
      return refresh(org, memory, call, form)
    case 'client_credentials':
      return clientCredentials(org, call, form)
    case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
      return jwtBearer(org, call, form)
    case null:
    default:
      throw oauthError('unsupported_grant_type', 'grant type not supported')
  }
}

function requireClient(org: Org, call: Call, form: URLSearchParams): void {
  const basic = /^Basic (.+)$/.exec(call.headers.authorization ?? '')?.[1]
  const [basicId, basicSecret] = basic
    ? Buffer.from(basic, 'base64').toString('utf8').split(':').map(decodeURIComponent)
    : []
  if ((form.get('client_id') ?? basicId) !== org.oauthApp.clientId) {
    throw oauthError('invalid_client_id', 'client identifier invalid')
  }
  if ((form.get('client_secret') ?? basicSecret) !== org.oauthApp.clientSecret) {
    throw oauthError('invalid_client', 'invalid client credentials')
  }
}

function exchangeCode(org: Org, memory: OauthMemory, call: Call, form: URLSearchParams): Answer {
  requireClient(org, call, form)
  const code = form.get('code') ?? ''
  const given = memory.codes.get(code)
  memory.codes.delete(code)
  if (!given || given.expiresAtMs <= org.clock.now()) {
    throw oauthError('invalid_grant', 'expired authorization code')
  }
  const hash = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')
  if (given.challenge !== null && given.challenge !== hash) {
    throw oauthError('invalid_grant', 'invalid code verifier')
  }
  if (form.get('redirect_uri') !== given.redirectUri) {
    throw oauthError('redirect_uri_mismatch', 'redirect_uri must match configuration')
  }
  const { userId, scopes } = given
  if (!scopes.includes('refresh_token') && !scopes.includes('offline_access')) {
    return openSession(org, call, { userId, scopes, refreshToken: null })
  }
  const refreshToken = newRefreshToken()
  org.state.commit([{ do: 'grant', grant: { refreshToken, userId, scopes } }])
  const answer = openSession(org, call, { userId, scopes, refreshToken })
  return withRefreshToken(answer, refreshToken)
}

/** Salesforce docs: refresh token rotation; a spent token that comes again revokes the grant. */
function refresh(org: Org, memory: OauthMemory, call: Call, form: URLSearchParams): Answer {
  requireClient(org, call, form)
  const refreshToken = form.get('refresh_token') ?? ''
  const successor = memory.spent.get(refreshToken)
  if (successor !== undefined) org.state.commit([{ do: 'revoke', refreshToken: successor }])
  const grant = org.state.grants.get(refreshToken)
  if (!grant) throw oauthError('invalid_grant', 'expired access/refresh token')
  if (org.state.table('User').find(grant.userId)?.values['IsActive'] !== true) {
    throw oauthError('inactive_user', 'user is inactive')
  }
  if (!org.oauthApp.rotatesRefreshTokens) return openSession(org, call, grant)
  const next = newRefreshToken()
  org.state.commit([
    { do: 'grant', grant: { ...grant, refreshToken: next } },
    { do: 'revoke', refreshToken },
  ])
  memory.spent.set(refreshToken, next)
  return withRefreshToken(openSession(org, call, { ...grant, refreshToken: next }), next)
}

function clientCredentials(org: Org, call: Call, form: URLSearchParams): Answer {
  requireClient(org, call, form)
  const userId = org.oauthApp.runAsUserId
  if (userId === null) throw oauthError('invalid_grant', 'no client credentials user enabled')
  return openSession(org, call, { userId, scopes: ['api'], refreshToken: null })
}

/** Salesforce docs: OAuth 2.0 JWT bearer flow. */
function jwtBearer(org: Org, call: Call, form: URLSearchParams): Answer {
  const [header = '', payload = '', signature = ''] = (form.get('assertion') ?? '').split('.')
  const claims = objectOf(parseBody(Buffer.from(payload, 'base64url').toString('utf8')))
  if (textOf(claims['iss']) !== org.oauthApp.clientId) {
    throw oauthError('invalid_client_id', 'client identifier invalid')
  }
  const { publicKey } = org.oauthApp
  const isSigned =
    publicKey !== null &&
    createVerify('RSA-SHA256')
      .update(`${header}.${payload}`)
      .verify(publicKey, Buffer.from(signature, 'base64url'))
  if (!isSigned) throw oauthError('invalid_grant', 'invalid assertion')
  const audiences = [call.baseUrl, 'https://login.salesforce.com', 'https://test.salesforce.com']
  if (!audiences.includes((textOf(claims['aud']) ?? '').replace(/\/$/, ''))) {
    throw oauthError('invalid_grant', 'audience is invalid')
  }
  const leftMs = (numberOf(claims['exp']) ?? 0) * 1000 - org.now()
  if (leftMs <= 0 || leftMs > ASSERTION_MS) {
    throw oauthError('invalid_grant', 'assertion expired or exp is too far in the future')
  }
  const [user] = org.state.table('User').findBy('Username', textOf(claims['sub'])) ?? []
  if (user?.values['IsActive'] !== true) {
    throw oauthError('invalid_grant', "user hasn't approved this consumer")
  }
  const opened = openSession(org, call, { userId: user.id, scopes: ['api'], refreshToken: null })
  const {
    issued_at: _issued,
    signature: _signature,
    ...body
  } = opened.body as Record<string, unknown>
  return { ...opened, body }
}

function newRefreshToken(): string {
  return `5Aep861${randomBytes(48).toString('base64url')}`
}

/** There is no `expires_in`: the session lives as long as it is used. */
function openSession(
  org: Org,
  call: Call,
  whose: { userId: string; scopes: string[]; refreshToken: string | null },
): Answer {
  const { userId, scopes, refreshToken } = whose
  const token = `${org.organizationId.slice(0, 15)}!AQ${randomBytes(60).toString('base64url')}`
  org.state.commit([{ do: 'session', token, userId, refreshToken, atMs: org.clock.now() }])
  return {
    status: 200,
    body: {
      access_token: token,
      signature: randomBytes(32).toString('base64'),
      scope: scopes.join(' '),
      instance_url: call.baseUrl,
      id: `${call.baseUrl}/id/${org.organizationId}/${userId}`,
      token_type: 'Bearer',
      issued_at: String(org.now()),
    },
  }
}

function withRefreshToken(answer: Answer, refreshToken: string): Answer {
  return { ...answer, body: { refresh_token: refreshToken, ...(answer.body as object) } }
}

function revoke(org: Org, call: Call): Answer {
  const token = new URLSearchParams(call.text).get('token') ?? call.query.get('token') ?? ''
  if (org.state.sessions.has(token)) org.state.commit([{ do: 'end-session', token }])
  else if (org.state.grants.has(token)) org.state.commit([{ do: 'revoke', refreshToken: token }])
  else throw oauthError('invalid_token', 'invalid token')
  return { status: 200 }
}

function introspect(org: Org, call: Call): Answer {
  const form = new URLSearchParams(call.text)
  requireClient(org, call, form)
  const token = form.get('token') ?? ''
  const userId = org.state.grants.get(token)?.userId ?? useSession(org, token)
  if (userId === null) return { status: 200, body: { active: false } }
  return {
    status: 200,
    body: {
      active: true,
      client_id: org.oauthApp.clientId,
      scope: org.oauthApp.scopes.join(' '),
      username: org.state.table('User').find(userId)?.values['Username'] ?? '',
      sub: `${call.baseUrl}/id/${org.organizationId}/${userId}`,
      token_type: org.state.grants.has(token) ? 'refresh_token' : 'access_token',
    },
  }
}

/** Whose token it is, in the header or in the query. @throws Refusal 403, a text. */
function requireUser(org: Org, call: Call): string {
  const header = /^(?:Bearer|OAuth) (.+)$/.exec(call.headers.authorization ?? '')?.[1]
  const token = header ?? call.query.get('oauth_token') ?? ''
  if (token === '') throw new Refusal({ status: 403, body: 'Missing_OAuth_Token' })
  const userId = org.staticTokens.get(token)?.userId ?? useSession(org, token)
  if (userId === null) throw new Refusal({ status: 403, body: 'Bad_OAuth_Token' })
  return userId
}

function userInfo(org: Org, call: Call): Answer {
  const userId = requireUser(org, call)
  return { status: 200, body: { sub: idUrl(org, call, userId), ...userBody(org, userId) } }
}

function identity(org: Org, call: Call): Answer {
  const userId = requireUser(org, call)
  const base = `${call.baseUrl}/services/data/v{version}`
  return {
    status: 200,
    body: {
      id: idUrl(org, call, userId),
      asserted_user: true,
      ...userBody(org, userId),
      username: org.state.table('User').find(userId)?.values['Username'] ?? '',
      display_name: org.state.table('User').find(userId)?.values['Name'] ?? '',
      active: true,
      user_type: 'STANDARD',
      urls: {
        rest: `${base}/`,
        sobjects: `${base}/sobjects/`,
        query: `${base}/query/`,
        profile: `${call.baseUrl}/${userId}`,
      },
    },
  }
}

function idUrl(org: Org, call: Call, userId: string): string {
  return `${call.baseUrl}/id/${org.organizationId}/${userId}`
}

function userBody(org: Org, userId: string) {
  const values = org.state.table('User').find(userId)?.values ?? {}
  return {
    user_id: userId,
    organization_id: org.organizationId,
    preferred_username: values['Username'] ?? '',
    nickname: values['Username'] ?? '',
    name: values['Name'] ?? '',
    email: values['Email'] ?? '',
    email_verified: true,
    zoneinfo: values['TimeZoneSidKey'] ?? '',
  }
}
