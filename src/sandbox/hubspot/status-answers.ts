import type { Fault } from '#sandbox/faults.ts'
import type { Answer } from '#sandbox/kernel.ts'
import type { Account } from './account.ts'
import { refuse } from './errors.ts'
import type { ErrorBody } from './errors.ts'
import { dailyBody, searchBody, tenSecondlyBody } from './limits.ts'

/** What HubSpot sends with an injected status. HubSpot docs: error handling, other HTTP errors. */
export function statusAnswer(account: Account, fault: Extract<Fault, { kind: 'status' }>): Answer {
  const { body, headers = {} } = fault
  if (body !== undefined) return { status: fault.status, body, headers }
  if (fault.status === 477) {
    return refuse(477, migrating(), { 'retry-after': '3600', ...headers }).answer
  }
  return refuse(fault.status, bodyFor(account, fault), headers).answer
}

function migrating(): ErrorBody {
  return { message: 'This HubSpot account is being migrated between data hosting locations.' }
}

function bodyFor(account: Account, fault: Extract<Fault, { kind: 'status' }>): ErrorBody {
  switch (fault.status) {
    case 401:
      return {
        category: 'INVALID_AUTHENTICATION',
        message: 'Authentication credentials not found.',
      }
    case 423:
      return { message: 'The resource is locked.' }
    case 429:
      if (fault.policy === 'DAILY') return dailyBody()
      if (fault.policy === 'SECONDLY') return searchBody()
      return tenSecondlyBody(0, account.settings.portalId)
    default:
      return { message: fault.status >= 500 ? 'internal error' : 'injected error' }
  }
}
