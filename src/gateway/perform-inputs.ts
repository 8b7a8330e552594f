import { Problem } from '#core/problem.ts'
import type {
  AuditDraft,
  Operation,
  OperationContext,
  Principal,
  Settled,
} from '#gateway/operation.ts'
import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'

/** Who performs, when, and under which request. */
export interface Caller {
  principal: Principal
  now: Date
  requestId: string
  expectedVersion: number | null
}

/** What became of inputs, and what their work told of beyond the operation's own audit entry and event. */
export interface Performed {
  /** One for each input, in order. */
  settled: Settled<unknown>[]
  audits: AuditDraft[]
  events: EventDraft[]
  headers: Record<string, string>
}

/**
 * Performs parsed inputs of one operation inside the transaction. With `careful` each is behind a savepoint of its own, so
 * that one that the database refuses leaves nothing behind, drafts included, and spoils no other.
 */
export async function performInputs(
  tx: Transaction,
  operation: Operation,
  inputs: readonly unknown[],
  caller: Caller,
  careful: boolean,
): Promise<Performed> {
  if (inputs.length === 0) return { settled: [], audits: [], events: [], headers: {} }
  if (!careful || !('performMany' in operation)) return attempt(tx, operation, inputs, caller)
  const all: Performed = { settled: [], audits: [], events: [], headers: {} }
  for (const input of inputs) {
    try {
      const one = await tx.savepoint(() => attempt(tx, operation, [input], caller))
      all.settled.push(...one.settled)
      all.audits.push(...one.audits)
      all.events.push(...one.events)
    } catch (thrown) {
      if (!isDataFault(thrown)) throw thrown
      all.settled.push({
        kind: 'refused',
        problem: new Problem(
          'request.invalid',
          'The database refuses a value of this item: check lengths and ranges.',
          { cause: thrown },
        ),
      })
    }
  }
  return all
}

async function attempt(
  tx: Transaction,
  operation: Operation,
  inputs: readonly unknown[],
  caller: Caller,
): Promise<Performed> {
  const audits: AuditDraft[] = []
  const events: EventDraft[] = []
  const headers: Record<string, string> = {}
  const context: OperationContext = {
    tx,
    ...caller,
    emit: (draft) => events.push(draft),
    audit: (draft) => audits.push(draft),
    sendHeader(name, value) {
      headers[name] = value
    },
  }
  const settled: Settled<unknown>[] =
    'performMany' in operation
      ? await operation.performMany([...inputs], context)
      : [{ kind: 'done', output: await operation.perform(inputs[0], context) }]
  if (settled.length !== inputs.length)
    throw new Error(
      `${operation.id} answered ${settled.length} outcomes for ${inputs.length} inputs`,
    )
  return { settled, audits, events, headers }
}

/** SQLSTATE class 22 (data exception) or 23 (constraint violation): the fault of one item, not of the database. */
export function isDataFault(thrown: unknown): boolean {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  return /^2[23]\w{3}$/.test(code)
}
