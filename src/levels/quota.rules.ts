import { DAY_MS, SECOND_MS } from '#core/time.ts'
import type { Principal } from '#gateway/operation.ts'

export type Period = 'day' | 'month'

export interface Allowance {
  perDay: number | null
  perMonth: number | null
}

export interface Span {
  /** The first day, `YYYY-MM-DD`. */
  startsOn: string
  startsAtMs: number
  endsAtMs: number
}

/** The calendar day or month (UTC) that holds the moment. */
export function spanOf(period: Period, at: Date): Span {
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()]
  const startsAtMs = Date.UTC(year, month, period === 'day' ? day : 1)
  const endsAtMs = period === 'day' ? startsAtMs + DAY_MS : Date.UTC(year, month + 1, 1)
  return { startsOn: new Date(startsAtMs).toISOString().slice(0, 10), startsAtMs, endsAtMs }
}

/** One counter that a request goes through. */
export interface Meter {
  /** As the RateLimit fields call it. */
  name: string
  subject: string
  period: Period
  limit: number
}

/** Whose use a request is: its principal's, its client's when that acts for a person, and the workspace's. */
export function subjectsOf(principal: Principal): string[] {
  const { id, clientId } = principal
  return [id, ...(clientId !== undefined && clientId !== id ? [clientId] : []), 'workspace']
}

/** The counters that a request of this principal goes through. */
export function metersOf(principal: Principal, quotas: ReadonlyMap<string, Allowance>): Meter[] {
  const [own, ...others] = subjectsOf(principal)
  const client = others.length > 1 ? others[0] : undefined
  return [
    ...metersFor('', own!, quotas.get(own!) ?? ofRoles(principal.roles ?? [], quotas)),
    ...(client === undefined ? [] : metersFor('client-', client, quotas.get(client))),
    ...metersFor('workspace-', 'workspace', quotas.get('workspace')),
  ]
}

function metersFor(prefix: string, subject: string, quota: Allowance | undefined): Meter[] {
  const meter = (period: Period, limit: number | null): Meter[] =>
    limit === null ? [] : [{ name: `${prefix}${period}`, subject, period, limit }]
  return quota ? [...meter('day', quota.perDay), ...meter('month', quota.perMonth)] : []
}

/** Of several roles the largest allowance counts; a role without a quota says nothing. */
function ofRoles(
  roles: readonly string[],
  quotas: ReadonlyMap<string, Allowance>,
): Allowance | undefined {
  const found = roles.flatMap((role) => quotas.get(`role.${role}`) ?? [])
  const largest = (limits: readonly (number | null)[]) => {
    const given = limits.filter((limit) => limit !== null)
    return given.length === 0 ? null : Math.max(...given)
  }
  if (found.length === 0) return undefined
  return {
    perDay: largest(found.map((one) => one.perDay)),
    perMonth: largest(found.map((one) => one.perMonth)),
  }
}

/** Events tell once that so much of a quota is used. */
export const WARNED_SHARE = 0.8

export function stateOf(used: number, limit: number): 'open' | 'warning' | 'exceeded' {
  if (used >= limit) return 'exceeded'
  return used >= WARNED_SHARE * limit ? 'warning' : 'open'
}

export function secondsUntil(atMs: number, now: Date): number {
  return Math.max(1, Math.ceil((atMs - now.getTime()) / SECOND_MS))
}
