import type { ScoreRules } from '#analytics/scoring/score-rules.schema.ts'
import { compileScorer, type LeadFacts, type ScoredTouch } from '#analytics/scoring/lead-score.ts'
import { MINUTE_MS } from '#core/time.ts'
import type { EventDraft } from '#jobs/job.ts'
import { activeOverride, effectiveScore, type LeadDraft, type LeadState } from './lead.rules.ts'
import type { RoutedLead } from './routing-condition.rules.ts'
import type { RoutingRules } from './routing.schema.ts'
import { route, type Assignment, type RouteCounter, type RoutedOwner } from './routing.rules.ts'

export type ScoreCause =
  | 'capture'
  | 'touch'
  | 'decay'
  | 'model'
  | 'override'
  | 'override_lifted'
  | 'merge'
  | 'change'

export interface ScoreEntry {
  leadId: string
  fitScore: number
  engagementScore: number
  /** What counted from here on, an override included. */
  score: number
  cause: ScoreCause
}

export interface Scored {
  draft: LeadDraft
  entry: ScoreEntry | null
  isNewlyQualified: boolean
}

/** What scoring reads of a person. */
export interface PersonFacts {
  jobTitle: string | null
  touches: readonly ScoredTouch[]
}

export interface Published<T> {
  version: number
  rules: T
}

/**
 * Scores leads anew. A lead whose points are the same keeps its explanation; an override outlives scoring until its own
 * end. The first time that what counts reaches the threshold qualifies the lead, and never again.
 *
 * O(leads · rules · touches).
 */
export function scoreDrafts(
  drafts: readonly LeadDraft[],
  model: Published<ScoreRules>,
  factsOf: (lead: LeadState) => PersonFacts,
  cause: ScoreCause,
  now: Date,
): Scored[] {
  const score = compileScorer(model.rules)
  const personalRules = rulesAskingFor('jobTitle', model.rules)
  return drafts.map(({ before, after }) => {
    const result = score(scoredFacts(after, factsOf(after)), now.getTime())
    // The explanation is kept in the clear, a job title is not.
    const parts = result.contributions.map((line) =>
      personalRules.has(line.ruleId) ? { ...line, detail: 'the job title matches' } : line,
    )
    const isSame =
      before !== null &&
      before.scoreVersion === model.version &&
      points(before.scoreParts) === points(parts)
    const scored: LeadState = isSame
      ? after
      : {
          ...after,
          fitScore: result.fit,
          engagementScore: result.engagement,
          score: result.total,
          scoreParts: parts,
          scoreVersion: model.version,
          scoredAt: now,
        }
    return settleScore(before, scored, model.rules.mqlThreshold, cause, now)
  })
}

/** What the rules look at. */
export function scoredFacts(lead: LeadState, { jobTitle, touches }: PersonFacts): LeadFacts {
  const { domain, emailDomain, ...company } = lead.attributes
  const { isCustomer, channel } = lead
  return {
    attributes: {
      ...company,
      domain: emailDomain ?? domain,
      companyDomain: domain,
      jobTitle,
      isCustomer,
      channel,
    },
    touches,
  }
}

/** What follows from a score: the end of an override, the crossing of the threshold, a line of history. */
function settleScore(
  before: LeadState | null,
  scored: LeadState,
  threshold: number,
  cause: ScoreCause,
  now: Date,
): Scored {
  const isLifted = scored.override !== null && activeOverride(scored, now) === null
  const after = isLifted ? { ...scored, override: null } : scored
  const counts = effectiveScore(after, now)
  const isNewlyQualified = after.mqlAt === null && counts >= threshold
  const { fitScore, engagementScore } = after
  const line = (lead: LeadState) =>
    [lead.fitScore, lead.engagementScore, lead.score, lead.override?.score].join()
  const entry =
    before !== null && line(before) === line(after)
      ? null
      : {
          leadId: after.id,
          fitScore,
          engagementScore,
          score: counts,
          cause: isLifted ? ('override_lifted' as const) : cause,
        }
  return {
    draft: { before, after: isNewlyQualified ? { ...after, mqlAt: now } : after },
    entry,
    isNewlyQualified,
  }
}

function points(parts: LeadState['scoreParts']): string {
  return parts.map((part) => `${part.ruleId} ${part.points}`).join()
}

function rulesAskingFor(attribute: string, { fit }: ScoreRules): Set<string> {
  const asks = fit.filter(({ when }) => {
    const tests = 'all' in when ? when.all : 'any' in when ? when.any : [when]
    return tests.some((test) => test.attribute === attribute)
  })
  return new Set(asks.map(({ id }) => id))
}

