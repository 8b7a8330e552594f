import { newId } from '#core/id.ts'
import { Problem } from '#core/problem.ts'
import { statusOf } from '#gateway/answer.ts'
import { collectEffects, type DoneInput } from '#gateway/effects.ts'
import { hasUnstorableText, inputSchemaOf, parseInput } from '#gateway/input.ts'
import type { AuditDraft, Operation, Principal, Settled } from '#gateway/operation.ts'
import { isDataFault, performInputs, type Caller, type Performed } from '#gateway/perform-inputs.ts'
import { recordEffects } from '#gateway/record.store.ts'
import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'

/** What became of one raw input; `status` tells what was made (201) from what was there before (200). */
export type BatchOutcome =
  | { kind: 'done'; output: unknown; status: number }
  | { kind: 'refused'; problem: Problem }

/**
 * Performs raw wire objects as items of a batch of this operation, inside a transaction of the caller's: the same schema,
 * the same refusals, the same audit entries and events as over HTTP. One bad item leaves the others alone.
 *
 * @param raws  at most `operation.batch.max`.
 * @returns one outcome for each, in order.
 */
export async function performBatch(
  tx: Transaction,
  operation: Operation,
  principal: Principal,
  raws: readonly unknown[],
  { now, requestId }: { now: Date; requestId: string },
): Promise<BatchOutcome[]> {
  if (!('performMany' in operation) || raws.length > operation.batch.max)
    throw new RangeError(`${operation.id} takes no batch of ${raws.length}`)
  const parsed = raws.map((raw) => parseRaw(operation, raw))
  const inputs = parsed.flatMap((item) => ('value' in item ? [item.value] : []))
  const caller: Caller = { principal, now, requestId, expectedVersion: null }
  const performed = await performSafely(tx, operation, inputs, caller)
  const done: DoneInput[] = []
  let next = 0
  const outcomes = parsed.map((item): BatchOutcome => {
    if ('problem' in item) return { kind: 'refused', problem: item.problem }
    const outcome: Settled<unknown> = performed.settled[next++]!
    if (outcome.kind === 'refused') return outcome
    done.push({ input: item.value, output: outcome.output, requestId })
    return { kind: 'done', output: outcome.output, status: statusOf(operation, outcome) }
  })
  await recordEffects(tx, collectEffects(operation, caller, done, performed))
  return outcomes
}

/** What the schema makes of one raw input; the same checks as at the door. */
export function parseRaw(
  operation: Operation,
  raw: unknown,
): { value: unknown } | { problem: Problem } {
  if (hasUnstorableText(raw))
    return {
      problem: new Problem(
        'request.invalid',
        'A text holds a NUL character or broken Unicode: remove it.',
      ),
    }
  return parseInput(inputSchemaOf(operation), raw)
}

/** All at once, and one by one only when a value of one spoils it for all. */
async function performSafely(
  tx: Transaction,
  operation: Operation,
  inputs: readonly unknown[],
  caller: Caller,
): Promise<Performed> {
  try {
    return await tx.savepoint(() => performInputs(tx, operation, inputs, caller, false))
  } catch (thrown) {
    if (!isDataFault(thrown)) throw thrown
    return performInputs(tx, operation, inputs, caller, true)
  }
}

/** Writes audit entries and events of work that is no operation of its own, such as a job's. */
export async function recordWork(
  tx: Transaction,
  principal: Principal,
  work: { audits: readonly AuditDraft[]; events: readonly EventDraft[] },
  { now, requestId }: { now: Date; requestId: string },
): Promise<void> {
  await recordEffects(tx, {
    principalId: principal.id,
    principalKind: principal.kind,
    operation: '',
    now,
    audit: work.audits.map(({ detail = {}, ...entry }) => ({
      id: newId('aud'),
      ...entry,
      detail,
      requestId,
    })),
    outbox: work.events.map(({ data = {}, ...event }) => ({ ...event, data, requestId })),
    answers: [],
  })
}
