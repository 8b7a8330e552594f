import { DAY_MS, HOUR_MS, MINUTE_MS } from '#core/time.ts'
import type { FaultKind } from './connector.ts'

/** Until the next try, by how many came before; the last goes on until the time is over. */
const PAUSES_MS = [2 * MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, DAY_MS]
/** Credentials of a connection that is gone are not kept for longer. */
const KEPT_MS = 7 * DAY_MS
/** What another try with the same credentials may be over. */
const PASSING: readonly FaultKind[] = [
  'transient',
  'rate_burst',
  'rate_daily',
  'rate_share',
  'cursor_lost',
]

/** How long after a try the next one may begin, as the system asked for or longer. A try lasts less than the first pause. */
export function pauseMs(attempts: number, retryAfterMs: number | null = null): number {
  const own = PAUSES_MS[Math.min(Math.max(attempts, 1), PAUSES_MS.length) - 1]!
  return Math.min(Math.max(own, retryAfterMs ?? 0), DAY_MS)
}

/** Whether the system is not asked again, so that somebody takes the webhooks away by hand. */
export function isFinal(kind: FaultKind): boolean {
  return !PASSING.includes(kind)
}

export function isOver(deletedAt: Date, now: Date): boolean {
  return now.getTime() - deletedAt.getTime() >= KEPT_MS
}
