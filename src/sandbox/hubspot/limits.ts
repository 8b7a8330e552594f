import type { SandboxClock } from '#sandbox/clock.ts'
import { refuse } from './errors.ts'
import type { AccountSettings, Caller } from './account.ts'

/** HubSpot docs: API usage details. `null` lifts a limit. */
export interface Limits {
  /** Calls in any ten seconds, for each app. */
  tenSecondly: number | null
  /** Calls from midnight to midnight in the account's time zone, all private apps together. */
  daily: number | null
  /** Search calls in any second, all apps together. */
  searchSecondly: number | null
}

/** A private app in a Professional account. */
export const DEFAULT_LIMITS: Limits = { tenSecondly: 190, daily: 625_000, searchSecondly: 5 }

const INTERVAL_MS = 10_000

/** A rolling window of call times. */
class Window {
  private times: number[] = []
  private first = 0

  /** How many calls fell into the `lengthMs` before `nowMs`. */
  count(nowMs: number, lengthMs: number): number {
    while (this.first < this.times.length && (this.times[this.first] ?? 0) <= nowMs - lengthMs) {
      this.first += 1
    }
    if (this.first > 1024) {
      this.times = this.times.slice(this.first)
      this.first = 0
    }
    return this.times.length - this.first
  }

  add(nowMs: number): void {
    this.times.push(nowMs)
  }
}

/** Counts the calls of an account and refuses those beyond its limits. */
export class RateLimiter {
  limits: Limits
  private readonly clock: SandboxClock
  private readonly settings: AccountSettings
  private apps = new Map<number, Window>()
  private searches = new Window()
  private day = ''
  private dayCheckedAtMs = Number.NEGATIVE_INFINITY
  private callsToday = 0

  constructor(clock: SandboxClock, settings: AccountSettings, limits: Limits) {
    this.clock = clock
    this.settings = settings
    this.limits = limits
  }

  /** Forgets all calls so far. */
  reset(): void {
    this.apps.clear()
    this.searches = new Window()
    this.callsToday = 0
  }

  /**
   * Counts one call; returns the rate headers of its answer.
   * @throws Refusal 429 when a limit is reached; the call is then not counted.
   */
  admit(caller: Caller, isSearch: boolean): Record<string, string> {
    const nowMs = this.clock.now()
    this.startDay(nowMs)
    const isDailyLimited = caller.kind === 'static' && this.limits.daily !== null
    if (isDailyLimited && this.callsToday >= (this.limits.daily ?? 0)) {
      throw refuse(429, dailyBody(), this.headers(caller, nowMs))
    }
    if (isSearch) {
      this.admitSearch(nowMs)
      this.callsToday += 1
      return {}
    }
    const window = this.windowOf(caller)
    const used = window.count(nowMs, INTERVAL_MS)
    if (this.limits.tenSecondly !== null) {
      if (used >= this.limits.tenSecondly) {
        const retry = this.settings.sendsRetryAfter ? { 'retry-after': '10' } : {}
        const headers = { ...this.headers(caller, nowMs), ...retry }
        throw refuse(429, tenSecondlyBody(caller.appId, this.settings.portalId), headers)
      }
      window.add(nowMs)
    }
    this.callsToday += 1
    return this.headers(caller, nowMs)
  }

  /** Other private apps of the account made so many calls. */
  spend(calls: number): void {
    this.startDay(this.clock.now())
    this.callsToday += calls
  }

  /** HubSpot docs: account information, daily API usage of private apps. */
  usage(): { used: number; limit: number } {
    this.startDay(this.clock.now())
    return { used: this.callsToday, limit: this.limits.daily ?? 0 }
  }

  /** HubSpot docs: search has its own limit and sends no rate headers. */
  private admitSearch(nowMs: number): void {
    if (this.limits.searchSecondly === null) return
    if (this.searches.count(nowMs, 1000) >= this.limits.searchSecondly) {
      const headers: Record<string, string> = this.settings.sendsRetryAfter
        ? { 'retry-after': '1' }
        : {}
      throw refuse(429, searchBody(), headers)
    }
    this.searches.add(nowMs)
  }

  private headers(caller: Caller, nowMs: number): Record<string, string> {
    const { tenSecondly, daily } = this.limits
    const headers: Record<string, string> = {}
    if (tenSecondly !== null) {
      const left = Math.max(0, tenSecondly - this.windowOf(caller).count(nowMs, INTERVAL_MS))
      headers['x-hubspot-ratelimit-max'] = String(tenSecondly)
      headers['x-hubspot-ratelimit-remaining'] = String(left)
      headers['x-hubspot-ratelimit-interval-milliseconds'] = String(INTERVAL_MS)
    }
    if (daily !== null && caller.kind === 'static') {
      headers['x-hubspot-ratelimit-daily'] = String(daily)
      headers['x-hubspot-ratelimit-daily-remaining'] = String(Math.max(0, daily - this.callsToday))
    }
    return headers
  }

  private windowOf(caller: Caller): Window {
    const window = this.apps.get(caller.appId) ?? new Window()
    this.apps.set(caller.appId, window)
    return window
  }

  /** Starts the count again after midnight in the account's time zone. Looks once a minute. */
  private startDay(nowMs: number): void {
    if (Math.floor(nowMs / 60_000) === Math.floor(this.dayCheckedAtMs / 60_000)) return
    this.dayCheckedAtMs = nowMs
    const day = new Intl.DateTimeFormat('en-CA', { timeZone: this.settings.timeZone }).format(nowMs)
    if (day === this.day) return
    this.day = day
    this.callsToday = 0
  }
}

/** HubSpot docs: API usage details, 429 responses. */
export function tenSecondlyBody(appId: number, portalId: number) {
  return {
    message: 'You have reached your ten_secondly_rolling limit.',
    errorType: 'RATE_LIMIT',
    policyName: 'TEN_SECONDLY_ROLLING',
    groupName: `publicapi:private_app-api-calls-ten-secondly:${appId}:${portalId}`,
  }
}

export function dailyBody() {
  return {
    message: 'You have reached your daily limit.',
    errorType: 'RATE_LIMIT',
    policyName: 'DAILY',
  }
}

export function searchBody() {
  return {
    message: 'You have reached your secondly limit.',
    errorType: 'RATE_LIMIT',
    policyName: 'SECONDLY',
  }
}
