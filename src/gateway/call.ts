import { newId } from '#core/id.ts'
import { collectEffects } from '#gateway/effects.ts'
import { encodeFor } from '#gateway/encode.ts'
import { parseRaw } from '#gateway/batch.ts'
import type { Operation, Principal } from '#gateway/operation.ts'
import { performInputs, type Caller } from '#gateway/perform-inputs.ts'
import { recordEffects } from '#gateway/record.store.ts'
import type { Store, Transaction } from '#store/store.ts'

/**
 * Performs one operation from inside the process (commands): the same schema, transaction, audit entry and events as over
 * HTTP, without the door. @returns the answer as it is on the wire. @throws Problem as the door would answer it.
 */
export async function callOperation(
  store: Store,
  operation: Operation,
  principal: Principal,
  raw: unknown,
  now: Date,
): Promise<unknown> {
  const parsed = parseRaw(operation, raw)
  if ('problem' in parsed) throw parsed.problem
  const requestId = newId('req')
  const caller: Caller = { principal, now, requestId, expectedVersion: null }
  const work = async (tx: Transaction) => {
    const performed = await performInputs(tx, operation, [parsed.value], caller, false)
    const outcome = performed.settled[0]!
    if (outcome.kind === 'refused') throw outcome.problem
    const done = [{ input: parsed.value, output: outcome.output, requestId }]
    if (operation.method !== 'GET')
      await recordEffects(tx, collectEffects(operation, caller, done, performed))
    return encodeFor(principal, operation, outcome.output)
  }
  return operation.method === 'GET'
    ? store.read(principal.workspaceId, work)
    : store.transaction(principal.workspaceId, work)
}
