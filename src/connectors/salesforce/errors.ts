import { z } from 'zod'
import type { VendorAnswer } from '#connectors/http.ts'
import { HOUR_MS, SECOND_MS } from '#core/time.ts'
import { VendorFault, type FaultKind, type PushResult } from '#sync/connector.ts'
import { DuplicateResult, type SaveError } from './answers.ts'

const ErrorList = z.array(
  z.object({ errorCode: z.string(), message: z.string().default('') }).loose(),
)
const OauthError = z.object({ error: z.string() })

/** What a code means wherever it stands. Codes that are not listed are the fault of the record. */
const KINDS: Readonly<Record<string, FaultKind>> = {
  INVALID_SESSION_ID: 'reauth',
  API_DISABLED_FOR_ORG: 'permission',
  INSUFFICIENT_ACCESS_OR_READONLY: 'permission',
  FUNCTIONALITY_NOT_ENABLED: 'permission',
  SERVER_UNAVAILABLE: 'transient',
  UNKNOWN_EXCEPTION: 'transient',
  UNABLE_TO_LOCK_ROW: 'transient',
  QUERY_TIMEOUT: 'transient',
  TXN_SECURITY_METERING_ERROR: 'transient',
  ALL_OR_NONE_OPERATION_ROLLED_BACK: 'transient',
  INVALID_QUERY_LOCATOR: 'cursor_lost',
  INVALID_FIELD: 'mapping',
  INVALID_TYPE: 'mapping',
  MALFORMED_QUERY: 'mapping',
  NOT_FOUND: 'gone',
  ENTITY_IS_DELETED: 'gone',
  INVALID_CROSS_REFERENCE_KEY: 'record',
  DUPLICATE_VALUE: 'conflict',
  DUPLICATE_EXTERNAL_ID: 'conflict',
  DUPLICATES_DETECTED: 'conflict',
  CANNOT_UPDATE_CONVERTED_LEAD: 'gone',
}

/** What Salesforce means by an error status. Its own wording is dropped: it quotes field values. */
export function faultOf(answer: VendorAnswer): VendorFault {
  const [first] = ErrorList.safeParse(answer.body).data ?? []
  const oauth = OauthError.safeParse(answer.body).data
  const code = first?.errorCode ?? oauth?.error ?? null
  const make = (kind: FaultKind, text: string, retryAfterMs: number | null = null) =>
    new VendorFault(kind, `${text} (status ${answer.status}${code ? `, ${code}` : ''}).`, {
      retryAfterMs,
      code,
    })
  if (code === 'REQUEST_LIMIT_EXCEEDED') {
    return first?.message.includes('ConcurrentRequests')
      ? make('rate_burst', 'Too many long calls at once', 10 * SECOND_MS)
      : make('rate_daily', 'The org’s calls of 24 hours are used up', HOUR_MS)
  }
  if (oauth?.error === 'rate_limit_exceeded') {
    return make('rate_burst', 'Too many logins', 60 * SECOND_MS)
  }
  const known = code === null ? undefined : KINDS[code]
  if (known === 'reauth') return make('reauth', 'The session is over')
  if (known === 'permission') return make('permission', 'Salesforce wants more rights')
  if (known === 'transient') return make('transient', 'Salesforce cannot answer right now')
  if (known === 'cursor_lost') return make('cursor_lost', 'The position in the list is gone')
  switch (answer.status) {
    case 401:
      return make('reauth', 'Salesforce does not accept the session')
    case 403:
      return make('permission', 'Salesforce refuses the call')
    case 404:
      return make('gone', 'Salesforce has no such record or path')
    case 412:
      return make('conflict', 'Somebody changed the record meanwhile')
    case 420:
    case 429:
      return make('rate_burst', 'Too many calls at once', 10 * SECOND_MS)
    case 400:
    case 405:
    case 410:
    case 413:
    case 414:
    case 415:
      return make('mapping', 'Salesforce does not accept the request')
    default:
      return make('transient', 'Salesforce cannot answer right now')
  }
}

/** The code of a row's error, as collections and single calls spell it. */
export function codeOf(error: SaveError | undefined): string {
  return error?.statusCode ?? error?.errorCode ?? 'UNKNOWN'
}

/** The rows that stand in the way of a new one, by a duplicate rule or by a unique value. */
export function idsInTheWay(error: SaveError): string[] {
  const parsed = DuplicateResult.safeParse(error.duplicateResut ?? error.duplicateResult).data
  const matches = parsed?.matchResults.flatMap(({ matchRecords }) => matchRecords) ?? []
  const named = /record with id: (\w{15,18})\b/.exec(error.message)?.[1]
  return [...matches.map(({ record }) => record.Id), ...(named === undefined ? [] : [named])]
}

/** The fields that an error names; names only, never values. */
function fieldsOf(error: SaveError): string[] {
  const named = error.fields ?? []
  const column = /No such column '([\w.]{1,100})'/.exec(error.message)?.[1]
  const missing = /^Required fields are missing: \[([\w, ]{1,500})\]/.exec(error.message)?.[1]
  return [
    ...new Set([...named, ...(column ? [column] : []), ...(missing?.split(', ') ?? [])]),
  ].filter((name) => /^[\w.]{1,100}$/.test(name))
}

/** A refused row. A customer's own rule is told in its own words: they are the rule's, not the record's. */
export function refusedRow(error: SaveError | undefined): PushResult {
  const code = codeOf(error)
  if (!error) return refused('transient', 'ANSWER_INCOMPLETE', 'Salesforce gave no reason.')
  const fields = fieldsOf(error)
  const detail = [
    code === 'FIELD_CUSTOM_VALIDATION_EXCEPTION' ? `Rule: ${error.message.slice(0, 255)}` : '',
    fields.length > 0 ? `Fields: ${fields.join(', ')}.` : '',
  ]
  return refused(KINDS[code] ?? 'record', code, detail.filter(Boolean).join(' '))
}

export function refused(fault: FaultKind, code: string, detail: string): PushResult {
  return { kind: 'refused', fault, code, detail }
}

/** `CODE:message:fields --`, as a file of failed rows has it. */
export function errorOfFile(text: string): SaveError {
  const [statusCode = 'UNKNOWN', ...rest] = text.split(':')
  const tail = rest.pop()?.replace('--', '') ?? ''
  const fields = tail.split(',').flatMap((name) => name.trim() || [])
  return { statusCode, message: rest.join(':'), fields }
}
