import type { EventDraft, OutboxEvent } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'
import { jobTitlesOf } from './capture-leads.ts'
import { leadOf } from './lead-place.rules.ts'
import { absorbLead, isChanged, type LeadDraft, type LeadState } from './lead.rules.ts'
import {
  findLeads,
  findPersonals,
  findWinners,
  listLeadsAfter,
  listWaitingLeadsAfter,
  lockLeads,
  type LeadPlace,
} from './lead.store.ts'
import { progressLeads } from './progress.ts'
import type { ScoreCause } from './progress.rules.ts'
import { recordOwnWork } from '#jobs/own-work.ts'
import { mergeLeads, moveOpportunityPeople, regroup, type PersonMerge } from './regroup.store.ts'
import { findSettings } from './score.store.ts'

/** Scores and routes leads again and tells what came of it. The caller holds `lockLeads`. */
async function rescore(
  tx: Transaction,
  drafts: readonly LeadDraft[],
  cause: ScoreCause,
  now: Date,
): Promise<EventDraft[]> {
  if (drafts.length === 0) return []
  const settings = await findSettings(tx)
  const jobTitles = jobTitlesOf(
    tx,
    await findPersonals(
      tx,
      drafts.map(({ after }) => after.personId),
    ),
  )
  const progressed = await progressLeads(tx, drafts, { settings, jobTitles, cause, now })
  const updated = progressed.drafts.filter(
    (draft) => draft.before !== draft.after && isChanged(draft),
  )
  const updates = updated.map(({ after }) => ({
    event: 'lead.updated',
    subjectId: after.id,
    data: { personId: after.personId },
  }))
  return [...updates, ...progressed.events]
}

const untouched = (lead: LeadState): LeadDraft => ({ before: lead, after: lead })

/** What touches and merges of people mean for leads: one lead a person, scored on all that the person did. */
export async function followPeople(
  tx: Transaction,
  events: readonly OutboxEvent[],
  now: Date,
): Promise<void> {
  const merges = events.flatMap(({ event, subjectId, data }): PersonMerge[] => {
    const { into, home, mergeId } = data
    if (event !== 'person.merged' || typeof into !== 'string' || mergeId !== undefined) return []
    return [{ from: subjectId, into, home: typeof home === 'string' ? home : null }]
  })
  const touched = events.flatMap(({ event, data }) => {
    const { personId } = data
    return event === 'touchpoint.recorded' && typeof personId === 'string' ? [personId] : []
  })
  if (merges.length > 0) await moveOpportunityPeople(tx, lastSurvivors(merges))
  const personIds = [...new Set([...touched, ...merges.flatMap(({ from, into }) => [from, into])])]
  await lockLeads(tx)
  await followMerges(tx, { merges, personIds }, now)
  await followLayers(tx, events, now)
}

/** Anonymous people that turned out to be others: their lead goes into that of the other. */
async function followMerges(
  tx: Transaction,
  { merges, personIds }: { merges: readonly PersonMerge[]; personIds: readonly string[] },
  now: Date,
): Promise<void> {
  const homeIds = merges.flatMap(({ home }) => home ?? [])
  const leads = await findLeads(tx, { personIds: [...personIds, ...homeIds] })
  if (leads.length === 0) return
  const { drafts, absorbed: steps } = joinLeads(leads, merges)
  const absorbed = lastSurvivors(steps)
  if (absorbed.length > 0) await mergeLeads(tx, absorbed, now)
  const told = absorbed.map(({ from, into }) => ({
    event: 'lead.merged',
    subjectId: from,
    data: { into },
  }))
  const cause = merges.length > 0 ? 'merge' : 'touch'
  await recordOwnWork(tx, { events: [...told, ...(await rescore(tx, drafts, cause, now))] }, now)
}