export interface TaskDraft {
  leadId: string
  ownerId: string
  dueAt: Date
}

export interface Desk {
  routing: Published<RoutingRules>
  owners: readonly RoutedOwner[]
  counters: readonly RouteCounter[]
}

export interface Routing {
  drafts: LeadDraft[]
  assignments: Map<string, Assignment>
  counters: RouteCounter[]
}

/** Whether the lead is to be given an owner: it has none, and sales has not turned it down. */
export function isWaiting({ after }: LeadDraft): boolean {
  return after.ownerId === null && after.status !== 'disqualified'
}

/** Routes the leads that wait for an owner, in order. */
export function routeDrafts(drafts: readonly LeadDraft[], desk: Desk, now: Date): Routing {
  const { version, rules } = desk.routing
  const waiting = drafts.filter(isWaiting).map(({ after }) => toRouted(after, now))
  const { assignments, changed } = route(waiting, rules, desk.owners, desk.counters, now)
  const byLead = new Map(assignments.map((assignment) => [assignment.leadId, assignment]))
  const routed = drafts.map((draft): LeadDraft => {
    const assignment = byLead.get(draft.after.id)
    if (!assignment) return draft
    const { ownerId, ruleId, why } = assignment
    const { routing } = draft.after
    const isSame = ownerId === null && routing?.ruleVersion === version && routing.why === why
    if (isSame) return draft
    const after: LeadState = {
      ...draft.after,
      ownerId: ownerId as LeadState['ownerId'],
      routing: { ruleId, ruleVersion: version, why },
    }
    return { before: draft.before, after }
  })
  return { drafts: routed, assignments: byLead, counters: changed }
}

export function toRouted(lead: LeadState, now: Date): RoutedLead {
  const { country, region, industry, employees, domain, emailDomain } = lead.attributes
  const { id, channel, isCustomer } = lead
  const account = domain ?? emailDomain
  return {
    id,
    country,
    region,
    industry,
    employees,
    domain: account,
    channel,
    score: effectiveScore(lead, now),
    isCustomer,
  }
}

/**
 * The follow-up tasks that are due to be made: when a lead gets its owner, and when an owned lead qualifies. The rule
 * that routed it says for which leads and within what time.
 */
export function followUps(
  scored: readonly Scored[],
  routing: Routing,
  rules: RoutingRules,
  now: Date,
): TaskDraft[] {
  const newlyQualified = new Set(
    scored.filter((one) => one.isNewlyQualified).map(({ draft }) => draft.after.id),
  )
  return routing.drafts.flatMap(({ before, after }) => {
    // Sales is at work on a lead of any other status.
    if (after.ownerId === null || after.status !== 'new') return []
    const rule = rules.rules.find(({ id }) => id === after.routing?.ruleId) ?? rules.fallback
    const isAssigned = after.ownerId !== before?.ownerId
    const isDue =
      (isAssigned &&
        (rule.followUp === 'always' || (rule.followUp === 'mql' && after.mqlAt !== null))) ||
      (newlyQualified.has(after.id) && rule.followUp !== 'never')
    if (!isDue) return []
    return [
      {
        leadId: after.id,
        ownerId: after.ownerId,
        dueAt: new Date(now.getTime() + rule.slaMinutes * MINUTE_MS),
      },
    ]
  })
}

/** What other modules are told of scoring and routing. Ids and figures only. */
export function progressEvents(scored: readonly Scored[], routing: Routing): EventDraft[] {
  const events: EventDraft[] = []
  for (const { draft, entry, isNewlyQualified } of scored) {
    const { before, after } = draft
    if (entry !== null && before !== null) {
      const { fitScore, engagementScore, score, cause } = entry
      events.push({
        event: 'lead.scored',
        subjectId: after.id,
        data: { fitScore, engagementScore, score, cause },
      })
    }
    if (isNewlyQualified) {
      events.push({
        event: 'lead.qualified',
        subjectId: after.id,
        data: { personId: after.personId, score: after.score },
      })
    }
  }
  for (const { before, after } of routing.drafts) {
    const { ownerId, routing: reason } = after
    if (ownerId !== null && ownerId !== before?.ownerId) {
      const data = { ownerId, fromOwnerId: before?.ownerId ?? null, ruleId: reason?.ruleId ?? null }
      events.push({ event: 'lead.assigned', subjectId: after.id, data })
    }
    const isLeft = ownerId === null && routing.assignments.has(after.id)
    if (isLeft && (before === null || before.routing === null || before.ownerId !== null)) {
      events.push({
        event: 'lead.unrouted',
        subjectId: after.id,
        data: { why: reason?.why ?? null },
      })
    }
  }
  return events
}
