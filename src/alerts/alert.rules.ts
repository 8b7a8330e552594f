import { MINUTE_MS } from '#core/time.ts'
import { MAX_FINDINGS, type Finding, type Watch } from './watch.ts'

const BACK_WITHIN_MINUTES = 15

/** An alert that a finding may belong to: one that is open, or one that is over for a short time. */
export interface KnownAlert {
  id: string
  watch: string
  key: string
  state: 'waiting' | 'firing' | 'resolved'
  since: Date
  resolvedAt: Date | null
}

/** What a look comes to for one thing. */
export type Change =
  /** New, and to be told of only when it lasts. */
  | { kind: 'wait'; watch: Watch; finding: Finding }
  /** New; or it has waited for long enough, then `id` names it. */
  | { kind: 'fire'; watch: Watch; finding: Finding; id: string | null }
  /** Back so soon that it is the same trouble. */
  | { kind: 'reopen'; id: string }
  | { kind: 'resolve'; id: string; quietMs: number }
  /** It did not last: nobody was told and nothing is kept. */
  | { kind: 'forget'; id: string }
  | { kind: 'seen'; id: string }

export function rhythmOf({ lastsMinutes = 0, backWithinMinutes = BACK_WITHIN_MINUTES }: Watch) {
  return { lastsMinutes, backWithinMinutes }
}

/**
 * Holds what a watch finds against what is known.
 * @param known  alerts of this watch.
 */
export function compare(
  watch: Watch,
  findings: readonly Finding[],
  known: readonly KnownAlert[],
  now: Date,
): Change[] {
  const { lastsMinutes, backWithinMinutes } = rhythmOf(watch)
  const lastsMs = lastsMinutes * MINUTE_MS
  const quietMs = backWithinMinutes * MINUTE_MS
  const found = new Map(findings.map((finding) => [finding.key, finding]))
  const open = new Map(known.filter(isOpen).map((alert) => [alert.key, alert]))
  const isRecent = ({ resolvedAt }: KnownAlert) =>
    resolvedAt !== null && now.getTime() - resolvedAt.getTime() < quietMs
  const over = new Map(
    known.filter((alert) => !isOpen(alert) && isRecent(alert)).map((alert) => [alert.key, alert]),
  )
  const changes = [...found.values()].map((finding): Change => {
    const alert = open.get(finding.key)
    if (alert?.state === 'firing') return { kind: 'seen', id: alert.id }
    if (alert) {
      const hasLasted = now.getTime() - alert.since.getTime() >= lastsMs
      return hasLasted
        ? { kind: 'fire', watch, finding, id: alert.id }
        : { kind: 'seen', id: alert.id }
    }
    const earlier = over.get(finding.key)
    if (earlier) return { kind: 'reopen', id: earlier.id }
    return lastsMs > 0
      ? { kind: 'wait', watch, finding }
      : { kind: 'fire', watch, finding, id: null }
  })
  // A look that is cut off does not show what is gone.
  if (findings.length >= MAX_FINDINGS) return changes
  for (const { id, key, state } of open.values()) {
    if (found.has(key)) continue
    changes.push(state === 'firing' ? { kind: 'resolve', id, quietMs } : { kind: 'forget', id })
  }
  return changes
}

/** Alerts of watches that there are no more. */
export function closeOrphans(known: readonly KnownAlert[], watches: readonly Watch[]): Change[] {
  const names = new Set(watches.map(({ name }) => name))
  return known
    .filter((alert) => isOpen(alert) && !names.has(alert.watch))
    .map(({ id, state }) =>
      state === 'firing' ? { kind: 'resolve', id, quietMs: 0 } : { kind: 'forget', id },
    )
}

function isOpen({ state }: KnownAlert): boolean {
  return state !== 'resolved'
}
