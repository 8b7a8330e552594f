import { Problem, problemKinds } from '#core/problem.ts'
import type { Answer } from '#gateway/exchange.ts'

const DOCS = '/docs/problems#'

/** The problem as RFC 9457 `application/problem+json`, with our `code`, `requestId`, `retry` and `errors`. */
export function problemBody(problem: Problem, requestId: string): Record<string, unknown> {
  return {
    type: `${DOCS}${problem.code}`,
    title: problem.title,
    status: problem.status,
    detail: problem.message,
    instance: requestId,
    code: problem.code,
    requestId,
    retry: problemKinds[problem.code].retry,
    ...(problem.errors.length > 0 ? { errors: problem.errors } : {}),
  }
}

export function problemAnswer(problem: Problem, requestId: string): Answer {
  return {
    status: problem.status,
    body: JSON.stringify(problemBody(problem, requestId)),
    headers: { 'content-type': 'application/problem+json', ...problem.headers },
  }
}

/** Whatever was thrown, as a problem: an unknown error shows nothing of itself to the caller. */
export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown
  return (
    fromTransport(thrown) ??
    new Problem(
      'service.internal',
      'The request failed on our side; nothing was changed. Try again, and report the request id if it stays.',
      { cause: thrown },
    )
  )
}

/** Fastify's and Node's own refusals (parser, size, media type) in our words. */
function fromTransport(thrown: unknown): Problem | null {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Problem(
        'request.too_large',
        'The body is larger than this route takes: send less, or split the batch.',
      )
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Problem(
        'request.unsupported_media_type',
        'Send application/json in UTF-8 without a content encoding.',
      )
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new Problem('request.malformed', 'The body is not valid JSON.')
    case 'FST_ERR_BAD_URL':
      return new Problem('request.malformed', 'The path is not a valid URL.')
    default:
      return null
  }
}
