import { timingSafeEqual } from 'node:crypto'
import type { Metrics } from '#core/metrics.ts'
import { isLoopback } from '#core/network.ts'
import { Problem } from '#core/problem.ts'
import { SECOND_MS } from '#core/time.ts'
import { bearerOf } from '#gateway/credentials.ts'
import type { RawRoute } from '#gateway/raw-route.ts'
import type { Store } from '#store/store.ts'

export interface HealthParts {
  store: Store
  metrics: Metrics
  metricsToken: string | null
  /** False from the moment a shutdown begins. */
  isReady(): boolean
}

/** `/healthz`: this process lives. `/readyz`: it can do its work. `/metrics`: Prometheus text 0.0.4. */
export function createHealthRoutes(parts: HealthParts): RawRoute[] {
  const json = (status: number, body: unknown) => ({
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(status === 503 ? { 'retry-after': '1' } : {}),
    },
    body: JSON.stringify(body),
  })
  return [
    {
      id: 'healthz',
      method: 'GET',
      path: '/healthz',
      scope: null,
      maxBytes: 0,
      handle: async () => json(200, { status: 'ok' }),
    },
    {
      id: 'readyz',
      method: 'GET',
      path: '/readyz',
      scope: null,
      maxBytes: 0,
      async handle() {
        if (!parts.isReady()) return json(503, { status: 'stopping' })
        try {
          await parts.store.ping(2 * SECOND_MS)
          return json(200, { status: 'ready' })
        } catch (error) {
          return json(503, {
            status: 'database unavailable',
            detail: error instanceof Problem ? error.message : 'The database does not answer.',
          })
        }
      },
    },
    {
      id: 'metrics',
      method: 'GET',
      path: '/metrics',
      scope: null,
      maxBytes: 0,
      async handle({ headers, remoteAddress }) {
        if (!mayRead(bearerOf(headers), remoteAddress, parts.metricsToken)) {
          throw new Problem(
            'auth.required',
            'Send the metrics token as a bearer token, or ask from this machine when none is set.',
          )
        }
        return {
          status: 200,
          headers: { 'content-type': parts.metrics.registry.contentType },
          body: await parts.metrics.registry.metrics(),
        }
      },
    },
  ]
}

function mayRead(token: string | null, remoteAddress: string, expected: string | null): boolean {
  if (expected === null) return isLoopback(remoteAddress)
  const [sent, wanted] = [Buffer.from(token ?? ''), Buffer.from(expected)]
  return sent.length === wanted.length && timingSafeEqual(sent, wanted)
}
