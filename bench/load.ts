import { Agent } from 'undici'

export interface LoadResult {
  /** Requests answered with a success, a second. */
  perSecond: number
  requests: number
  failures: number
  /** Latency percentiles in milliseconds, from the moment a request was due, so that a stalled server shows (no coordinated omission). */
  p50Ms: number
  p95Ms: number
  p99Ms: number
}

export interface Shot {
  method: 'GET' | 'POST'
  path: string
  body?: string
}

/** Sends requests to one hub over keep-alive connections. */
export class LoadClient {
  readonly #agent: Agent
  readonly #origin: string
  readonly #headers: Record<string, string>

  constructor(origin: string, key: string, connections: number) {
    this.#origin = origin
    this.#agent = new Agent({ connections, pipelining: 1 })
    this.#headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  }

  async send(shot: Shot): Promise<number> {
    const { statusCode, body } = await this.#agent.request({
      origin: this.#origin,
      method: shot.method,
      path: shot.path,
      headers: this.#headers,
      ...(shot.body === undefined ? {} : { body: shot.body }),
    })
    await body.dump()
    return statusCode
  }

  async close(): Promise<void> {
    await this.#agent.close()
  }
}

/** `callers` send as fast as they are answered, for `durationMs`; for the most that a server can take. */
export async function closedLoad(
  client: LoadClient,
  callers: number,
  durationMs: number,
  next: () => Shot,
): Promise<LoadResult> {
  const startMs = performance.now()
  const endMs = startMs + durationMs
  const latencies: number[] = []
  let failures = 0
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < endMs) {
        const sentMs = performance.now()
        const status = await client.send(next())
        if (status >= 400) failures += 1
        latencies.push(performance.now() - sentMs)
      }
    }),
  )
  return summarise(latencies, failures, performance.now() - startMs)
}

/** A request is due every `1000 / rate` milliseconds whether or not earlier ones were answered; for latency under a given load. */
export async function offeredLoad(
  client: LoadClient,
  rate: number,
  durationMs: number,
  next: () => Shot,
): Promise<LoadResult> {
  const startMs = performance.now()
  const count = Math.floor((rate * durationMs) / 1000)
  const latencies: number[] = []
  let failures = 0
  const shots: Promise<void>[] = []
  for (let i = 0; i < count; i += 1) {
    const dueMs = startMs + (i * 1000) / rate
    const waitMs = dueMs - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    shots.push(
      client.send(next()).then((status) => {
        if (status >= 400) failures += 1
        latencies.push(performance.now() - dueMs)
      }),
    )
  }
  await Promise.all(shots)
  return summarise(latencies, failures, performance.now() - startMs)
}

function summarise(latencies: number[], failures: number, durationMs: number): LoadResult {
  const sorted = Float64Array.from(latencies).sort()
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return {
    perSecond: ((latencies.length - failures) * 1000) / durationMs,
    requests: latencies.length,
    failures,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
  }
}
