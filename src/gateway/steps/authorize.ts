import { Problem } from '#core/problem.ts'
import { requireCircumstances, requireFreshSession } from '#gateway/circumstances.ts'
import type { Exchange } from '#gateway/exchange.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import { maskOf } from '#gateway/mask.ts'
import { REVEAL_SCOPE } from '#gateway/operation.ts'

/** Deny by default: the operation's scope must be among the principal's. */
export function authorize(exchange: Exchange, gateway: GatewayParts): void {
  const { principal, operation, request, now } = exchange
  const { scope } = operation
  if (scope === null) return
  if (!principal?.scopes.has(scope) && !mayReach(exchange, scope)) {
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
  if (principal?.narrowing)
    requireCircumstances(principal, request, now, gateway, {
      scope,
      isPersonal: principal.scopes.has(REVEAL_SCOPE) && maskOf(operation.output) !== null,
    })
}

/** Without the scope for the whole domain, a record or a list may still be open in part; making something new is not. */
function mayReach({ principal, operation, request }: Exchange, scope: string): boolean {
  const isOfRecord = Object.keys(request.params as object).length > 0
  return (operation.method === 'GET' || isOfRecord) && principal?.narrowing?.reaches(scope) === true
}

/**
 * Step-up: a dangerous act needs a person who proved to be there lately. Keys and clients are no persons and go by their scope;
 * an application that acts for a person cannot prove it (RFC 9470 §3 names the challenge).
 */
function requireFresh({ operation, principal, now }: Exchange): void {
  const minutes = operation.freshWithinMinutes
  if (minutes !== undefined && principal?.kind === 'user')
    requireFreshSession(principal, now, minutes)
}
