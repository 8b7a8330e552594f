import { compileCondition, type RoutedLead } from './routing-condition.rules.ts'
import type { RoutingRule, RoutingRules } from './routing.schema.ts'

export interface RoutedOwner {
  id: string
  active: boolean
  /** Leads a day over all rules; null: no limit. */
  dailyCapacity: number | null
  absentFrom: Date | null
  absentUntil: Date | null
}

/** What an owner has got from a rule so far. `turn` orders the rotation: the owner with the lowest is next. */
export interface RouteCounter {
  ruleId: string
  ownerId: string
  assigned: number
  assignedToday: number
  turn: number
}

export interface Assignment {
  leadId: string
  ownerId: string | null
  ruleId: string | null
  /** Whether a rule's condition held, or only the fallback was left. */
  isTerritoryMatched: boolean
  slaMinutes: number
  followUp: RoutingRule['followUp']
  why: string
}

type Group = Pick<RoutingRule, 'ownerIds' | 'strategy' | 'slaMinutes' | 'followUp'> & {
  id: string
  name: string
}

/**
 * Gives each lead an owner, in order: the first rule whose condition holds and who has an available owner.
 *
 * Available is an owner who is active, present and below the daily capacity. Within `round_robin` the owner whose
 * last turn is longest ago comes next, so that owners available throughout differ by at most one lead, and one who
 * comes back from an absence is not flooded. The fallback prefers owners below capacity and else overloads the
 * present owner with the fewest leads today: no lead is left while one fallback owner is present.
 *
 * @param counters  what was assigned before; those of rules and owners that are not asked for are only used for the
 *   owners' daily sums.
 * @returns an assignment a lead, in order, and the counters that changed, with their new values.
 * Own method. O(leads · (rules + owners)).
 */
export function route(
  leads: readonly RoutedLead[],
  { rules, fallback }: RoutingRules,
  owners: readonly RoutedOwner[],
  counters: readonly RouteCounter[],
  now: Date,
): { assignments: Assignment[]; changed: RouteCounter[] } {
  const desk = new Desk(owners, counters, now)
  const groups = rules.map((rule) => ({ rule, matches: compileCondition(rule.when) }))
  const last: Group = { id: 'fallback', name: 'the fallback rule', ...fallback }
  const assignments = leads.map((lead) => {
    const matching = groups.filter(({ matches }) => matches(lead) !== null)
    for (const { rule, matches } of matching) {
      const owner = desk.pick(rule, false)
      if (owner) {
        const why = `Rule “${rule.name}”: ${matches(lead)}; ${turnInWords(rule, owner)}.`
        return assigned(lead, rule, owner, true, why)
      }
    }
    const skipped =
      matching.length === 0 ? 'No rule matches' : 'No owner of a matching rule is available'
    const owner = desk.pick(last, true)
    if (!owner)
      return unassigned(
        lead,
        last,
        matching.length > 0,
        `${skipped}, and no fallback owner is present.`,
      )
    return assigned(
      lead,
      last,
      owner,
      matching.length > 0,
      `${skipped}: fallback; ${turnInWords(last, owner)}.`,
    )
  })
  return { assignments, changed: desk.changed() }
}

interface Picked {
  owner: RoutedOwner
  isOverCapacity: boolean
}

/** Owners and counters while a batch is dealt out. */
class Desk {
  readonly #present: Map<string, RoutedOwner>
  readonly #counters = new Map<string, RouteCounter>()
  readonly #today = new Map<string, number>()
  readonly #lastTurn = new Map<string, number>()
  readonly #changed = new Map<string, RouteCounter>()

