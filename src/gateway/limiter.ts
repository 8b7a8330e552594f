import {
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
  type RateLimiterAbstract,
} from 'rate-limiter-flexible'
import { Brake } from '#gateway/brake.ts'

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

/**
 * @param redis  a connected client of the `redis` package, or null.
 *
 * In memory for one process; in Redis when several processes share the limits. When Redis does not answer, each process
 * falls back to half the limit of its own, stricter rather than open.
 */
export function createLimiter(redis: object | null): Limiter {
  const brake = new Brake()
  const limiters = new Map<number, RateLimiterAbstract>()
  const limiterOf = (points: number): RateLimiterAbstract => {
    let limiter = limiters.get(points)
    if (!limiter) {
      const options = { points, duration: WINDOW_S, keyPrefix: `limit:${points}` }
      limiter = redis
        ? new RateLimiterRedis({
            ...options,
            storeClient: redis,
            useRedisPackage: true,
            insuranceLimiter: new RateLimiterMemory({
              points: Math.max(1, Math.floor(points / 2)),
              duration: WINDOW_S,
            }),
          })
        : new RateLimiterMemory(options)
      limiters.set(points, limiter)
    }
    return limiter
  }
  return {
    async take(key, limit) {
      try {
        return stateOf(await limiterOf(limit).consume(key), limit, true)
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused
        await brake.hold(key, refused.consumedPoints - limit)
        return stateOf(refused, limit, false)
      }
    },
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
