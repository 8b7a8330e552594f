import { Refusal } from '#sandbox/kernel.ts'

/** What a failed call says. Pipedrive docs: HTTP status codes; v1 has `errorCode`, v2 sometimes `code`. */
export interface ErrorBody {
  error: string
  errorCode?: number
  code?: string
  error_info?: string
  data?: null
  additional_data?: null
}

const INFO = 'Please check developers.pipedrive.com for more information about Pipedrive API.'

export function refuse(
  status: number,
  body: ErrorBody,
  headers: Record<string, string> = {},
): Refusal {
  return new Refusal({ status, headers, body: { success: false, ...body } })
}

/** A body or a parameter that v2 does not take; the wording is not promised by anyone. */
export function invalid(message: string): Refusal {
  return refuse(400, {
    error: `Validation failed: ${message}`,
    code: 'ERR_SCHEMA_VALIDATION_FAILED',
  })
}

/** The same for v1. */
export function invalidV1(message: string): Refusal {
  return refuse(400, { error: message, error_info: INFO, data: null, additional_data: null })
}

export function notFound(): Refusal {
  return refuse(404, {
    error: 'Entity was not found',
    error_info: 'Object was not found.',
    data: null,
    additional_data: null,
  })
}

export function unauthorized(): Refusal {
  return refuse(401, { error: 'unauthorized access', errorCode: 401, error_info: INFO })
}

export function tokenExpired(): Refusal {
  return refuse(401, { error: 'Invalid token: access token is invalid', errorCode: 401 })
}

export function paymentRequired(): Refusal {
  return refuse(402, {
    error:
      'Company account is not open (possible reason: trial expired, payment details not entered)',
    errorCode: 402,
  })
}
