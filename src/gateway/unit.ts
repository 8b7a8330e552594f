import { newId } from '#core/id.ts'
import { Problem } from '#core/problem.ts'
import type { Exchange } from '#gateway/exchange.ts'
import type {
  AuditDraft,
  Operation,
  OperationContext,
  Principal,
  Settled,
} from '#gateway/operation.ts'
import { answerOf, batchAnswer, type ItemOutcome } from '#gateway/answer.ts'
import { problemAnswer } from '#gateway/problem.ts'
import {
  claimKeys,
  findAnswers,
  recordEffects,
  type AnswerRow,
  type Effects,
} from '#gateway/record.store.ts'
import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'

/** Exchanges of one operation and principal that share a transaction. `careful` isolates each item behind a savepoint. */
export interface Unit {
  operation: Operation
  principal: Principal
  exchanges: Exchange[]
  careful: boolean
}

/**
 * All of a unit's work inside one transaction: claim the idempotency keys, perform, and write audit, events and kept answers.
 * Fills in each exchange's answer; the caller sends them only after the commit.
 */
export async function performUnit(tx: Transaction, unit: Unit): Promise<void> {
  const first = unit.exchanges[0]!
  const mine = await claimOrReplay(tx, unit)
  if (mine.length === 0) return
  const events: EventDraft[] = []
  const audits: AuditDraft[] = []
  const context: OperationContext = {
    tx,
    principal: unit.principal,
    now: first.now,
    requestId: first.requestId,
    expectedVersion: first.expectedVersion,
    emit: (draft) => events.push(draft),
    audit: (draft) => audits.push(draft),
  }
  const outcomes = await performItems(unit, mine, context)
  const effects: Effects = {
    principalId: unit.principal.id,
    principalKind: unit.principal.kind,
    operation: unit.operation.id,
    now: first.now,
    audit: [],
    outbox: [],
    answers: [],
  }
  const requestOf = new Map<string, string>()
  for (const exchange of mine) settle(exchange, outcomes.get(exchange)!, effects, requestOf)
  const requestIdOf = (subjectId: string) => requestOf.get(subjectId) ?? first.requestId
  for (const draft of audits) {
    effects.audit.push({
      id: newId('aud'),
      action: draft.action,
      subjectId: draft.subjectId,
      detail: draft.detail ?? {},
      requestId: requestIdOf(draft.subjectId),
    })
  }
  for (const draft of events)
    effects.outbox.push({
      event: draft.event,
      subjectId: draft.subjectId,
      data: draft.data ?? {},
      requestId: requestIdOf(draft.subjectId),
    })
  effects.answers = mine.flatMap((exchange) => keptAnswer(tx, exchange))
  if (unit.operation.method !== 'GET') await recordEffects(tx, effects)
}

/** The exchanges to perform; the others get the answer that was kept for their key. */
async function claimOrReplay(tx: Transaction, unit: Unit): Promise<Exchange[]> {
  const keyed = unit.exchanges.filter((exchange) => exchange.idempotencyKey !== null)
  if (keyed.length === 0) return unit.exchanges
  const { operation, principal } = unit
  const claims = keyed.map((exchange) => ({
    key: exchange.idempotencyKey!,
    requestHash: exchange.requestHash!.toString('hex'),
  }))
  const claimed = await claimKeys(tx, principal.id, operation.id, claims, keyed[0]!.now)
  const others = keyed.filter((exchange) => !claimed.has(exchange.idempotencyKey!))
  if (others.length === 0) return unit.exchanges
  const keys = others.map((exchange) => exchange.idempotencyKey!)
  const kept = new Map(
    (await findAnswers(tx, principal.id, operation.id, keys)).map((row) => [row.key, row]),
  )
  for (const exchange of others) {
    const row = kept.get(exchange.idempotencyKey!)
    if (!row || row.status === null || row.answer === null) {
      exchange.answer = problemAnswer(
        new Problem(
          'idempotency.in_progress',
          'The first request with this key has not ended: try again shortly.',
          { headers: { 'retry-after': '1' } },
        ),
        exchange.requestId,
      )
    } else if (!row.requestHash.equals(exchange.requestHash!)) {
      exchange.answer = problemAnswer(
        new Problem(
          'idempotency.key_reused',
          'This key came with another body before: use a new key for a new request.',
        ),
        exchange.requestId,
      )
    } else {
      const answer = tx.sealer.open<{ body: string; headers: Record<string, string> }>(
        row.answer,
        answerContext(operation.id, row.key),
      )
      exchange.answer = {
        status: row.status,
        body: answer.body,
        headers: { ...answer.headers, 'idempotency-replayed': 'true' },
      }
    }
  }
  return unit.exchanges.filter((exchange) => exchange.answer === null)
}

