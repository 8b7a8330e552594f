import type { JsonObject } from '#sandbox/json.ts'
import { Refusal } from '#sandbox/kernel.ts'

/** One error of a row. Salesforce docs: REST, sObject collections; `statusCode` there. */
export interface RowError {
  code: string
  message: string
  fields?: string[]
  /** DUPLICATES_DETECTED brings the matches; the vendor's spelling of the key is `duplicateResut`. */
  duplicateResut?: JsonObject
}

/** Why one row cannot be written; a call that is only this row answers `status`. */
export class RowRefusal extends Error {
  readonly error: RowError
  readonly status: number

  constructor(code: string, message: string, fields?: string[], status = 400) {
    super(message)
    this.error = fields ? { code, message, fields } : { code, message }
    this.status = status
  }
}

/** An answer with the error list of the REST API. Salesforce docs: status codes and error responses. */
export function refuse(
  status: number,
  errorCode: string,
  message: string,
  fields?: string[],
): Refusal {
  return new Refusal({
    status,
    body: [{ message, errorCode, ...(fields ? { fields } : {}) }],
  })
}

/** The refusal of one row as the answer of a whole call. */
export function refusalOf({ error, status }: RowRefusal): Refusal {
  const { code, message, fields, duplicateResut } = error
  return new Refusal({
    status,
    body: [
      {
        ...(duplicateResut ? { duplicateResut } : { fields: fields ?? [] }),
        message,
        errorCode: code,
      },
    ],
  })
}

/** The error as sObject collections spell it. */
export function collectionError({ code, message, fields, duplicateResut }: RowError): JsonObject {
  return {
    statusCode: code,
    message,
    fields: fields ?? [],
    ...(duplicateResut ? { duplicateResut } : {}),
  }
}

export function notFound(): Refusal {
  return refuse(404, 'NOT_FOUND', 'The requested resource does not exist')
}

export function badJson(detail = 'Unexpected character'): Refusal {
  return refuse(400, 'JSON_PARSER_ERROR', detail)
}
