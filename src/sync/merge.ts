import { MINUTE_MS } from '#core/time.ts'
import type { FieldDirection } from './connector.ts'
import type { FieldPolicy, FieldValue } from './entity.ts'

export type Values = Record<string, FieldValue>

/** How one field of one stream is merged. */
export interface FieldRule {
  policy: FieldPolicy
  direction: FieldDirection
  /** Both sides changed it: a person decides, whatever the policy. */
  critical: boolean
  /** True is an opt-out and beats every opt-in. */
  optOut: boolean
}

/** A field as both sides have it. `undefined` in `theirs`: the vendor was not asked for it. */
export interface FieldSides {
  /** What each side had when they last agreed, each in its own rendering; null when they never did. */
  base: { ours: FieldValue; theirs: FieldValue } | null
  ours: FieldValue
  /** In our words: local ids for references. */
  theirs: FieldValue | undefined
  /** In the vendor's rendering, for comparing with the base; `theirs` unless given. */
  theirsKey?: FieldValue
  oursAt: Date | null
  theirsAt: Date | null
}

export type Verdict =
  /** Nothing to do. */
  | 'same'
  /** Both have the same value: the base moves up. */
  | 'agree'
  /** The CRM's value is to be written here. */
  | 'take'
  /** The hub's value is to be written there. */
  | 'send'
  /** A person decides; both sides stay as they are. */
  | 'ask'

export type Reason =
  | 'unchanged'
  | 'not_synced'
  | 'equal'
  | 'only_crm_changed'
  | 'only_hub_changed'
  | 'one_way'
  | 'blank'
  | 'opt_out'
  | 'opt_in_needs_a_person'
  | 'critical'
  | 'policy'
  | 'later'
  | 'same_time'
  | 'unknown_time'
  /** Both sides added or took away records that the field names: all of that was done. */
  | 'joined'

export interface Decision {
  verdict: Verdict
  reason: Reason
  /** Both sides had changed it: one of the values gave way, or a person is asked. */
  contested: boolean
}

/** Clocks of two systems that differ by less than this say nothing about who was last. */
export const SKEW_MS = 2 * MINUTE_MS

/**
 * Decides about one field: a three-way merge with a clock for each side.
 *
 * Only what changed since both sides last agreed counts. Where they never did, both count as changed, and a blank gives
 * way to a value. When clocks differ by `skewMs` or less the CRM's value wins: people work there.
 */
export function decideField(rule: FieldRule, sides: FieldSides, skewMs = SKEW_MS): Decision {
  const { base, ours, theirs } = sides
  if (rule.policy === 'off') return { verdict: 'same', reason: 'not_synced', contested: false }
  const isChangedHere = base === null ? ours !== null : !isSame(base.ours, ours)
  if (theirs === undefined) return unread(rule, isChangedHere)
  const key = sides.theirsKey === undefined ? theirs : sides.theirsKey
  const isChangedThere = base === null ? !isBlank(theirs) : !isSame(base.theirs, key)
  if (!isChangedHere && !isChangedThere) {
    const reason = 'unchanged' as const
    return { verdict: base === null ? 'agree' : 'same', reason, contested: false }
  }
  if (isSame(ours, theirs)) return { verdict: 'agree', reason: 'equal', contested: false }
  if (rule.direction !== 'both') return oneWay(rule, isChangedHere, isChangedThere)
  if (rule.optOut && (ours === true || theirs === true))
    return optOut(ours, theirs, isChangedHere, isChangedThere)
  if (isChangedHere && isChangedThere) return contest(rule, sides, theirs, skewMs)
  if (!isChangedThere) return { verdict: 'send', reason: 'only_hub_changed', contested: false }
  // A value there was emptied, and the policy says that a blank never empties: it is filled again.
  if (rule.policy === 'prefer_crm_unless_blank' && isBlank(theirs) && !isBlank(ours)) {
    return { verdict: 'send', reason: 'blank', contested: false }
  }
  return { verdict: 'take', reason: 'only_crm_changed', contested: false }
}

function unread(rule: FieldRule, isChangedHere: boolean): Decision {
  return isChangedHere && rule.direction !== 'pull'
    ? { verdict: 'send', reason: 'only_hub_changed', contested: false }
    : { verdict: 'same', reason: 'unchanged', contested: false }
}

