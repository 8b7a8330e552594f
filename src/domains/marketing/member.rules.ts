import { DAY_MS } from '#core/time.ts'
import type { EntityWrite } from '#sync/entity.ts'

export interface MemberState {
  id: string
  campaignId: string
  leadId: string
  status: string
  respondedAt: Date | null
  version: number
  createdAt: Date
  updatedAt: Date
  deletedAt: Date | null
}

/** The word that CRMs begin with for those who responded. */
const RESPONDED = 'responded'

/** When somebody first responded, after their status was set: the moment that is known stays. */
export function respondedAfter(
  known: Date | null,
  status: string,
  given: Date | undefined,
  now: Date,
): Date | null {
  return known ?? given ?? (status.toLowerCase() === RESPONDED ? now : null)
}

/** CRMs keep the day of the first response and no time. */
export function responseDay(respondedAt: Date | null): string | null {
  if (respondedAt === null) return null
  return new Date(Math.floor(respondedAt.getTime() / DAY_MS) * DAY_MS).toISOString()
}

/**
 * A membership after what a CRM says of it. The first response is the earlier one of both sides, and a moment that is known here
 * stays where the CRM only names its day.
 */
export function syncedMember(
  held: MemberState,
  { values }: EntityWrite,
  leadId: string,
  now: Date,
): MemberState {
  const status = typeof values['status'] === 'string' ? values['status'].trim().slice(0, 40) : ''
  return {
    ...held,
    leadId,
    status: status === '' ? held.status : status,
    respondedAt: firstResponse(held.respondedAt, values['respondedAt']),
    version: held.version + 1,
    updatedAt: now,
    deletedAt: null,
  }
}

function firstResponse(held: Date | null, told: EntityWrite['values'][string] | undefined) {
  if (typeof told !== 'string') return held
  const at = new Date(told)
  if (Number.isNaN(at.getTime())) return held
  return held !== null && responseDay(held)! <= responseDay(at)! ? held : at
}

/** Two memberships of one person in one campaign as one: whoever responded in either has responded. */
export function joinedMember(into: MemberState, from: MemberState, now: Date): MemberState {
  const both = [into.respondedAt, from.respondedAt].flatMap((at) => at ?? [])
  const first = both.length > 0 ? new Date(Math.min(...both.map((at) => at.getTime()))) : null
  const isFurther = into.respondedAt === null && from.respondedAt !== null
  return {
    ...into,
    status: isFurther ? from.status : into.status,
    respondedAt: first,
    version: into.version + 1,
    updatedAt: now,
  }
}
