import type { Principal } from '#gateway/operation.ts'

/** Where one quota stands after a request was counted against it, or refused by it. */
export interface QuotaState {
  /** As the RateLimit fields call it. */
  name: string
  limit: number
  /** As far as this process knows: others may have used more of it meanwhile. */
  remaining: number
  windowS: number
  resetS: number
  allowed: boolean
}

/** Counts requests against the quotas of whoever makes them, by day and month. */
export interface Quotas {
  /** One state a quota; none for who has no quota. A request is admitted by all of them or counts in none. */
  take(principal: Principal, now: Date): Promise<readonly QuotaState[]>
}
