import { coversScope } from '#access/permissions/permissions.rules.ts'
import { networkList } from '#core/network.ts'

/** Circumstances under which scopes may be used; when one that is stated does not hold, the effect does. */
export interface ContextRule {
  id: string
  name: string
  effect: 'deny' | 'step_up'
  /** Scope patterns that the rule is about. */
  scopes: string[]
  /** Only bearers of one of these roles; empty for everybody. */
  roles: string[]
  /** Only answers with personal values, or all. */
  dataClass: 'any' | 'personal'
  networks: string[]
  hours: { days: number[]; from: string; to: string; timeZone: string } | null
  purposes: string[]
}

export interface CallContext {
  scope: string
  roles: readonly string[]
  now: Date
  remoteAddress: string
  purpose: string | null
  /** Whether the answer may hold personal values in clear. */
  isPersonal: boolean
}

export type Verdict = { kind: 'allow' } | { kind: 'deny' | 'step_up'; rule: ContextRule }

/** Judges a call by all rules: a denial wins over a step-up, a step-up over leave. */
export function judge(rules: readonly ContextRule[], call: CallContext): Verdict {
  let verdict: Verdict = { kind: 'allow' }
  for (const rule of rules) {
    if (!concerns(rule, call) || holds(rule, call)) continue
    if (rule.effect === 'deny') return { kind: 'deny', rule }
    verdict = { kind: 'step_up', rule }
  }
  return verdict
}

function concerns(rule: ContextRule, call: CallContext): boolean {
  return (
    rule.scopes.some((pattern) => coversScope(pattern, call.scope)) &&
    (rule.roles.length === 0 || rule.roles.some((role) => call.roles.includes(role))) &&
    (rule.dataClass === 'any' || call.isPersonal)
  )
}

/** Whether every circumstance that the rule states holds. A rule that states none never holds: it always asks. */
function holds(rule: ContextRule, call: CallContext): boolean {
  const stated = rule.networks.length > 0 || rule.hours !== null || rule.purposes.length > 0
  return (
    stated &&
    (rule.networks.length === 0 || networkList(rule.networks)(call.remoteAddress)) &&
    (rule.hours === null || isDuring(rule.hours, call.now)) &&
    (rule.purposes.length === 0 || (call.purpose !== null && rule.purposes.includes(call.purpose)))
  )
}

/** Days are 1 (Monday) to 7; a time after midnight belongs to the day it falls on. `from` after `to` spans midnight. */
export function isDuring(
  { days, from, to, timeZone }: NonNullable<ContextRule['hours']>,
  now: Date,
): boolean {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(now)
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? ''
  const day = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(part('weekday')) + 1
  const time = `${part('hour')}:${part('minute')}`
  if (!days.includes(day)) return false
  return from <= to ? time >= from && time < to : time >= from || time < to
}
