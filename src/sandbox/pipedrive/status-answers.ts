import type { Fault } from '#sandbox/faults.ts'
import type { Answer } from '#sandbox/kernel.ts'
import type { Account } from './account.ts'
import { paymentRequired, refuse, tokenExpired } from './errors.ts'
import { BLOCK_ANSWER, overLimit } from './limits.ts'

/**
 * What Pipedrive sends with an injected status. Of 429 there are two pictures: `BURST` (nothing left of the window) and
 * `DAILY` (the window has room); `CDN` with 403 is the block in HTML.
 */
export function statusAnswer(account: Account, fault: Extract<Fault, { kind: 'status' }>): Answer {
  const { status, policy, body, headers = {} } = fault
  if (body !== undefined) return { status, body, headers }
  if (status === 402) return paymentRequired().answer
  if (status === 401) return tokenExpired().answer
  if (status === 403 && policy === 'CDN') return BLOCK_ANSWER
  if (status === 429)
    return refuse(429, overLimit(), { ...picture(account, policy), ...headers }).answer
  return refuse(status, { error: WORDS[status] ?? 'Unknown error', errorCode: status }, headers)
    .answer
}

function picture(account: Account, policy: string | undefined): Record<string, string> {
  if (account.settings.hidesRateHeaders) return {}
  const limit = account.limiter.limits.tokenBurst ?? 20
  const left = policy === 'DAILY' ? limit - 1 : 0
  return {
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(left),
    'x-ratelimit-reset': '2',
  }
}

/** Pipedrive docs: HTTP status codes. */
const WORDS: Readonly<Record<number, string>> = {
  403: 'Scope and URL mismatch',
  404: 'Entity was not found',
  405: 'Incorrect request method',
  410: 'The resource is permanently unavailable',
  415: 'Feature is not enabled',
  422: 'Webhooks limit reached',
  500: 'Generic server error',
  501: 'Non-existent functionality',
  503: 'Scheduled maintenance',
}
