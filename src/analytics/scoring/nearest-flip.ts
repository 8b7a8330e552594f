import { compileCondition } from './conditions.ts'
import type { LeadAttributes } from './conditions.ts'
import { compileScorer } from './lead-score.ts'
import type { LeadFacts } from './lead-score.ts'
import type { Condition, EngagementRule, FitRule, ScoreRules, Test } from './score-rules.schema.ts'

/** One thing that would be otherwise. */
export interface FlipChange {
  ruleId: string
  label: string
  /** `fact`: attributes of the lead have these values, null: none. `touches`: so many more, at the moment of scoring. */
  change:
    | { kind: 'fact'; attributes: Record<string, string | number | boolean | null> }
    | { kind: 'touches'; touchKind: string; channel: string; count: number }
}

/** The least that would put a lead on the other side of the threshold. */
export interface Flip {
  isQualified: boolean
  threshold: number
  total: number
  /** Null: no one or two changes that the rules ask about would do it. */
  nearest: { changes: FlipChange[]; total: number } | null
}

/** Further touches of one kind that are tried. */
const MOST_TOUCHES = 10

/**
 * The smallest change that would flip whether a lead is marketing-qualified: one change before two; among as many, fewer
 * touches, then the one that goes least beyond the threshold. Each was tried by scoring the changed lead.
 *
 * @param isAllowed  whether a change of this attribute may be proposed; all may unless given.
 * @see Wachter, Mittelstadt & Russell, "Counterfactual explanations without opening the black box", Harvard JOLT 31 (2018).
 * O(changes² · rules · touches), with at most one change for each rule and number of touches.
 */
export function nearestFlip(
  lead: LeadFacts,
  rules: ScoreRules,
  atMs: number,
  isAllowed: (attribute: string) => boolean = () => true,
): Flip {
  const score = compileScorer(rules)
  const threshold = rules.mqlThreshold
  const { total } = score(lead, atMs)
  const isQualified = total >= threshold
  const after = (changes: readonly FlipChange[]) => score(changed(lead, changes, atMs), atMs).total
  const hasFlipped = (found: number) => found >= threshold !== isQualified
  const single = changesOf(lead, rules, !isQualified, isAllowed)
  const tried = single.map((change) => ({ changes: [change], total: after([change]) }))
  let flips = tried.filter((each) => hasFlipped(each.total))
  if (flips.length === 0) {
    // Of touches, the most of each kind stand for all numbers; fewer are tried once a pair is found.
    const helpful = tried.filter((each) => (isQualified ? each.total < total : each.total > total))
    flips = helpful.flatMap(({ changes: [a] }, i) =>
      helpful.slice(i + 1).flatMap(({ changes: [b] }) => {
        if (a!.ruleId === b!.ruleId) return []
        const changes = [a!, b!]
        const found = after(changes)
        return hasFlipped(found) ? [{ changes, total: found }] : []
      }),
    )
  }
  const [nearest = null] = flips.toSorted(
    (a, b) =>
      touchesIn(a.changes) - touchesIn(b.changes) ||
      Math.abs(a.total - threshold) - Math.abs(b.total - threshold),
  )
  return { isQualified, threshold, total, nearest }
}

/** The lead as it would be: what replays a proposed change. */
export function changed(
  { attributes, touches }: LeadFacts,
  changes: readonly FlipChange[],
  atMs: number,
): LeadFacts {
  const facts = changes.flatMap(({ change }) => (change.kind === 'fact' ? [change.attributes] : []))
  const more = changes.flatMap(({ change }) =>
    change.kind === 'fact'
      ? []
      : Array.from({ length: change.count }, () => ({
          kind: change.touchKind,
          channel: change.channel,
          atMs,
        })),
  )
  return {
    attributes: Object.assign({ ...attributes }, ...facts) as LeadAttributes,
    touches: [...touches, ...more],
  }
}

function touchesIn(changes: readonly FlipChange[]): number {
  return changes.reduce(
    (sum, { change }) => sum + (change.kind === 'touches' ? change.count : 0),
    0,
  )
}

/** Changes that may move the total up or down, as the rules tell. */
function changesOf(
  { attributes }: LeadFacts,
  rules: ScoreRules,
  isUp: boolean,
  isAllowed: (attribute: string) => boolean,
): FlipChange[] {
  const facts = rules.fit.flatMap((rule) => {
    const holds = compileCondition(rule.when)(attributes) !== null
    const wanted = rule.points > 0 === isUp
    if (rule.points === 0 || holds === wanted) return []
    return changesOfFact(rule, wanted, isAllowed)
  })
  // What was done stays done: only further touches can be proposed.
  const touches = rules.engagement.flatMap((rule) =>
    rule.points !== 0 && rule.points > 0 === isUp ? changesOfTouches(rule) : [],
  )
  return [...facts, ...touches]
}

function changesOfFact(
  { id, label, when }: FitRule,
  wanted: boolean,
  isAllowed: (attribute: string) => boolean,
): FlipChange[] {
  return assignments(when, wanted)
    .filter((attributes) => Object.keys(attributes).every(isAllowed))
    .map((attributes) => ({ ruleId: id, label, change: { kind: 'fact' as const, attributes } }))
}

function changesOfTouches({ id, label, kinds, channels }: EngagementRule): FlipChange[] {
  return Array.from({ length: MOST_TOUCHES }, (_, i) => ({
    ruleId: id,
    label,
    change: {
      kind: 'touches' as const,
      touchKind: kinds?.[0] ?? 'page',
      channel: channels?.[0] ?? 'direct',
      count: i + 1,
    },
  }))
}

type Assignment = Record<string, string | number | boolean | null>

/** Values of attributes under which a condition holds, or does not. */
function assignments(condition: Condition, wanted: boolean): Assignment[] {
  const isEach = 'all' in condition
  const tests = isEach ? condition.all : 'any' in condition ? condition.any : [condition]
  const single = tests.map((test) => valuesFor(test, wanted))
  // One of several is enough to meet `any` or to miss `all`; else each has to be as wanted.
  if (tests.length === 1 || isEach !== wanted) return single.flat()
  return single.every((found) => found.length > 0)
    ? [Object.assign({}, ...single.map(([first]) => first)) as Assignment]
    : []
}

function valuesFor(test: Test, wanted: boolean): Assignment[] {
  const { attribute } = test
  if (wanted === (test.not === true)) return [{ [attribute]: null }]
  const values = (): (string | number | boolean)[] => {
    switch (test.is) {
      case 'equal':
        return [test.value]
      case 'in':
        return test.values.slice(0, 3)
      case 'containing':
        return test.values.slice(0, 1)
      case 'between':
        return [...new Set([test.min, test.max])].filter((bound) => bound !== undefined)
      case 'present':
        return ['any']
    }
  }
  return values().map((value) => ({ [attribute]: value }))
}
