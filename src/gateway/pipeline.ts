import { SECOND_MS } from '#core/time.ts'
import type { Exchange } from '#gateway/exchange.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import type { Groups } from '#gateway/group.ts'
import { problemAnswer, toProblem } from '#gateway/problem.ts'
import { authenticate } from '#gateway/steps/authenticate.ts'
import { authorize } from '#gateway/steps/authorize.ts'
import { identify } from '#gateway/steps/identify.ts'
import { limit } from '#gateway/steps/limit.ts'
import { perform } from '#gateway/steps/perform.ts'
import { replay } from '#gateway/steps/replay.ts'
import { respond } from '#gateway/steps/respond.ts'
import { validate } from '#gateway/steps/validate.ts'

export type Running = GatewayParts & { groups: Groups }

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
]

/** What is run again for a further page of a list that is already open. */
const nextPage: readonly Step[] = [validate, perform]

/** Takes a request through all steps and sends the answer. */
export async function runPipeline(exchange: Exchange, gateway: Running): Promise<void> {
  await runSteps(pipeline, exchange, gateway, () => respond(exchange))
}

/** The same, but hands the first page to `onPage` instead of sending it; a refusal is sent as ever. */
export async function runListPipeline(
  exchange: Exchange,
  gateway: Running,
  onPage: () => Promise<void>,
): Promise<void> {
  await runSteps(pipeline, exchange, gateway, () =>
    exchange.answer?.status === 200 ? onPage() : respond(exchange),
  )
}

export async function runNextPage(exchange: Exchange, gateway: Running): Promise<void> {
  for (const step of nextPage) await step(exchange, gateway)
}

async function runSteps(
  steps: readonly Step[],
  exchange: Exchange,
  gateway: Running,
  finish: () => Promise<void>,
): Promise<void> {
  let failure: unknown
  try {
    for (const step of steps) {
      const pending = step(exchange, gateway)
      if (pending) await pending
    }
    await finish()
  } catch (thrown) {
    failure = thrown
    exchange.answer = problemAnswer(toProblem(thrown), exchange.requestId)
    await respond(exchange)
  } finally {
    observe(exchange, gateway, failure)
  }
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

/** The one log line of a request, and its metrics. */
function observe(exchange: Exchange, gateway: Running, failure: unknown): void {
  const durationMs = performance.now() - exchange.startedAtMs
  const status = exchange.answer?.status ?? 500
  const operation = exchange.operation.id
  gateway.metrics.requestDuration.observe(
    { operation, status: `${Math.floor(status / 100)}xx` },
    durationMs / SECOND_MS,
  )
  tellWatch(exchange, gateway)
  const line = {
    requestId: exchange.requestId,
    workspaceId: exchange.principal?.workspaceId,
    principalId: exchange.principal?.id,
    operation,
    status,
    durationMs: Math.round(durationMs * 10) / 10,
    ...(exchange.isBatch ? { items: exchange.items.length } : {}),
  }
  if (status >= 500)
    gateway.log.error(
      {
        ...line,
        error: failure instanceof Error && failure.cause instanceof Error ? failure.cause : failure,
      },
      'request failed',
    )
  else gateway.log.info(line, 'request')
}
