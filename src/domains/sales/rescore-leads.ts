import type { EventDraft, OutboxEvent } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'
import { jobTitlesOf } from './capture-leads.ts'
import { absorbLead, isChanged, type LeadDraft, type LeadState } from './lead.rules.ts'
import {
  findLeads,
  findPersonals,
  listLeadsAfter,
  listWaitingLeadsAfter,
  lockLeads,
  mergeLeads,
} from './lead.store.ts'
import { moveOpportunityPeople } from './opportunity.store.ts'
import { progressLeads } from './progress.ts'
import type { ScoreCause } from './progress.rules.ts'
import { recordOwnWork } from '#jobs/own-work.ts'
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
  const merges = events.flatMap(({ event, subjectId, data }) => {
    const { into } = data
    return event === 'person.merged' && typeof into === 'string' ? [{ from: subjectId, into }] : []
  })
  const touched = events.flatMap(({ event, data }) => {
    const { personId } = data
    return event === 'touchpoint.recorded' && typeof personId === 'string' ? [personId] : []
  })
  if (merges.length > 0) await moveOpportunityPeople(tx, lastSurvivors(merges))
  const personIds = [...new Set([...touched, ...merges.flatMap(({ from, into }) => [from, into])])]
  await lockLeads(tx)
  const leads = await findLeads(tx, { personIds })
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

/** Each merge with what its chain ends at: of a → b → c, both a and b go to c. */
function lastSurvivors(
  merges: readonly { from: string; into: string }[],
): { from: string; into: string }[] {
  const last = new Map<string, string>()
  for (const { from, into } of merges) {
    for (const [earlier, survivor] of last) if (survivor === from) last.set(earlier, into)
    last.set(from, into)
  }
  return [...last].map(([from, into]) => ({ from, into }))
}

/** Leads after merges of their people: moved to the survivor, or taken in by the lead that it has. Pure. */
export function joinLeads(
  leads: readonly LeadState[],
  merges: readonly { from: string; into: string }[],
): { drafts: LeadDraft[]; absorbed: { from: string; into: string }[] } {
  const byPerson = new Map<string, LeadDraft>(leads.map((lead) => [lead.personId, untouched(lead)]))
  const absorbed: { from: string; into: string }[] = []
  for (const { from, into } of merges) {
    const moving = byPerson.get(from)
    if (moving === undefined) continue
    byPerson.delete(from)
    const staying = byPerson.get(into)
    if (staying === undefined) {
      byPerson.set(into, {
        before: moving.before,
        after: { ...moving.after, personId: into as LeadState['personId'] },
      })
      continue
    }
    byPerson.set(into, { before: staying.before, after: absorbLead(staying.after, moving.after) })
    absorbed.push({ from: moving.after.id, into: staying.after.id })
  }
  return { drafts: [...byPerson.values()], absorbed }
}

/**
 * Scores the next leads after a person anew, or routes those that wait.
 * @returns the person to go on after, null at the end.
 */
export async function rescoreBatch(
  tx: Transaction,
  {
    which,
    after,
    limit,
    cause,
  }: { which: 'all' | 'waiting'; after: string; limit: number; cause: ScoreCause },
  now: Date,
): Promise<string | null> {
  await lockLeads(tx)
  const leads = await (which === 'all'
    ? listLeadsAfter(tx, after, limit)
    : listWaitingLeadsAfter(tx, after, limit))
  await recordOwnWork(tx, { events: await rescore(tx, leads.map(untouched), cause, now) }, now)
  return leads.length < limit ? null : (leads.at(-1)?.personId ?? null)
}
