import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#core/time.ts'

/** When the attempts after the first are due, counted from the one before (Standard Webhooks, "Deliverability"). */
const WAITS_MS = [
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
]
/** Nothing reached the endpoint for so long: it is switched off, and its owner is told. */
const GIVE_UP_MS = 5 * DAY_MS
const MAX_RETRY_AFTER_MS = DAY_MS

/** What became of one attempt. `status` is null when no answer came. */
export interface Attempt {
  status: number | null
  /** Why there was no answer, without anything secret. */
  error: string | null
  retryAfterMs: number | null
  durationMs: number
}

export type Verdict =
  | { kind: 'delivered' }
  | { kind: 'retry'; waitMs: number }
  | { kind: 'failed' }
  /** The receiver says that it is gone for good. */
  | { kind: 'gone' }

/**
 * Decides what follows an attempt: only 2xx is a success; a redirect is a failure and is never followed; 410 ends the
 * endpoint; `Retry-After` is honoured up to a day.
 * @param attempts  how many were made, this one among them, from 1.
 * @param jitter  in [0, 1): spreads what failed together by up to a tenth.
 */
export function judge(attempt: Attempt, attempts: number, jitter: number): Verdict {
  const { status } = attempt
  if (status !== null && status >= 200 && status < 300) return { kind: 'delivered' }
  if (status === 410) return { kind: 'gone' }
  const usualMs = WAITS_MS[attempts - 1]
  if (usualMs === undefined) return { kind: 'failed' }
  const askedMs = Math.min(attempt.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS)
  return { kind: 'retry', waitMs: Math.round(Math.max(usualMs * (1 + jitter / 10), askedMs)) }
}

/** Whether the receiver asks for fewer requests: then nothing else is sent to it until this message is due again. */
export function isThrottled(status: number | null): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504
}

export function isHopeless(failingSince: Date | null, now: Date): boolean {
  return failingSince !== null && now.getTime() - failingSince.getTime() >= GIVE_UP_MS
}

/** `Retry-After` in milliseconds from now, from seconds or an HTTP date (RFC 9110 §10.2.3); null when absent or unreadable. */
export function readRetryAfter(header: string | undefined, now: Date): number | null {
  if (header === undefined) return null
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * SECOND_MS
  const atMs = Date.parse(header)
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - now.getTime())
}
