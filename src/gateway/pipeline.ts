import type { Problem } from '#core/problem.ts'
import type { Exchange } from '#gateway/exchange.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import type { Operation } from '#gateway/operation.ts'
import type { Groups } from '#gateway/group.ts'
import { observe } from '#gateway/observe.ts'
import { problemAnswer, toProblem } from '#gateway/problem.ts'
import { CutOff } from '#gateway/send-stream.ts'
import { authenticate } from '#gateway/steps/authenticate.ts'
import { authorize } from '#gateway/steps/authorize.ts'
import { noteRead } from '#gateway/steps/note-read.ts'
import { noteCutOff } from '#gateway/note-cut-off.ts'
import { noteRefusal } from '#gateway/note-refusal.ts'
import { identify } from '#gateway/steps/identify.ts'
import { limit } from '#gateway/steps/limit.ts'
import { perform } from '#gateway/steps/perform.ts'
import { replay } from '#gateway/steps/replay.ts'
import { respond } from '#gateway/steps/respond.ts'
import { validate } from '#gateway/steps/validate.ts'

export type Running = GatewayParts & {
  groups: Groups
  /** For operations that change a record the one that reads it: audit entries say before and after. */
  readers: ReadonlyMap<Operation, Operation>
}

type Step = (exchange: Exchange, gateway: Running) => void | Promise<void>

/** Top to bottom; any throw on the way becomes a problem. */
const pipeline: readonly Step[] = [
  identify,
  authenticate,
  authorize,
  limit,
  validate,
  replay,
  perform,
  noteRead,
]

/** What is run again for a further page of a list that is already open. */
const nextPage: readonly Step[] = [validate, perform, noteRead]

/** Takes a request through all steps and sends the answer. */
export async function runPipeline(exchange: Exchange, gateway: Running): Promise<void> {
  await runSteps(exchange.operation.id, exchange, gateway, () => respond(exchange))
}

/** The same, but hands the first page to `onPage` instead of sending it; a refusal is sent as ever. */
export async function runListPipeline(
  exchange: Exchange,
  gateway: Running,
  onPage: () => Promise<void>,
): Promise<void> {
  const name = `${exchange.operation.id}.csv`
  await runSteps(name, exchange, gateway, () =>
    exchange.answer?.status === 200 ? onPage() : respond(exchange),
  )
}

export async function runNextPage(exchange: Exchange, gateway: Running): Promise<void> {
  for (const step of nextPage) await step(exchange, gateway)
}

/** @param name  of the operation, as logs and figures have it. */
async function runSteps(
  name: string,
  exchange: Exchange,
  gateway: Running,
  finish: () => Promise<void>,
): Promise<void> {
  let failure: unknown
  try {
    for (const step of pipeline) {
      const pending = step(exchange, gateway)
      if (pending) await pending
    }
    await finish()
  } catch (thrown) {
    failure = thrown
    if (thrown instanceof CutOff) await noteCutOff(exchange, thrown, gateway)
    else await refuse(exchange, toProblem(thrown), gateway)
  } finally {
    const { requestId, startedAtMs, principal, answer, isBatch, items } = exchange
    observe(gateway, {
      requestId,
      operation: name,
      status: answer?.status ?? 500,
      startedAtMs,
      principal,
      ...(isBatch && { items: items.length }),
      failure,
    })
    tellWatch(exchange, gateway)
  }
}

async function refuse(exchange: Exchange, problem: Problem, gateway: Running): Promise<void> {
  const { operation, request, principal } = exchange
  await noteRefusal(operation.id, request, principal, problem, gateway)
  exchange.answer = problemAnswer(problem, exchange.requestId)
  await respond(exchange)
}

/** What the watch for attacks counts: rows read, records that are not there, and scopes that are missing. */
export function tellRows(exchange: Exchange, { watch }: Running): void {
  if (exchange.principal === null) return
  watch.rowsRead(exchange.principal, exchange.rows)
  exchange.rows = 0
}

function tellWatch(exchange: Exchange, gateway: Running): void {
  const { principal, operation, request, answer } = exchange
  if (principal === null) return
  tellRows(exchange, gateway)
  gateway.watch.answered({
    principal,
    operationId: operation.id,
    path: operation.path.includes('{') ? request.url : null,
    status: answer?.status ?? 500,
  })
}
