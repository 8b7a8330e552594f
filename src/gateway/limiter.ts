import {
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
  type RateLimiterAbstract,
} from 'rate-limiter-flexible'
import type { Log } from '#core/log.ts'
import { MINUTE_MS } from '#core/time.ts'
import { Brake } from '#gateway/brake.ts'
import type { RateWindows, Taken } from '#gateway/rate-windows.ts'

const WINDOW_S = 60

export interface LimitState {
  limit: number
  remaining: number
  /** Seconds until the window starts afresh. */
  resetS: number
  allowed: boolean
}

/** Counts the requests of a principal in windows of a minute, and slows down who goes on in spite of refusals. */
export interface Limiter {
  take(key: string, limit: number): Promise<LimitState>
}

type Count = (key: string, limit: number) => Promise<Taken>

/**
 * All processes share the limits: in Redis where there is one, in the database else. When neither answers, each process falls back to half
 * the limit of its own, stricter rather than open.
 * @param redis  a connected client of the `redis` package, or null.
 */
export function createLimiter(redis: object | null, windows: RateWindows, log: Log): Limiter {
  const brake = new Brake()
  const count = redis ? countInRedis(redis) : countInDatabase(windows, log)
  return {
    async take(key, limit) {
      const { state, refusals } = await count(key, limit)
      if (!state.allowed) await brake.hold(key, refusals)
      return state
    },
  }
}

function countInDatabase(windows: RateWindows, log: Log): Count {
  const alone = countAlone()
  let warnedAtMs = Number.NEGATIVE_INFINITY
  return async (key, limit) => {
    try {
      return await windows.take(key, limit)
    } catch (error) {
      if (performance.now() - warnedAtMs > MINUTE_MS) {
        warnedAtMs = performance.now()
        log.warn({ error }, 'the database does not answer; limits are counted by this process')
      }
      return alone(key, limit)
    }
  }
}

/** Half the limit, in memory. */
function countAlone(): Count {
  return countBy(
    (points) =>
      new RateLimiterMemory({ points: Math.max(1, Math.floor(points / 2)), duration: WINDOW_S }),
  )
}

function countInRedis(redis: object): Count {
  return countBy(
    (points) =>
      new RateLimiterRedis({
        points,
        duration: WINDOW_S,
        keyPrefix: `limit:${points}`,
        storeClient: redis,
        useRedisPackage: true,
        insuranceLimiter: new RateLimiterMemory({
          points: Math.max(1, Math.floor(points / 2)),
          duration: WINDOW_S,
        }),
      }),
  )
}

function countBy(make: (points: number) => RateLimiterAbstract): Count {
  const limiters = new Map<number, RateLimiterAbstract>()
  return async (key, limit) => {
    let limiter = limiters.get(limit)
    if (!limiter) limiters.set(limit, (limiter = make(limit)))
    try {
      return { state: stateOf(await limiter.consume(key), limit, true), refusals: 0 }
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused
      return { state: stateOf(refused, limit, false), refusals: refused.consumedPoints - limit }
    }
  }
}

function stateOf(result: RateLimiterRes, limit: number, allowed: boolean): LimitState {
  return {
    limit,
    remaining: allowed ? Math.max(0, result.remainingPoints) : 0,
    resetS: Math.max(1, Math.ceil(result.msBeforeNext / 1000)),
    allowed,
  }
}
