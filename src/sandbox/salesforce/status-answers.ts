import type { Fault } from '#sandbox/faults.ts'
import type { Answer } from '#sandbox/kernel.ts'
import { expired } from './authenticate.ts'
import { refuse } from './errors.ts'
import { concurrencyRefusal, dailyRefusal } from './limits.ts'
import type { Org } from './org.ts'

/** What Salesforce sends with an injected status. Salesforce docs: status codes, error responses. */
export function statusAnswer(org: Org, fault: Extract<Fault, { kind: 'status' }>): Answer {
  const { status, body, headers = {} } = fault
  if (body !== undefined) return { status, body, headers }
  const answer = answerFor(org, fault)
  return { ...answer, headers: { ...answer.headers, ...headers } }
}

function answerFor(org: Org, { status, policy }: Extract<Fault, { kind: 'status' }>): Answer {
  switch (status) {
    case 401:
      return expired().answer
    case 403:
      if (policy === 'ConcurrentRequests') return concurrencyRefusal().answer
      if (policy === 'API_DISABLED_FOR_ORG') {
        const message = 'The REST API is not enabled for this Organization.'
        return refuse(403, policy, message).answer
      }
      return dailyRefusal(org.quota.header()).answer
    case 400:
      if (policy === 'QUERY_TIMEOUT') {
        return refuse(400, policy, 'Your query request was running for too long.').answer
      }
      return refuse(400, policy ?? 'UNKNOWN_EXCEPTION', 'injected error').answer
    case 420:
      return { status }
    case 503: {
      const message = 'The server is temporarily unavailable.'
      return refuse(503, 'SERVER_UNAVAILABLE', message).answer
    }
    default: {
      const message =
        'An unexpected error occurred. Please include this ErrorId if you contact support: 1234567890-12345 (123456789)'
      return refuse(status, 'UNKNOWN_EXCEPTION', message).answer
    }
  }
}
