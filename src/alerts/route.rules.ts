import type { Severity } from './watch.ts'

/** The watch that looks after the channels themselves. */
export const CHANNEL_WATCH = 'alerts.channel_failing'

const rank: Record<Severity, number> = { info: 0, warning: 1, critical: 2 }

export interface Route {
  id: string
  minSeverity: Severity
  /** `*`, `sync.*` or the name of a watch. */
  watches: readonly string[]
}

/** Whether a channel is told of an alert. None is told of its own trouble: it could not hear it. */
export function wants(
  route: Route,
  alert: { watch: string; key: string; severity: Severity },
): boolean {
  if (alert.watch === CHANNEL_WATCH && alert.key === route.id) return false
  if (rank[alert.severity] < rank[route.minSeverity]) return false
  return route.watches.some(
    (pattern) =>
      pattern === '*' ||
      pattern === alert.watch ||
      (pattern.endsWith('.*') && alert.watch.startsWith(pattern.slice(0, -1))),
  )
}
