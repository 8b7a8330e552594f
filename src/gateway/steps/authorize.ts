import { Problem } from '#core/problem.ts'
import { MINUTE_MS } from '#core/time.ts'
import type { Exchange } from '#gateway/exchange.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import { maskOf } from '#gateway/mask.ts'
import { REVEAL_SCOPE } from '#gateway/operation.ts'

const STEP_UP_MINUTES = 15

/** Deny by default: the operation's scope must be among the principal's. */
export function authorize(exchange: Exchange, gateway: GatewayParts): void {
  const { scope } = exchange.operation
  if (scope === null) return
  const { principal } = exchange
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
  requireCircumstances(exchange, scope, gateway)
}

/** Without the scope for the whole domain, a record or a list may still be open in part; making something new is not. */
function mayReach({ principal, operation, request }: Exchange, scope: string): boolean {
  const isOfRecord = Object.keys(request.params as object).length > 0
  return (operation.method === 'GET' || isOfRecord) && principal?.narrowing?.reaches(scope) === true
}

/** Rules on time, network, kind of data and purpose. */
function requireCircumstances(exchange: Exchange, scope: string, { clientOf }: GatewayParts): void {
  const { principal, operation, request, now } = exchange
  if (!principal?.narrowing) return
  const purpose = request.headers['x-purpose']
  const verdict = principal.narrowing.judge({
    scope,
    now,
    remoteAddress: clientOf(request.raw).address,
    purpose: typeof purpose === 'string' ? purpose : null,
    isPersonal: principal.scopes.has(REVEAL_SCOPE) && maskOf(operation.output) !== null,
  })
  switch (verdict.kind) {
    case 'allow':
      return
    case 'step_up':
      demandFresh(exchange, STEP_UP_MINUTES)
      return
    case 'deny':
      throw new Problem(
        'auth.forbidden',
        `The rule “${verdict.rule}” of this workspace does not allow it now, from here or without a stated purpose.`,
      )
  }
}

/**
 * Step-up: a dangerous act needs a person who proved to be there lately. Keys and clients are no persons and go by their scope;
 * an application that acts for a person cannot prove it (RFC 9470 §3 names the challenge).
 */
function requireFresh(exchange: Exchange): void {
  const minutes = exchange.operation.freshWithinMinutes
  if (minutes !== undefined && exchange.principal?.kind === 'user') demandFresh(exchange, minutes)
}

function demandFresh({ principal, now }: Exchange, minutes: number): void {
  const provedAtMs = principal?.session?.authenticatedAt.getTime() ?? Number.NEGATIVE_INFINITY
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
