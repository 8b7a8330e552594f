import { newId } from '#core/id.ts'
import { givenIn, type ChangeDetail } from '#gateway/before-after.ts'
import type { Operation } from '#gateway/operation.ts'
import type { Caller, Performed } from '#gateway/perform-inputs.ts'
import type { Effects } from '#gateway/record.store.ts'

/** One input that was done, under the request that it came with. */
export interface DoneInput {
  input: unknown
  output: unknown
  requestId: string
  /** What the entry says of the change. */
  detail?: ChangeDetail
}

/**
 * The audit entries and events of what was performed: those that the operation declares for each success, then those that
 * its work drafted, each under the request of its subject. There are no kept answers yet.
 */
export function collectEffects(
  operation: Operation,
  caller: Caller,
  done: readonly DoneInput[],
  { audits, events }: Performed,
): Effects {
  const effects: Effects = {
    principalId: caller.principal.id,
    principalKind: caller.principal.kind,
    operation: operation.id,
    now: caller.now,
    audit: [],
    outbox: [],
    answers: [],
  }
  const requestOf = new Map<string, string>()
  for (const { input, output, requestId, detail } of done) {
    const subjectId = operation.subject?.(output, input) ?? null
    if (subjectId !== null) requestOf.set(subjectId, requestId)
    const given = givenIn(operation, input)
    effects.audit.push({
      id: newId('aud'),
      action: operation.id,
      subjectId,
      detail: { ...(given.length > 0 ? { given } : {}), ...detail },
      requestId,
    })
    if (operation.event && subjectId !== null)
      effects.outbox.push({ event: operation.event, subjectId, data: {}, requestId })
  }
  for (const { action, subjectId, detail = {} } of audits) {
    const requestId = requestOf.get(subjectId) ?? caller.requestId
    effects.audit.push({ id: newId('aud'), action, subjectId, detail, requestId })
  }
  for (const { event, subjectId, data = {} } of events) {
    const requestId = requestOf.get(subjectId) ?? caller.requestId
    effects.outbox.push({ event, subjectId, data, requestId })
  }
  return effects
}
