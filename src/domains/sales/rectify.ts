import type { PersonalStore } from '#compliance/personal-store.ts'
import { jobTitlesOf } from './capture-leads.ts'
import { emailDomain } from './email-address.ts'
import { withChange, type LeadState } from './lead.rules.ts'
import { findLeads, findPersonals, lockLeads } from './lead.store.ts'
import { progressLeads } from './progress.ts'
import { findSettings } from './score.store.ts'

/** Puts right what leads keep of their person, takes them through what follows, and has them sent to connected systems. */
export const rectifyLeads: NonNullable<PersonalStore['rectify']> = async (
  tx,
  { leadIds },
  changes,
  { now },
) => {
  await lockLeads(tx)
  const leads = await findLeads(tx, { ids: leadIds })
  const { company, country, email } = changes
  const drafts = leads.map((before) => {
    const after = withChange(before, { company, country })
    return { before, after: email === undefined ? after : withAddress(after, email) }
  })
  const personals = await findPersonals(
    tx,
    leads.map(({ personId }) => personId),
  )
  const settings = await findSettings(tx)
  const jobTitles = jobTitlesOf(tx, personals)
  const progressed = await progressLeads(tx, drafts, { settings, jobTitles, cause: 'change', now })
  const fields = Object.keys(changes)
  const told = leads.map(({ id, personId }) => ({
    event: 'lead.updated',
    subjectId: id,
    data: { personId, fields },
  }))
  const before = leads.map(({ id, attributes }) => ({
    id,
    company: attributes.company,
    country: attributes.country,
  }))
  return { before: { leads: before }, events: [...told, ...progressed.events] }
}

/** Of whom was merged by hand the own address may be another one: such a lead keeps its domain. */
function withAddress(lead: LeadState, email: string): LeadState {
  const domain = emailDomain(email)
  if (lead.homeId !== null || lead.attributes.emailDomain === domain) return lead
  return { ...lead, attributes: { ...lead.attributes, emailDomain: domain } }
}