/** Merges by hand, made and undone: each lead stays and is counted for whoever stands for its person now. */
async function followLayers(
  tx: Transaction,
  events: readonly OutboxEvent[],
  now: Date,
): Promise<void> {
  const personIds = events.flatMap(({ event, subjectId, data: { into, from, mergeId } }) => {
    const other = event === 'person.unmerged' ? from : into
    return mergeId !== undefined && typeof other === 'string' ? [subjectId, other] : []
  })
  if (personIds.length === 0) return
  const opportunityIds = await regroup(tx, personIds)
  const told = opportunityIds.map((id) => ({ event: 'opportunity.people_changed', subjectId: id }))
  const leads = await findLeads(tx, { personIds })
  const winners = await findWinners(
    tx,
    leads.map(({ personId }) => personId),
  )
  const drafts = leads.map((lead): LeadDraft => {
    const isCustomer = winners.has(lead.personId)
    return lead.isCustomer === isCustomer
      ? untouched(lead)
      : { before: lead, after: { ...lead, isCustomer } }
  })
  const scored = await rescore(tx, drafts, 'merge', now)
  const isTold = new Set(
    scored.flatMap((one) => (one.event === 'lead.updated' ? one.subjectId : [])),
  )
  // The values of a lead may show another consent now.
  const updated = leads.flatMap(({ id, personId }) =>
    isTold.has(id) ? [] : [{ event: 'lead.updated', subjectId: id, data: { personId } }],
  )
  await recordOwnWork(tx, { events: [...told, ...scored, ...updated] }, now)
}

/** Each merge with what its chain ends at: of a → b → c, both a and b go to c. */
function lastSurvivors<M extends { from: string; into: string }>(merges: readonly M[]): M[] {
  const last = new Map<string, M>()
  for (const merge of merges) {
    for (const [earlier, { into }] of last)
      if (into === merge.from) last.set(earlier, { ...merge, from: earlier })
    last.set(merge.from, merge)
  }
  return [...last.values()]
}

/** Leads after merges of their people: moved to the survivor, or taken in by the lead that it has. Pure. */
export function joinLeads(
  leads: readonly LeadState[],
  merges: readonly { from: string; into: string; home?: string | null }[],
): { drafts: LeadDraft[]; absorbed: { from: string; into: string }[] } {
  const drafts = new Map<string, LeadDraft>(leads.map((lead) => [lead.id, untouched(lead)]))
  const idsOf = new Map<string, Set<string>>()
  const place = ({ id, personId, homeId }: LeadState) => {
    for (const whose of [personId, homeId])
      if (whose !== null) idsOf.set(whose, (idsOf.get(whose) ?? new Set()).add(id))
  }
  leads.forEach(place)
  const find = (personId: string, homeId: string | null) => {
    const ids = [personId, homeId ?? personId].flatMap((id) => [...(idsOf.get(id) ?? [])])
    const theirs = ids.flatMap((id) => drafts.get(id)?.after ?? [])
    const found = leadOf(theirs, personId, homeId)
    return found === null ? undefined : drafts.get(found.id)
  }
  const absorbed: { from: string; into: string }[] = []
  for (const { from, into, home = null } of merges) {
    const moving = find(from, null)
    if (moving === undefined) continue
    idsOf.get(from)?.delete(moving.after.id)
    const staying = find(into, home)
    if (staying === undefined) {
      const after = { ...moving.after, personId: into as LeadState['personId'], homeId: home }
      drafts.set(after.id, { before: moving.before, after })
      place(after)
      continue
    }
    drafts.delete(moving.after.id)
    const after = absorbLead(staying.after, moving.after)
    drafts.set(after.id, { before: staying.before, after })
    absorbed.push({ from: moving.after.id, into: after.id })
  }
  return { drafts: [...drafts.values()], absorbed }
}

/**
 * Scores the next leads anew, or routes those that wait.
 * @returns the place to go on after, null at the end.
 */
export async function rescoreBatch(
  tx: Transaction,
  {
    which,
    after,
    limit,
    cause,
  }: { which: 'all' | 'waiting'; after: LeadPlace; limit: number; cause: ScoreCause },
  now: Date,
): Promise<LeadPlace | null> {
  await lockLeads(tx)
  const leads = await (which === 'all'
    ? listLeadsAfter(tx, after, limit)
    : listWaitingLeadsAfter(tx, after, limit))
  await recordOwnWork(tx, { events: await rescore(tx, leads.map(untouched), cause, now) }, now)
  const last = leads.at(-1)
  return leads.length < limit || last === undefined
    ? null
    : { personId: last.personId, leadId: last.id }
}
