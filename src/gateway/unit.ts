import { z } from 'zod'
import { Problem } from '#core/problem.ts'
import { answerOf, batchAnswer, type ItemOutcome } from '#gateway/answer.ts'
import { changesBetween, readRecord, readRow } from '#gateway/before-after.ts'
import { collectEffects, type DoneInput } from '#gateway/effects.ts'
import type { Exchange } from '#gateway/exchange.ts'
import type { Operation, Principal, Settled } from '#gateway/operation.ts'
import { performInputs, type Caller } from '#gateway/perform-inputs.ts'
import { problemAnswer } from '#gateway/problem.ts'
import { claimKeys, findAnswers, recordEffects, type AnswerRow } from '#gateway/record.store.ts'
import type { Transaction } from '#store/store.ts'

/** Exchanges of one operation and principal that share a transaction. `careful` isolates each item behind a savepoint. */
export interface Unit {
  operation: Operation
  principal: Principal
  exchanges: Exchange[]
  careful: boolean
  /** What reads the record that a single operation changes. */
  reader?: Operation | undefined
}

/**
 * All of a unit's work inside one transaction: claim the idempotency keys, perform, and write audit, events and kept answers.
 * Fills in each exchange's answer; the caller sends them only after the commit.
 */
export async function performUnit(tx: Transaction, unit: Unit): Promise<void> {
  const { operation, principal, exchanges, careful } = unit
  const { now, requestId, expectedVersion } = exchanges[0]!
  const mine = await claimOrReplay(tx, unit)
  if (mine.length === 0) return
  const inputs = mine.flatMap((exchange) =>
    exchange.items.flatMap((item) => (item.kind === 'valid' ? [item.input] : [])),
  )
  const caller: Caller = { principal, now, requestId, expectedVersion }
  const before = operation.method === 'GET' ? null : await recordBefore(tx, unit, caller)
  const performed = await performInputs(tx, operation, inputs, caller, careful)
  const done = settle(mine, performed.settled)
  for (const { reply } of mine) reply.headers(performed.headers)
  if (operation.method === 'GET') return
  if (done.length > 0) await noteChange(tx, unit, caller, before, done[0]!)
  const effects = collectEffects(operation, caller, done, performed)
  effects.answers = mine.flatMap((exchange) => keptAnswer(tx, exchange))
  await recordEffects(tx, effects)
}

/** Of a single operation there is one input, and it was valid. */
function inputOf({ exchanges }: Unit): Record<string, unknown> {
  const [item] = exchanges[0]!.items
  return item?.kind === 'valid' ? (item.input as Record<string, unknown>) : {}
}

const paramsOf = ({ exchanges }: Unit) => exchanges[0]!.request.params as Record<string, string>

/** The record before a single operation changes it; null for what is made new. */
async function recordBefore(tx: Transaction, unit: Unit, caller: Caller) {
  const { operation, reader } = unit
  if (reader === undefined && operation.row?.field !== undefined)
    return readRow(tx, operation.row, inputOf(unit)[operation.row.field])
  const isOfRecord = unit.reader !== undefined && !isBelow(unit.reader, unit.operation)
  return isOfRecord ? readRecord(tx, unit.reader!, paramsOf(unit), caller) : null
}

/** Whether the reader's record is the one that the operation makes. */
const isBelow = (reader: Operation, operation: Operation) =>
  reader.path.startsWith(`${operation.path}/`)

/** Puts before and after into the entry. What the operation answers is read again only where it answers in another form. */
async function noteChange(
  tx: Transaction,
  { reader, operation, ...unit }: Unit,
  caller: Caller,
  before: Record<string, unknown> | null,
  done: DoneInput,
): Promise<void> {
  if (reader === undefined) {
    const { row } = operation
    if (row === undefined) return
    const id =
      row.field === undefined
        ? operation.subject?.(done.output, done.input)
        : (done.input as Record<string, unknown>)[row.field]
    done.detail = changesBetween(z.unknown(), before, await readRow(tx, row, id))
    return
  }
  let after: Record<string, unknown> | null = null
  const isGone = operation.method === 'DELETE' && operation.path === reader.path
  if (isGone) after = null
  else if (reader.output === operation.output)
    after = z.encode(reader.output, done.output) as Record<string, unknown>
  else {
    const made = operation.subject?.(done.output, done.input)
    const params = paramsOf({ operation, ...unit })
    if (!isBelow(reader, operation)) after = await readRecord(tx, reader, params, caller)
    else if (made !== undefined) after = await readRecord(tx, reader, { ...params, made }, caller)
  }
  done.detail = changesBetween(reader.output, before, after)
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

/** Fills in each exchange's answer from the outcomes of its items; answers what was done. */
function settle(exchanges: readonly Exchange[], settled: readonly Settled<unknown>[]): DoneInput[] {
  const done: DoneInput[] = []
  let next = 0
  for (const exchange of exchanges) {
    const { operation, requestId } = exchange
    const principal = exchange.principal!
    const outcomes = exchange.items.map((item): ItemOutcome => {
      if (item.kind === 'invalid') return item
      const outcome = settled[next++]!
      if (outcome.kind === 'done') {
        done.push({ input: item.input, output: outcome.output, requestId })
        exchange.rows += rowsIn(outcome.output)
      }
      return { ...outcome, input: item.input }
    })
    exchange.answer = exchange.isBatch
      ? batchAnswer(operation, principal, outcomes, requestId)
      : answerOf(operation, principal, outcomes[0]!, requestId)
  }
  return done
}

/** Rows of a page; one record is none. */
function rowsIn(output: unknown): number {
  const data =
    typeof output === 'object' && output !== null && 'data' in output ? output.data : null
  return Array.isArray(data) ? data.length : 0
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
