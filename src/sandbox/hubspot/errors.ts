import { randomUUID } from 'node:crypto'

import { Refusal } from '#sandbox/kernel.ts'

/** One entry of `errors` in an answer. HubSpot docs: error handling. */
interface ErrorDetail {
  message: string
  code?: string
  in?: string
  context?: Record<string, string[]>
}

/** What a failed call or a failed row of a batch says. */
export interface ErrorBody {
  category?: string
  subCategory?: string
  message: string
  context?: Record<string, string[]>
  errors?: ErrorDetail[]
  links?: Record<string, string>
  policyName?: string
  errorType?: string
  groupName?: string
}

/** The error model of all CRM endpoints. HubSpot docs: error handling. */
export function refuse(
  status: number,
  body: ErrorBody,
  headers: Record<string, string> = {},
): Refusal {
  return new Refusal({
    status,
    headers,
    body: { status: 'error', correlationId: randomUUID(), ...body },
  })
}

export function badRequest(message: string, context?: Record<string, string[]>): Refusal {
  return refuse(400, {
    category: 'VALIDATION_ERROR',
    message,
    ...(context ? { context } : {}),
  })
}

export function notFound(message = 'resource not found'): Refusal {
  return refuse(404, { category: 'OBJECT_NOT_FOUND', message })
}

/** Why one row cannot be written; the status is that of the whole call without trace ids. */
export class RowRefusal extends Error {
  readonly status: number
  readonly body: ErrorBody

  constructor(status: number, body: ErrorBody) {
    super(body.message)
    this.status = status
    this.body = body
  }
}
