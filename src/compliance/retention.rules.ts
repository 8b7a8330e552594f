import type { RetainedKind } from '#compliance/retained-store.ts'
import type { RetentionRule } from '#compliance/retention.schema.ts'
import { DAY_MS } from '#core/time.ts'

/** A rule as it is kept; null days: for good. */
export interface KeptRule {
  kind: string
  keepDays: number | null
  updatedAt: Date
  updatedBy: string
}

/** For how many days a kind is kept: the rule, never below the kind's minimum; without one the default. Null: for good. */
export function daysOf(
  kind: Pick<RetainedKind, 'defaultDays' | 'minimumDays'>,
  rule: Pick<KeptRule, 'keepDays'> | undefined,
): number | null {
  const days = rule === undefined ? kind.defaultDays : rule.keepDays
  return days === null ? null : Math.max(days, kind.minimumDays)
}

/** What is older is due. */
export function cutOff(now: Date, days: number): Date {
  return new Date(now.getTime() - days * DAY_MS)
}

/** Each kind with the rule that holds for it. */
export function rulesOf(
  kinds: readonly RetainedKind[],
  kept: readonly KeptRule[],
  heldKinds: ReadonlySet<string>,
): RetentionRule[] {
  const byKind = new Map(kept.map((rule) => [rule.kind, rule]))
  return kinds.map((kind) => {
    const rule = byKind.get(kind.name)
    return {
      kind: kind.name,
      about: kind.about,
      days: daysOf(kind, rule) ?? 'keep',
      isDefault: rule === undefined,
      minimumDays: kind.minimumDays,
      isHeld: heldKinds.has(kind.name),
      changedAt: rule?.updatedAt ?? null,
      changedBy: rule?.updatedBy ?? null,
    }
  })
}
