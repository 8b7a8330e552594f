import { Problem } from '#core/problem.ts'
import { noTracer } from '#core/trace.ts'
import type { Exchange } from '#gateway/exchange.ts'
import type { Principal } from '#gateway/operation.ts'
import type { Running } from '#gateway/pipeline.ts'
import { performUnit } from '#gateway/unit.ts'
import type { Transaction } from '#store/store.ts'

/** One transaction: the operation's rows, its audit entry, its events and the kept answer; all of it or none. */
export async function perform(exchange: Exchange, gateway: Running): Promise<void> {
  const { operation, principal } = exchange
  if (principal === null) throw new Problem('auth.required', 'Send a valid API key, or sign in.')
  const { tracer = noTracer } = gateway
  await tracer.span(`perform ${operation.id}`, {}, () =>
    performTraced(exchange, principal, gateway),
  )
}

async function performTraced(
  exchange: Exchange,
  principal: Principal,
  gateway: Running,
): Promise<void> {
  const { operation } = exchange
  if ('performMany' in operation) {
    await gateway.groups.perform(exchange, principal)
    return
  }
  const reader = gateway.readers.get(operation)
  const unit = { operation, principal, exchanges: [exchange], careful: false, reader }
  const { store } = gateway
  const work = (tx: Transaction) => performUnit(tx, unit)
  await (operation.method === 'GET'
    ? store.read(principal.workspaceId, work)
    : store.transaction(principal.workspaceId, work))
}
