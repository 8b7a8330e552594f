import { z } from 'zod'
import { headerOf, type VendorAnswer } from '#connectors/http.ts'
import { MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { VendorFault, type FaultKind } from '#sync/connector.ts'

const ErrorBody = z.object({
  error: z.string().optional(),
  code: z.string().optional(),
})

/** 429s in a row, without a header that tells which limit it is, that mean the day and not the moment. */
const PATIENCE = 3
/** How long the network in front of Pipedrive is left alone after it blocked the company. */
const BLOCK_MS = 15 * MINUTE_MS

/**
 * What Pipedrive means by an error status (fact sheet, sections 1 to 3). Its own wording is dropped: it quotes values.
 * @param refusals  429s in a row, this one among them.
 */
export function faultOf(answer: VendorAnswer, refusals: number): VendorFault {
  const body = ErrorBody.safeParse(answer.body).data
  const code = body?.code ?? null
  const make = (kind: FaultKind, text: string, retryAfterMs: number | null = null) =>
    new VendorFault(kind, `${text} (status ${answer.status}${code ? `, ${code}` : ''}).`, {
      retryAfterMs,
      code: code ?? `HTTP_${answer.status}`,
    })
  switch (answer.status) {
    case 400:
    case 405:
    case 415:
    case 422:
      return make('mapping', 'Pipedrive does not accept the request')
    case 401:
      return make('reauth', 'Pipedrive does not accept the credentials')
    case 402:
      return make('account', 'The Pipedrive company is not open: trial or payment')
    case 403:
      if (body === undefined) return make('account', 'Pipedrive blocks all calls', BLOCK_MS)
      if (code?.startsWith('feature_capping')) {
        return make('account', 'The Pipedrive plan allows no more records')
      }
      return make('permission', 'Pipedrive wants another scope or right for this call')
    case 404:
    case 410:
      return make('gone', 'Pipedrive has no such record or path')
    case 429:
      return rateFault(answer, refusals, make)
    default:
      return make('transient', 'Pipedrive cannot answer right now')
  }
}

/**
 * The moment's limit says that nothing is left of it; the day's budget refuses while there is room. Where the headers
 * are missing, the first refusals are taken for the moment's.
 */
function rateFault(
  answer: VendorAnswer,
  refusals: number,
  make: (kind: FaultKind, text: string, waitMs?: number | null) => VendorFault,
): VendorFault {
  const remaining = headerOf(answer.headers, 'x-ratelimit-remaining')
  const isMoment = remaining === null ? refusals <= PATIENCE : Number(remaining) <= 0
  if (!isMoment) return make('rate_daily', 'The API tokens of the day are used up')
  return make('rate_burst', 'The calls of the moment are used up', resetMs(answer))
}

/** When the window of two seconds is open again, in milliseconds. */
export function resetMs(answer: VendorAnswer): number {
  const seconds = Number(headerOf(answer.headers, 'x-ratelimit-reset'))
  return seconds > 0 && seconds <= 10 ? seconds * SECOND_MS : 2 * SECOND_MS
}
