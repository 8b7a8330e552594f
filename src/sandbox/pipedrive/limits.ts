import type { SandboxClock } from '#sandbox/clock.ts'
import { Refusal } from '#sandbox/kernel.ts'
import type { AccountSettings, Caller } from './account.ts'
import { costOf, isSearch } from './costs.ts'
import { refuse } from './errors.ts'

/** Pipedrive docs: rate limits. `null` lifts a limit. */
export interface Limits {
  /** Tokens from midnight to midnight, all users and apps of the company together. */
  daily: number | null
  /** Calls in any two seconds, for each API token. */
  tokenBurst: number | null
  /** Calls in any two seconds, for each OAuth access token. */
  oauthBurst: number | null
  /** Searches in any two seconds, on every plan. */
  searchBurst: number | null
  /** After this many 429s within a minute the network in front blocks the company; the vendor names no figure. */
  refusalsBeforeBlock: number | null
  /** How long it blocks. */
  blockMs: number
}

/** Pipedrive docs: 30,000 tokens × the plan's factor × seats. */
export const PLAN_FACTORS = { lite: 1, growth: 2, premium: 5, ultimate: 7 } as const
const BURSTS = {
  lite: [20, 80],
  growth: [40, 160],
  premium: [100, 400],
  ultimate: [120, 480],
} as const

export type Plan = keyof typeof PLAN_FACTORS

/** The limits of a plan with so many seats. */
export function limitsOf(plan: Plan, seats: number): Limits {
  const [tokenBurst, oauthBurst] = BURSTS[plan]
  return {
    daily: 30_000 * PLAN_FACTORS[plan] * seats,
    tokenBurst,
    oauthBurst,
    searchBurst: 10,
    refusalsBeforeBlock: 60,
    blockMs: 5 * 60_000,
  }
}

const WINDOW_MS = 2000
const MINUTE_MS = 60_000
const BLOCK_PAGE =
  '<!DOCTYPE html><html><head><title>Access denied</title></head><body>error code: 1015</body></html>'

/** What was spent. */
export interface Usage {
  /** Tokens since midnight. */
  spent: number
  /** Tokens of the day; 0 when there is no limit. */
  budget: number
  /** The most tokens that a day has taken so far. */
  peak: number
}

/** Counts the calls and tokens of a company and refuses those beyond its limits. */
export class RateLimiter {
  limits: Limits
  private readonly clock: SandboxClock
  private readonly settings: AccountSettings
  private windows = new Map<string, number[]>()
  private refusals: number[] = []
  private blockedUntilMs = 0
  private day = ''
  private dayCheckedAtMs = Number.NEGATIVE_INFINITY
  private spent = 0
  private peak = 0

  constructor(clock: SandboxClock, settings: AccountSettings, limits: Limits) {
    this.clock = clock
    this.settings = settings
    this.limits = limits
  }

  /** Forgets all calls so far. */
  reset(): void {
    this.windows.clear()
    this.refusals = []
    this.blockedUntilMs = 0
    this.spent = 0
    this.peak = 0
  }

  /**
   * Counts one call and its tokens; returns the rate headers of its answer.
   * @throws Refusal 429 when a limit is reached (the call is then not counted), 403 in HTML once the company is blocked.
   */
  admit(caller: Caller, route: string): Record<string, string> {
    const nowMs = this.clock.now()
    this.startDay(nowMs)
    if (nowMs < this.blockedUntilMs) throw new Refusal(BLOCK_ANSWER)
    const max = caller.kind === 'oauth' ? this.limits.oauthBurst : this.limits.tokenBurst
    const key = isSearch(route) ? `search ${caller.key}` : caller.key
    const limit = isSearch(route) ? this.limits.searchBurst : max
    const used = this.used(key, nowMs)
    if (limit !== null && used >= limit)
      throw this.refused(nowMs, this.headers(limit, 0, nowMs, key))
    const cost = costOf(route)
    const { daily } = this.limits
    if (daily !== null && this.spent + cost > daily) {
      throw this.refused(nowMs, this.headers(limit, (limit ?? 0) - used, nowMs, key))
    }
    this.windows.get(key)?.push(nowMs)
    this.spent += cost
    this.peak = Math.max(this.peak, this.spent)
    return this.headers(limit, (limit ?? 0) - used - 1, nowMs, key)
  }

  usage(): Usage {
    this.startDay(this.clock.now())
    return { spent: this.spent, budget: this.limits.daily ?? 0, peak: this.peak }
  }

  /** Tokens that others of the company use. */
  spend(tokens: number): void {
    this.startDay(this.clock.now())
    this.spent += tokens
    this.peak = Math.max(this.peak, this.spent)
  }

  private used(key: string, nowMs: number): number {
    const times = (this.windows.get(key) ?? []).filter((atMs) => atMs > nowMs - WINDOW_MS)
    this.windows.set(key, times)
    return times.length
  }

  /** Those who do not heed refusals are blocked in the end. */
  private refused(nowMs: number, headers: Record<string, string>): Refusal {
    this.refusals = this.refusals.filter((atMs) => atMs > nowMs - MINUTE_MS)
    this.refusals.push(nowMs)
    const { refusalsBeforeBlock, blockMs } = this.limits
    if (refusalsBeforeBlock !== null && this.refusals.length >= refusalsBeforeBlock) {
      this.blockedUntilMs = nowMs + blockMs
      this.refusals = []
    }
    return refuse(429, overLimit(), headers)
  }

  private headers(
    limit: number | null,
    left: number,
    nowMs: number,
    key: string,
  ): Record<string, string> {
    if (limit === null || this.settings.hidesRateHeaders) return {}
    const oldest = this.windows.get(key)?.[0] ?? nowMs
    const resetS = Math.max(1, Math.ceil((oldest + WINDOW_MS - nowMs) / 1000))
    return {
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(Math.max(0, left)),
      'x-ratelimit-reset': String(resetS),
    }
  }

  /** Starts the count again after midnight. Looks once a minute. */
  private startDay(nowMs: number): void {
    if (Math.floor(nowMs / MINUTE_MS) === Math.floor(this.dayCheckedAtMs / MINUTE_MS)) return
    this.dayCheckedAtMs = nowMs
    const day = new Intl.DateTimeFormat('en-CA', { timeZone: this.settings.timeZone }).format(nowMs)
    if (day === this.day) return
    this.day = day
    this.spent = 0
  }
}

/** By experience: the same words for the burst and the day; only the headers differ. */
export function overLimit() {
  return { error: 'request over limit', errorCode: 429 }
}

/** Pipedrive docs: who goes on after 429s is answered by the network in front, in HTML. */
export const BLOCK_ANSWER = {
  status: 403,
  body: BLOCK_PAGE,
  headers: { 'content-type': 'text/html' },
}
