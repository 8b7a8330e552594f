import { Problem } from '#core/problem.ts'
import { MINUTE_MS } from '#core/time.ts'
import type { Exchange } from '#gateway/exchange.ts'

/** Deny by default: the operation's scope must be among the principal's. */
export function authorize(exchange: Exchange): void {
  const { scope } = exchange.operation
  if (scope === null) return
  if (!exchange.principal?.scopes.has(scope)) {
    throw new Problem(
      'auth.forbidden',
      `This needs the scope ${scope}: ask an admin for a key or role that has it.`,
      {
        headers: {
          'www-authenticate': `Bearer realm="throughline", error="insufficient_scope", scope="${scope}"`,
        },
      },
    )
  }
  requireFresh(exchange)
}

/**
 * Step-up: a dangerous act needs a person who proved to be there lately. Keys and clients are no persons and go by their scope;
 * an application that acts for a person cannot prove it (RFC 9470 §3 names the challenge).
 */
function requireFresh({ operation, principal, now }: Exchange): void {
  const minutes = operation.freshWithinMinutes
  if (minutes === undefined || principal?.kind !== 'user') return
  const provedAtMs = principal.session?.authenticatedAt.getTime() ?? Number.NEGATIVE_INFINITY
  if (now.getTime() - provedAtMs <= minutes * MINUTE_MS) return
  throw new Problem(
    'auth.step_up_required',
    'Confirm that it is you: give your password, a code or a passkey once more, then try again.',
    {
      headers: {
        'www-authenticate': `Bearer realm="throughline", error="insufficient_user_authentication", max_age="${minutes * 60}"`,
      },
    },
  )
}
