import type { IncomingHttpHeaders } from 'node:http'

/** One request that reached the vendor's API. */
export interface LoggedCall {
  /** Sandbox time, epoch milliseconds. */
  atMs: number
  method: string
  url: string
  /** `METHOD /the/{template}`, or `unmatched`. */
  route: string
  /** What was answered; 0 when the connection was cut. */
  status: number
  /** The kind of the injected fault, if one was. */
  fault: string | null
  headers: IncomingHttpHeaders
  body: string
}

/** How often each route was called, and with what outcome. */
export interface CallCounts {
  total: number
  byRoute: Record<string, { count: number; byStatus: Record<string, number> }>
}

export interface CallLog {
  add(call: LoggedCall): void
  /** The last requests, oldest first. */
  requests(): LoggedCall[]
  counts(): CallCounts
  clear(): void
}

/** Longer bodies are cut, so that the kept requests stay small. */
const MAX_KEPT_BODY = 256 * 1024

/** Keeps the last `size` requests and counts all of them by route and status. */
export function createCallLog(size: number): CallLog {
  let ring: LoggedCall[] = []
  let next = 0
  const routes = new Map<string, { count: number; byStatus: Map<number, number> }>()
  return {
    add(call) {
      const kept = { ...call, body: call.body.slice(0, MAX_KEPT_BODY) }
      if (ring.length < size) ring.push(kept)
      else if (size > 0) ring[next] = kept
      next = size > 0 ? (next + 1) % size : 0
      const entry = routes.get(call.route) ?? { count: 0, byStatus: new Map<number, number>() }
      entry.count += 1
      entry.byStatus.set(call.status, (entry.byStatus.get(call.status) ?? 0) + 1)
      routes.set(call.route, entry)
    },
    requests: () =>
      ring.length < size ? [...ring] : [...ring.slice(next), ...ring.slice(0, next)],
    counts() {
      const byRoute: CallCounts['byRoute'] = {}
      let total = 0
      for (const [route, { count, byStatus }] of routes) {
        total += count
        byRoute[route] = { count, byStatus: Object.fromEntries(byStatus) }
      }
      return { total, byRoute }
    },
    clear() {
      ring = []
      next = 0
      routes.clear()
    },
  }
}
