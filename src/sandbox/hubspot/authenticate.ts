import type { Call } from '#sandbox/kernel.ts'
import type { Account, Caller } from './account.ts'
import { refuse } from './errors.ts'

/**
 * Who a call is from. HubSpot docs: private apps and service keys (static bearer), OAuth tokens.
 *
 * @throws Refusal 401 INVALID_AUTHENTICATION for unknown tokens, EXPIRED_AUTHENTICATION after 30
 * minutes.
 */
export function authenticate(account: Account, call: Call): Caller {
  const header = call.headers.authorization ?? ''
  const token = header.startsWith('Bearer ') ? header.slice('Bearer '.length) : ''
  const isExpiring = call.fault?.kind === 'expire-token'
  const known = account.staticTokens.get(token)
  if (known) {
    if (isExpiring) throw expired(account.clock.now(), account.clock.now())
    const scopes = known.scopes ? new Set(known.scopes) : null
    return caller('static', known.appId, scopes)
  }
  const access = account.state.accessTokens.get(token)
  const grant = access && account.state.grants.get(access.refreshToken)
  if (!access || !grant) throw invalid()
  const nowMs = account.clock.now()
  if (isExpiring && access.expiresAtMs > nowMs) {
    account.state.commit([
      { do: 'access', token, refreshToken: access.refreshToken, expiresAtMs: nowMs },
    ])
  }
  const { expiresAtMs } = account.state.accessTokens.get(token) ?? access
  if (expiresAtMs <= nowMs) throw expired(expiresAtMs, nowMs)
  return caller('oauth', account.oauthApp.appId, new Set([...grant.scopes, 'oauth']))
}

/** HubSpot docs: property history, changes by an app are INTEGRATION with the app's id. */
function caller(kind: Caller['kind'], appId: number, scopes: ReadonlySet<string> | null): Caller {
  return { kind, appId, scopes, source: { type: 'INTEGRATION', id: String(appId) } }
}

function expired(atMs: number, nowMs: number) {
  const minutes = Math.floor((nowMs - atMs) / 60_000)
  return refuse(401, {
    category: 'EXPIRED_AUTHENTICATION',
    message: `The OAuth token used to make this call expired ${minutes} minute(s) ago.`,
    context: { 'expire time': [new Date(atMs).toISOString()] },
  })
}

function invalid() {
  return refuse(401, {
    category: 'INVALID_AUTHENTICATION',
    message:
      'Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview',
  })
}
