import type { Call } from '#sandbox/kernel.ts'
import { paymentRequired, tokenExpired, unauthorized } from './errors.ts'
import type { Account, Caller } from './account.ts'

/**
 * Who a call is from. Pipedrive docs: API token in a header, OAuth bearer of an hour.
 * @throws Refusal 401 for credentials that are unknown or over, 402 for a company that does not pay.
 */
export function authenticate(account: Account, call: Call): Caller {
  const caller = callerOf(account, call)
  if (!account.settings.isOpen) throw paymentRequired()
  return caller
}

function callerOf(account: Account, call: Call): Caller {
  const isExpiring = call.fault?.kind === 'expire-token'
  const apiToken = call.headers['x-api-token'] ?? call.query.get('api_token')
  if (typeof apiToken === 'string') {
    const userId = account.apiTokens.get(apiToken)
    if (userId === undefined || isExpiring) throw unauthorized()
    return { kind: 'token', key: apiToken, userId, scopes: null }
  }
  const header = call.headers.authorization ?? ''
  if (!header.startsWith('Bearer ')) throw unauthorized()
  const token = header.slice('Bearer '.length)
  const access = account.state.accessTokens.get(token)
  const grant = access && account.state.grants.get(access.refreshToken)
  if (!access || !grant || access.expiresAtMs <= account.clock.now()) throw tokenExpired()
  if (isExpiring) {
    const expiresAtMs = account.clock.now()
    const { refreshToken } = access
    account.state.commit([{ do: 'access', token, refreshToken, expiresAtMs }])
    throw tokenExpired()
  }
  return { kind: 'oauth', key: token, userId: grant.userId, scopes: new Set(grant.scopes) }
}
