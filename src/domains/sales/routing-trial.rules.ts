import type { z } from 'zod'
import { route, type RoutedOwner } from './routing.rules.ts'
import type { RoutedLead } from './routing-condition.rules.ts'
import type { RoutingRules, RoutingTrialResult } from './routing.schema.ts'

/** A lead as it was routed, with when it came. */
export interface PastLead extends RoutedLead {
  id: `lead_${string}`
  ownerId: `own_${string}` | null
  at: Date
}

type Result = z.output<typeof RoutingTrialResult>

const MAX_MOVES = 200

/**
 * Who would have got past leads under a draft of rules. Leads are dealt out day by day (UTC), so that daily capacity and
 * absences count as they would have. A lead whose owner is among those of the rule that takes it stays.
 *
 * @param leads  in any order.
 * O(leads · (rules + owners)).
 */
export function tryRouting(
  leads: readonly PastLead[],
  draft: RoutingRules,
  owners: readonly RoutedOwner[],
): Result {
  const ownersOf = new Map(draft.rules.map(({ id, ownerIds }) => [id, new Set<string>(ownerIds)]))
  ownersOf.set('fallback', new Set<string>(draft.fallback.ownerIds))
  const byRule = new Map<string | null, number>()
  const byOwner = new Map<string | null, number>()
  const result: Result = {
    leads: leads.length,
    moving: 0,
    unassigned: 0,
    byRule: [],
    byOwner: [],
    moves: [],
  }
  for (const [day, ofDay] of daysOf(leads)) {
    const { assignments } = route(ofDay, draft, owners, [], new Date(`${day}T12:00:00Z`))
    for (const [i, { ruleId, ownerId, why }] of assignments.entries()) {
      const lead = ofDay[i]!
      const stays =
        ruleId !== null && lead.ownerId !== null && ownersOf.get(ruleId)?.has(lead.ownerId) === true
      const toOwnerId = stays ? lead.ownerId : (ownerId as PastLead['ownerId'])
      count(byRule, ruleId)
      count(byOwner, toOwnerId)
      if (toOwnerId === null) result.unassigned += 1
      if (toOwnerId === lead.ownerId) continue
      result.moving += 1
      if (result.moves.length < MAX_MOVES) {
        result.moves.push({ leadId: lead.id, fromOwnerId: lead.ownerId, toOwnerId, ruleId, why })
      }
    }
  }
  return { ...result, byRule: sorted(byRule), byOwner: sorted(byOwner) }
}

function daysOf(leads: readonly PastLead[]): Map<string, PastLead[]> {
  const days = new Map<string, PastLead[]>()
  for (const lead of leads.toSorted((a, b) => a.at.getTime() - b.at.getTime())) {
    const day = lead.at.toISOString().slice(0, 10)
    const list = days.get(day)
    if (list) list.push(lead)
    else days.set(day, [lead])
  }
  return days
}

function count(counts: Map<string | null, number>, id: string | null): void {
  counts.set(id, (counts.get(id) ?? 0) + 1)
}

function sorted(counts: ReadonlyMap<string | null, number>): Result['byRule'] {
  return [...counts].map(([id, leads]) => ({ id, leads })).toSorted((a, b) => b.leads - a.leads)
}