  constructor(owners: readonly RoutedOwner[], counters: readonly RouteCounter[], now: Date) {
    this.#present = new Map(
      owners.filter((owner) => isPresent(owner, now)).map((owner) => [owner.id, owner]),
    )
    for (const counter of counters) {
      this.#counters.set(`${counter.ruleId} ${counter.ownerId}`, { ...counter })
      this.#today.set(
        counter.ownerId,
        (this.#today.get(counter.ownerId) ?? 0) + counter.assignedToday,
      )
      this.#lastTurn.set(
        counter.ruleId,
        Math.max(this.#lastTurn.get(counter.ruleId) ?? 0, counter.turn),
      )
    }
  }

  pick(group: Group, mayOverload: boolean): Picked | null {
    const present = group.ownerIds.flatMap((id) => this.#present.get(id) ?? [])
    const free = present.filter((owner) => this.#todayOf(owner) < (owner.dailyCapacity ?? Infinity))
    const isOverCapacity = free.length === 0
    if (isOverCapacity && !mayOverload) return null
    const owner = isOverCapacity
      ? lowest(present, (owner) => this.#todayOf(owner))
      : group.strategy === 'single'
        ? free[0]
        : lowest(free, (owner) => this.#counters.get(`${group.id} ${owner.id}`)?.turn ?? 0)
    if (!owner) return null
    this.#count(group.id, owner.id)
    return { owner, isOverCapacity }
  }

  changed(): RouteCounter[] {
    return [...this.#changed.values()]
  }

  #todayOf(owner: RoutedOwner): number {
    return this.#today.get(owner.id) ?? 0
  }

  #count(ruleId: string, ownerId: string): void {
    const key = `${ruleId} ${ownerId}`
    const counter = this.#counters.get(key) ?? {
      ruleId,
      ownerId,
      assigned: 0,
      assignedToday: 0,
      turn: 0,
    }
    counter.assigned += 1
    counter.assignedToday += 1
    counter.turn = (this.#lastTurn.get(ruleId) ?? 0) + 1
    this.#lastTurn.set(ruleId, counter.turn)
    this.#today.set(ownerId, (this.#today.get(ownerId) ?? 0) + 1)
    this.#counters.set(key, counter)
    this.#changed.set(key, counter)
  }
}

/** Whether leads may go to the owner: active and not within the absence, whose end is exclusive and may be open. */
export function isPresent(
  owner: Pick<RoutedOwner, 'active' | 'absentFrom' | 'absentUntil'>,
  now: Date,
): boolean {
  const { active, absentFrom, absentUntil } = owner
  if (!active) return false
  if (absentFrom === null && absentUntil === null) return true
  const hasBegun = absentFrom === null || absentFrom <= now
  const isOver = absentUntil !== null && absentUntil <= now
  return !hasBegun || isOver
}

/** The least by `weight`; ties go to the earlier one. */
function lowest<T>(items: readonly T[], weight: (item: T) => number): T | undefined {
  let best: T | undefined
  let bestWeight = Infinity
  for (const item of items) {
    const itemWeight = weight(item)
    if (itemWeight < bestWeight) {
      best = item
      bestWeight = itemWeight
    }
  }
  return best
}

/** Without the owner's name: the text is kept with the lead, in the clear. */
function turnInWords(group: Group, { owner, isOverCapacity }: Picked): string {
  if (isOverCapacity) return 'all its owners are at capacity, the owner has the fewest leads today'
  if (group.strategy === 'round_robin')
    return `the owner is next in turn among ${group.ownerIds.length}`
  return owner.id === group.ownerIds[0]
    ? 'the owner is its first choice'
    : 'the owner stands in for those before, who are not available'
}

function assigned(
  lead: RoutedLead,
  { id, slaMinutes, followUp }: Group,
  { owner }: Picked,
  isTerritoryMatched: boolean,
  why: string,
): Assignment {
  return {
    leadId: lead.id,
    ownerId: owner.id,
    ruleId: id,
    isTerritoryMatched,
    slaMinutes,
    followUp,
    why,
  }
}

function unassigned(
  lead: RoutedLead,
  last: Group,
  isTerritoryMatched: boolean,
  why: string,
): Assignment {
  const { slaMinutes, followUp } = last
  return {
    leadId: lead.id,
    ownerId: null,
    ruleId: null,
    isTerritoryMatched,
    slaMinutes,
    followUp,
    why,
  }
}
