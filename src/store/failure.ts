import { Problem } from '#core/problem.ts'

/** What Node says when the other end cannot be reached or went away. */
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** What `pg` says, without a code, when a connection is lost, unusable or cannot be had in time. */
const driverMessages = [
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'Client has encountered a connection error',
  'Client was closed',
  'Query read timeout',
  'timeout expired',
  'Cannot use a pool after calling end on the pool',
]

/** The five-character SQLSTATE of a PostgreSQL error, or the system's code; undefined for others. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/**
 * Whether the database could not be reached, went away or was out of room, as opposed to having refused the statement:
 * the same work may succeed later without a change. Looks through a `Problem` at its cause.
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof Problem) return error.code === 'service.unavailable' && isOutage(error.cause)
  if (!(error instanceof Error)) return false
  const code = errorCode(error)
  if (code !== undefined) {
    // 08 connection, 57P operator intervention, 53 out of memory, disk or connections, 58 input/output
    const isOutageState = /^(08|53|58)/.test(code) || code.startsWith('57P')
    return networkCodes.has(code) || isOutageState
  }
  return driverMessages.some((message) => error.message.startsWith(message))
}

/**
 * What callers are told. Outages, time-outs and lost races become `service.unavailable` with Retry-After; all else,
 * constraint violations among it, is left as it is for the caller to judge.
 */
export function toProblem(error: unknown): unknown {
  if (isOutage(error)) {
    return error instanceof Problem
      ? error
      : unavailable(
          'The database cannot be reached right now. Try again in a few seconds.',
          2,
          error,
        )
  }
  switch (errorCode(error) ?? '') {
    case '40001': // serialization failure
    case '40P01': // deadlock
      return unavailable('Another change was in the way. Nothing was changed: try again.', 1, error)
    case '55P03': // lock not available in time
    case '57014': // statement time-out
    case '25P03': // transaction idle for too long
      return unavailable(
        'The database took too long. Nothing was changed: try again later.',
        5,
        error,
      )
    default:
      return error
  }
}

function unavailable(detail: string, retryAfterSeconds: number, cause: unknown): Problem {
  return new Problem('service.unavailable', detail, {
    cause,
    headers: { 'retry-after': String(retryAfterSeconds) },
  })
}
