import type { Captured } from '#people/capture.ts'
import type { LeadState } from './lead.rules.ts'

/**
 * The lead of a submission among those of its person: the one of whom the identifiers name, else the person's own, else that of
 * another who was merged into it. Null when there is none.
 */
export function leadOf<L extends Pick<LeadState, 'id' | 'personId' | 'homeId'>>(
  leads: readonly L[],
  personId: string,
  homeId: string | null,
): L | null {
  const whose = (lead: L) => lead.homeId ?? lead.personId
  return (
    leads.find((lead) => whose(lead) === (homeId ?? personId)) ??
    leads.find((lead) => whose(lead) === personId) ??
    leads
      .filter((lead) => lead.personId === personId)
      .reduce<L | null>(
        (first, lead) => (first !== null && first.id < lead.id ? first : lead),
        null,
      )
  )
}

/** The lead with its person as captures see it, should a merge by hand not have reached it yet. */
export function placed(lead: LeadState, captured: Captured): LeadState {
  const personId = captured.personId as LeadState['personId']
  const whose = lead.homeId ?? lead.personId
  return { ...lead, personId, homeId: whose === personId ? null : whose }
}
