import { KNOWN_AFTER_DAYS, standingOf, type Device } from '#access/device.rules.ts'
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
  /** Rules made before there were devices do not have it. */
  devices?: 'known' | 'confirmed' | null
}

export interface CallContext {
  scope: string
  roles: readonly string[]
  now: Date
  remoteAddress: string
  purpose: string | null
  /** Whether the answer may hold personal values in clear. */
  isPersonal: boolean
  /** A person, or what acts for one: an application, a key of their own. */
  isPerson: boolean
  /** The device of a person's session; null for all else. */
  device: Device | null
}

export type Verdict =
  | { kind: 'allow' }
  | {
      kind: 'deny' | 'step_up'
      rule: ContextRule
      /** What does not hold, in words that end a sentence: “from this network”. */
      unmet: string[]
      /** A person lacks a device that is known or confirmed, which a second factor makes of theirs. */
      takesSecondFactor: boolean
    }

/** Judges a call by all rules: a denial wins over a step-up, a step-up by a second factor over any other, that over leave. */
export function judge(rules: readonly ContextRule[], call: CallContext): Verdict {
  let verdict: Verdict = { kind: 'allow' }
  for (const rule of rules) {
    if (!concerns(rule, call)) continue
    const stated = circumstances.filter((one) => one.isStated(rule))
    const missed = stated.filter((one) => !one.holds(rule, call))
    // A rule that states none never holds: it always asks.
    if (stated.length > 0 && missed.length === 0) continue
    const takesSecondFactor = missed.includes(device)
    const unmet = missed.map((one) => one.miss(rule, call))
    if (rule.effect === 'deny') return { kind: 'deny', rule, unmet, takesSecondFactor }
    if (verdict.kind === 'allow' || takesSecondFactor)
      verdict = { kind: 'step_up', rule, unmet, takesSecondFactor }
  }
  return verdict
}

/**
 * What a rule asks of such a caller under a scope, in words. Null: nothing, since all it states is a device of somebody who is not
 * asked for one. None: it states nothing, and so always asks.
 */
export function askedBy(rule: ContextRule, isPerson: boolean, scope: string): string[] | null {
  const stated = circumstances.filter((one) => one.isStated(rule))
  const asked = stated.filter((one) => one !== device || isAskedForDevice(isPerson, scope))
  return asked.length === 0 && stated.length > 0 ? null : asked.map((one) => one.state(rule))
}

function concerns(rule: ContextRule, call: CallContext): boolean {
  return (
    rule.scopes.some((pattern) => coversScope(pattern, call.scope)) &&
    (rule.roles.length === 0 || rule.roles.some((role) => call.roles.includes(role))) &&
    (rule.dataClass === 'any' || call.isPersonal)
  )
}

interface Circumstance {
  isStated(rule: ContextRule): boolean
  /** What the rule states, in words. */
  state(rule: ContextRule): string
  holds(rule: ContextRule, call: CallContext): boolean
  /** How a call misses it, in words. */
  miss(rule: ContextRule, call: CallContext): string
}

const network: Circumstance = {
  isStated: ({ networks }) => networks.length > 0,
  state: ({ networks }) => `from ${networks.join(', ')}`,
  holds: ({ networks }, { remoteAddress }) => networkList(networks)(remoteAddress),
  miss: () => 'from this network',
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

const time: Circumstance = {
  isStated: ({ hours }) => hours !== null,
  state({ hours }) {
    if (hours === null) return 'at any time'
    const days = hours.days.map((day) => DAYS[day - 1]).join(', ')
    return `${days} ${hours.from}–${hours.to} (${hours.timeZone})`
  },
  holds: ({ hours }, { now }) => hours === null || isDuring(hours, now),
  miss: () => 'at this time',
}

const purpose: Circumstance = {
  isStated: ({ purposes }) => purposes.length > 0,
  state: ({ purposes }) => `for ${purposes.join(', ')}`,
  holds: ({ purposes }, call) => call.purpose !== null && purposes.includes(call.purpose),
  miss: (_rule, call) => (call.purpose === null ? 'without a stated purpose' : 'for this purpose'),
}

const isAskedForDevice = (isPerson: boolean, scope: string) => isPerson && scope !== 'account:write'

/**
 * Keys and clients of the workspace are no persons and have no device: they are not asked, as for a step-up. What acts for a person
 * has none either, and is: else it were the way around. One's own account stays open, since a second factor is set up there.
 */
const device: Circumstance = {
  isStated: ({ devices }) => devices === 'known' || devices === 'confirmed',
  state: ({ devices }) =>
    devices === 'known'
      ? `on a device that is known for ${KNOWN_AFTER_DAYS} days or confirmed`
      : 'on a confirmed device',
  holds({ devices }, call) {
    if (!isAskedForDevice(call.isPerson, call.scope)) return true
    if (call.device === null) return false
    const standing = standingOf(call.device, call.now)
    return standing === 'confirmed' || (standing === 'known' && devices === 'known')
  },
  miss({ devices }, call) {
    if (call.device === null) return 'without a device that is known here'
    return devices === 'known'
      ? `on a device that is not known for ${KNOWN_AFTER_DAYS} days yet`
      : 'on a device that is not confirmed'
  },
}

const circumstances: readonly Circumstance[] = [network, time, purpose, device]

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
  const day = DAYS.indexOf(part('weekday')) + 1
  const clock = `${part('hour')}:${part('minute')}`
  if (!days.includes(day)) return false
  return from <= to ? clock >= from && clock < to : clock >= from || clock < to
}
