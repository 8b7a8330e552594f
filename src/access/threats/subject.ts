import type { Subject } from '#access/threats/threat.rules.ts'
import type { Principal } from '#gateway/operation.ts'

/** Whom a caller's deeds are put down to. An application that acts for somebody is neither the person nor the whole application. */
export function subjectOf(principal: Principal): Subject {
  switch (principal.kind) {
    case 'api_key':
      return { kind: 'key', id: principal.id }
    case 'client':
      return { kind: 'client', id: principal.id }
    case 'user':
    case 'system':
      return principal.clientId === undefined
        ? { kind: 'user', id: principal.id }
        : { kind: 'grant', id: `${principal.clientId} ${principal.id}` }
  }
}

/** Whose places are kept: what is copied and used elsewhere is a key, a client's secret or a session. */
export function carrierOf(principal: Principal): Subject | null {
  if (principal.session) return { kind: 'session', id: principal.session.id }
  const subject = subjectOf(principal)
  return subject.kind === 'key' || subject.kind === 'client' ? subject : null
}
