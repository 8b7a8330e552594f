import type { Call } from '#sandbox/kernel.ts'
import { refuse } from './errors.ts'
import type { Caller, Org } from './org.ts'

/**
 * Who a call is from: the access token is a session. Salesforce docs: using the access token.
 * @throws Refusal 401 INVALID_SESSION_ID for sessions that are over or never were.
 */
export function authenticate(org: Org, call: Call): Caller {
  const header = call.headers.authorization ?? ''
  const token = /^(?:Bearer|OAuth) /.test(header) ? header.slice(header.indexOf(' ') + 1) : ''
  const isExpiring = call.fault?.kind === 'expire-token'
  const known = org.staticTokens.get(token)
  if (known) {
    if (isExpiring) throw expired()
    return { userId: known.userId, token }
  }
  if (isExpiring) org.state.commit([{ do: 'end-session', token }])
  const userId = useSession(org, token)
  if (userId === null) throw expired()
  return { userId, token }
}

/** Whose live session the token is, which is used by it; null when there is none. */
export function useSession(org: Org, token: string): string | null {
  const nowMs = org.clock.now()
  const session = org.state.sessions.get(token)
  if (!session || session.usedAtMs + org.settings.sessionTimeoutMs <= nowMs) return null
  if (org.state.table('User').find(session.userId)?.values['IsActive'] !== true) return null
  session.usedAtMs = nowMs
  return session.userId
}

export function expired() {
  return refuse(401, 'INVALID_SESSION_ID', 'Session expired or invalid')
}
