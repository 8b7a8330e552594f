import { z } from 'zod'
import { headerOf, retryAfterMs, type VendorAnswer } from '#connectors/http.ts'
import { SECOND_MS } from '#core/time.ts'
import { VendorFault, type FaultKind } from '#sync/connector.ts'

const Texts = z.array(z.coerce.string())

/** One failed row of a batch. */
export const RowError = z.object({
  category: z.string().optional(),
  subCategory: z.string().optional(),
  code: z.string().optional(),
  message: z.string().default(''),
  context: z.record(z.string(), Texts).default({}),
  errors: z
    .array(
      z.object({ code: z.string().optional(), context: z.record(z.string(), Texts).optional() }),
    )
    .default([]),
})
export type RowError = z.infer<typeof RowError>

const ErrorBody = RowError.extend({
  policyName: z.string().optional(),
  correlationId: z.string().optional(),
})

/** What HubSpot means by an error status (fact sheet, sections 2 and 3). Its own wording is dropped: it quotes field values. */
export function faultOf(answer: VendorAnswer, now: Date): VendorFault {
  const body = ErrorBody.safeParse(answer.body).data
  const told = retryAfterMs(answer.headers, now)
  const code = body ? codeOf(body) : null
  const make = (kind: FaultKind, text: string, waitMs: number | null = told) =>
    new VendorFault(kind, `${text} (status ${answer.status}${code ? `, ${code}` : ''}).`, {
      retryAfterMs: waitMs,
      correlationId: body?.correlationId ?? null,
      code,
    })
  switch (answer.status) {
    case 400:
    case 405:
    case 413:
    case 414:
    case 415:
    case 422:
      return make('mapping', 'HubSpot does not accept the request')
    case 401:
    case 530:
      return make('reauth', 'HubSpot does not accept the credentials')
    case 403:
      return make('permission', `HubSpot wants more rights: ${scopesOf(body)}`)
    case 404:
      return make('gone', 'HubSpot has no such record or path')
    case 409:
      return make('conflict', 'HubSpot has a record in the way')
    case 423:
      return make('transient', 'HubSpot has locked the records', told ?? 2 * SECOND_MS)
    case 429:
      return rateFault(answer, body?.policyName ?? null, told, make)
    case 477:
      return make('account', 'HubSpot is moving the account to another region')
    default:
      return make('transient', 'HubSpot cannot answer right now')
  }
}

function rateFault(
  answer: VendorAnswer,
  policy: string | null,
  told: number | null,
  make: (kind: FaultKind, text: string, waitMs: number | null) => VendorFault,
): VendorFault {
  if (policy === 'DAILY') return make('rate_daily', 'The calls of the day are used up', told)
  const intervalMs = Number(headerOf(answer.headers, 'x-hubspot-ratelimit-interval-milliseconds'))
  const isSearch = policy === null || policy === 'SECONDLY'
  const usual = isSearch ? SECOND_MS : intervalMs || 10 * SECOND_MS
  return make('rate_burst', 'The calls of the moment are used up', told ?? usual)
}

/** The most telling code of an error: that of the field, then the category. */
export function codeOf(error: RowError): string {
  const nested = error.errors.find((entry) => entry.code)?.code
  const inText = /"error":"([A-Z_]{1,60})"/.exec(error.message)?.[1]
  return nested ?? error.code ?? inText ?? error.subCategory ?? error.category ?? 'UNKNOWN'
}

/** The properties that an error is about; names only, never values. */
export function propertiesOf(error: RowError): string[] {
  const named = error.errors.flatMap((entry) => entry.context?.['propertyName'] ?? [])
  const inText = [...error.message.matchAll(/"name":"([a-z0-9_]{1,100})"/g)].map((hit) => hit[1]!)
  return [...new Set([...named, ...(error.context['propertyName'] ?? []), ...inText])]
}

/** The id of the record in the way of a new one; null when HubSpot does not say. */
export function existingIdOf(error: RowError): string | null {
  const inText = /Existing ID: (\d{1,20})/.exec(error.message)?.[1]
  return error.context['existingId']?.[0] ?? inText ?? null
}

function scopesOf(body: RowError | undefined): string {
  const scopes = body?.errors.flatMap((entry) => entry.context?.['requiredGranularScopes'] ?? [])
  return scopes?.length ? scopes.join(', ') : 'the answer does not say which'
}