async function performItems(
  unit: Unit,
  exchanges: Exchange[],
  context: OperationContext,
): Promise<Map<Exchange, ItemOutcome[]>> {
  const { operation } = unit
  const inputs = exchanges.flatMap((exchange) =>
    exchange.items.flatMap((item) => (item.kind === 'valid' ? [item.input] : [])),
  )
  const settled =
    'performMany' in operation
      ? await performMany(operation, inputs, context, unit.careful)
      : [{ kind: 'done' as const, output: await operation.perform(inputs[0], context) }]
  let next = 0
  return new Map(
    exchanges.map((exchange) => [
      exchange,
      exchange.items.map((item): ItemOutcome => {
        if (item.kind === 'invalid') return item
        const outcome = settled[next++]
        if (!outcome)
          throw new Error(
            `${operation.id} answered ${settled.length} outcomes for ${inputs.length} inputs`,
          )
        return { ...outcome, input: item.input }
      }),
    ]),
  )
}

async function performMany(
  operation: Extract<Operation, { batch: unknown }>,
  inputs: unknown[],
  context: OperationContext,
  careful: boolean,
): Promise<Settled<unknown>[]> {
  if (!careful) return inputs.length === 0 ? [] : operation.performMany(inputs, context)
  const settled: Settled<unknown>[] = []
  for (const input of inputs) {
    try {
      settled.push(...(await context.tx.savepoint(() => operation.performMany([input], context))))
    } catch (thrown) {
      if (!isDataFault(thrown)) throw thrown
      settled.push({
        kind: 'refused',
        problem: new Problem(
          'request.invalid',
          'The database refuses a value of this item: check lengths and ranges.',
          { cause: thrown },
        ),
      })
    }
  }
  return settled
}

/** SQLSTATE class 22 (data exception) or 23 (constraint violation): the fault of one item, not of the database. */
export function isDataFault(thrown: unknown): boolean {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  return /^2[23]\w{3}$/.test(code)
}

/** The exchange's answer, and the audit entry and event that the operation declares for each success. */
function settle(
  exchange: Exchange,
  outcomes: ItemOutcome[],
  effects: Effects,
  requestOf: Map<string, string>,
): void {
  const { operation, requestId } = exchange
  exchange.answer = exchange.isBatch
    ? batchAnswer(operation, outcomes, requestId)
    : answerOf(operation, outcomes[0]!, requestId)
  for (const outcome of outcomes) {
    if (outcome.kind !== 'done') continue
    const subjectId = operation.subject?.(outcome.output, outcome.input) ?? null
    if (subjectId !== null) requestOf.set(subjectId, requestId)
    effects.audit.push({ id: newId('aud'), action: operation.id, subjectId, detail: {}, requestId })
    if (operation.event && subjectId !== null)
      effects.outbox.push({ event: operation.event, subjectId, data: {}, requestId })
  }
}

function keptAnswer(tx: Transaction, exchange: Exchange): AnswerRow[] {
  const { idempotencyKey: key, answer, operation } = exchange
  if (key === null || answer === null) return []
  const sealed = tx.sealer.seal(
    { body: answer.body, headers: answer.headers },
    answerContext(operation.id, key),
  )
  return [{ key, status: answer.status, answer: sealed.toString('hex') }]
}

const answerContext = (operationId: string, key: string) =>
  `idempotency_keys.answer:${operationId}:${key}`
