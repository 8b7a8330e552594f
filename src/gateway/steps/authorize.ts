import { Problem } from '#core/problem.ts'
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
}