/** The side that owns the field is followed; what the other one did to it is not fought over. */
function oneWay(rule: FieldRule, isChangedHere: boolean, isChangedThere: boolean): Decision {
  const isPull = rule.direction === 'pull'
  const isChanged = isPull ? isChangedThere : isChangedHere
  if (!isChanged) return { verdict: 'same', reason: 'one_way', contested: false }
  const contested = isChangedHere && isChangedThere
  return { verdict: isPull ? 'take' : 'send', reason: 'one_way', contested }
}

/** Exactly one side says opted out. A new opt-out passes; a new opt-in against a standing opt-out needs a person. */
function optOut(
  ours: FieldValue,
  theirs: FieldValue,
  isChangedHere: boolean,
  isChangedThere: boolean,
): Decision {
  const contested = isChangedHere && isChangedThere
  if (theirs === true && isChangedThere) return { verdict: 'take', reason: 'opt_out', contested }
  if (ours === true && isChangedHere) return { verdict: 'send', reason: 'opt_out', contested }
  return { verdict: 'ask', reason: 'opt_in_needs_a_person', contested: true }
}

/** Both sides changed it to different values. */
function contest(
  rule: FieldRule,
  { base, ours, oursAt, theirsAt }: FieldSides,
  theirs: FieldValue,
  skewMs: number,
): Decision {
  if (base === null && isBlank(theirs))
    return { verdict: 'send', reason: 'blank', contested: false }
  if (base === null && isBlank(ours)) return { verdict: 'take', reason: 'blank', contested: false }
  const settle = (verdict: Verdict, reason: Reason): Decision => ({
    verdict,
    reason,
    contested: true,
  })
  if (rule.critical) return settle('ask', 'critical')
  switch (rule.policy) {
    case 'prefer_hub':
      return settle('send', 'policy')
    case 'prefer_crm':
      return settle('take', 'policy')
    case 'prefer_crm_unless_blank':
      return isBlank(theirs) ? settle('send', 'blank') : settle('take', 'policy')
    case 'latest': {
      if (!oursAt || !theirsAt) return settle('ask', 'unknown_time')
      const aheadMs = oursAt.getTime() - theirsAt.getTime()
      if (Math.abs(aheadMs) <= skewMs) return settle('take', 'same_time')
      return settle(aheadMs > 0 ? 'send' : 'take', 'later')
    }
    case 'ask':
    case 'off':
      return settle('ask', 'policy')
  }
}

/**
 * The base of a field after the decision was carried out.
 * @param ours  the value here afterwards.
 */
export function nextBase(
  decision: Decision,
  sides: FieldSides,
  ours: FieldValue,
): { ours: FieldValue; theirs: FieldValue } | null {
  const { base, theirs } = sides
  if (theirs === undefined) return base
  const key = sides.theirsKey === undefined ? theirs : sides.theirsKey
  switch (decision.verdict) {
    case 'same':
    case 'ask':
      return base
    case 'agree':
    case 'take':
      return { ours, theirs: key }
    case 'send':
      // Seen and to be covered: the value here still counts as changed until the vendor has it.
      return { ours: base === null || isSame(base.ours, ours) ? theirs : base.ours, theirs: key }
  }
}

export function isBlank(value: FieldValue | undefined): boolean {
  return (
    value === null ||
    value === undefined ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  )
}

/** Equality of values; absent, null and blank are the same, and so is a moment to a system that keeps its day alone. */
export function isSame(a: FieldValue | undefined, b: FieldValue | undefined): boolean {
  if (isBlank(a) || isBlank(b)) return isBlank(a) && isBlank(b)
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => item === b[i])
  }
  return a === b || isDayOf(a, b) || isDayOf(b, a)
}

const DAY = /^\d{4}-\d{2}-\d{2}$/
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/

function isDayOf(day: FieldValue | undefined, moment: FieldValue | undefined): boolean {
  return (
    typeof day === 'string' &&
    typeof moment === 'string' &&
    DAY.test(day) &&
    MOMENT.test(moment) &&
    moment.startsWith(day)
  )
}
