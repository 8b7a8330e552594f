import { Problem } from '#core/problem.ts'
import type { Exchange } from '#gateway/exchange.ts'
import type { Running } from '#gateway/pipeline.ts'
import { performUnit } from '#gateway/unit.ts'

/** One transaction: the operation's rows, its audit entry, its events and the kept answer; all of it or none. */
export async function perform(exchange: Exchange, gateway: Running): Promise<void> {
  const { operation, principal } = exchange
  if (principal === null) throw new Problem('auth.required', 'Send a valid API key, or sign in.')
  if ('performMany' in operation) {
    await gateway.groups.perform(exchange, principal)
    return
  }
  const unit = { operation, principal, exchanges: [exchange], careful: false }
  const run = operation.method === 'GET' ? gateway.store.read : gateway.store.transaction
  await run.call(gateway.store, principal.workspaceId, (tx) => performUnit(tx, unit))
}
