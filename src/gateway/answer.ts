import type { Answer } from '#gateway/exchange.ts'
import { encodeFor } from '#gateway/encode.ts'
import type { Operation, Principal, Settled } from '#gateway/operation.ts'
import { personalFields, shownIn } from '#gateway/shown.ts'
import { problemAnswer, problemBody } from '#gateway/problem.ts'

/** What became of one item; `invalid` ones were refused before they were performed. */
export type ItemOutcome =
  | (Settled<unknown> & { input: unknown })
  | { kind: 'invalid'; body: string }

const JSON_TYPE = 'application/json; charset=utf-8'

/** The status of a success: what it says itself, what the operation declares, 201 for a POST. */
export function statusOf(operation: Operation, done: { status?: 200 | 201 }): number {
  return done.status ?? operation.status ?? (operation.method === 'POST' ? 201 : 200)
}

/** The answer to a single request. */
export function answerOf(
  operation: Operation,
  principal: Principal,
  outcome: ItemOutcome,
  requestId: string,
): Answer {
  if (outcome.kind === 'invalid')
    throw new Error('a single request that is not valid never gets here')
  if (outcome.kind === 'refused') return problemAnswer(outcome.problem, requestId)
  const status = statusOf(operation, outcome)
  const headers: Record<string, string> = {}
  const wire = encodeFor(principal, operation, outcome.output)
  const body = JSON.stringify(wire)
  if (status === 204) return { status, body: '', headers }
  headers['content-type'] = JSON_TYPE
  const location = operation.location?.(outcome.output)
  if (location !== undefined) headers.location = location
  const version = operation.version?.(outcome.output)
  if (version !== undefined) headers.etag = `"${version}"`
  if (operation.method !== 'GET' || personalFields(operation).length === 0)
    return { status, body, headers }
  return { status, body, headers, shown: shownIn(wire) }
}

/** 207: one outcome for each item, in the order of the items. */
export function batchAnswer(
  operation: Operation,
  principal: Principal,
  outcomes: ItemOutcome[],
  requestId: string,
): Answer {
  let done = 0
  const parts = outcomes.map((outcome) => {
    if (outcome.kind === 'invalid') return outcome.body
    if (outcome.kind === 'refused')
      return JSON.stringify({
        status: outcome.problem.status,
        problem: problemBody(outcome.problem, requestId),
      })
    done += 1
    return `{"status":${statusOf(operation, outcome)},"data":${JSON.stringify(encodeFor(principal, operation, outcome.output))}}`
  })
  const summary = JSON.stringify({ items: outcomes.length, done, refused: outcomes.length - done })
  return {
    status: 207,
    body: `{"outcomes":[${parts.join(',')}],"summary":${summary}}`,
    headers: { 'content-type': JSON_TYPE },
  }
}
