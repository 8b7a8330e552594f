import assert from 'node:assert/strict'
import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'
import type { Entity, EntityWrite } from '#sync/entity.ts'
import { jobTitlesOf } from './capture-leads.ts'
import { isChanged, type LeadDraft } from './lead.rules.ts'
import { findLeads, findPersonals, findWinners, lockLeads } from './lead.store.ts'
import {
  applyWrite,
  opportunityEvents,
  statusWithOpportunity,
  type OpportunityState,
  type Settled,
  type WriteFacts,
} from './opportunity.rules.ts'
import {
  findOpportunities,
  findPeopleOfLeads,
  findStageOutcomes,
  getWorkspaceCurrency,
  insertStageEntries,
  replaceOpportunityPeople,
  saveOpportunities,
} from './opportunity.store.ts'
import { progressLeads } from './progress.ts'
import { findSettings } from './score.store.ts'

/** Deals of a CRM. A record that is as it was is not written at all. */
export const opportunityEntity: Entity = {
  name: 'opportunity',
  pushAfter: [],
  async write(tx, writes, now) {
    const held = await findOpportunities(
      tx,
      writes.flatMap(({ localId }) => localId ?? []),
    )
    const states = new Map<string, OpportunityState>(held.map((state) => [state.id, state]))
    const facts = await findFacts(tx, writes, held)
    const settled = writes.map((write): Settled => {
      assert(
        write.localId !== null || !write.deleted,
        'A record that was never known here is not written as deleted.',
      )
      const before = write.localId === null ? null : (states.get(write.localId) ?? null)
      const one = applyWrite(before, write, facts, now)
      states.set(one.after.id, one.after)
      return one
    })
    const changed = settled.filter(({ written }) => written.outcome !== 'unchanged')
    if (changed.length > 0) await save(tx, changed, states)
    const leadEvents = await followOpportunities(tx, changed, now)
    return {
      written: settled.map(({ written }) => written),
      events: [...changed.flatMap(opportunityEvents), ...leadEvents],
    }
  },
}

async function findFacts(
  tx: Transaction,
  writes: readonly EntityWrite[],
  held: readonly OpportunityState[],
): Promise<WriteFacts> {
  const named = (field: string) =>
    writes.flatMap(
      ({ references }) => references[field]?.flatMap(({ localId }) => localId ?? []) ?? [],
    )
  const stageIds = new Set([...named('stage'), ...held.flatMap(({ stageId }) => stageId ?? [])])
  return {
    outcomeOfStage: await findStageOutcomes(tx, [...stageIds]),
    personOfLead: await findPeopleOfLeads(tx, [...new Set(named('leads'))]),
    currency: await getWorkspaceCurrency(tx),
  }
}

async function save(
  tx: Transaction,
  changed: readonly Settled[],
  states: ReadonlyMap<string, OpportunityState>,
): Promise<void> {
  const ids = new Set(changed.map(({ after }) => after.id))
  const last = [...ids].flatMap((id) => states.get(id) ?? [])
  await saveOpportunities(tx, last)
  const entries = changed.flatMap(({ after, enteredAt }) =>
    enteredAt === null || after.stageId === null
      ? []
      : [{ opportunityId: after.id, stageId: after.stageId, enteredAt }],
  )
  await insertStageEntries(tx, entries)
  const moved = changed.filter(
    ({ before, after }) => before?.personIds.join() !== after.personIds.join(),
  )
  await replaceOpportunityPeople(
    tx,
    [...new Set(moved.map(({ after }) => after.id))].flatMap((id) => states.get(id) ?? []),
  )
}

/** What opportunities mean for the leads of their people: sales has qualified them, and a won one makes a customer. */
async function followOpportunities(
  tx: Transaction,
  changed: readonly Settled[],
  now: Date,
): Promise<EventDraft[]> {
  const personIds = [
    ...new Set(
      changed.flatMap(({ before, after }) => [...(before?.personIds ?? []), ...after.personIds]),
    ),
  ]
  if (personIds.length === 0) return []
  const inDeal = new Set(
    changed.flatMap(({ after }) => (after.deletedAt === null ? after.personIds : [])),
  )
  await lockLeads(tx)
  const leads = await findLeads(tx, { personIds })
  if (leads.length === 0) return []
  const winners = await findWinners(tx, personIds)
  const drafts = leads.flatMap((lead): LeadDraft[] => {
    const status = inDeal.has(lead.personId) ? statusWithOpportunity(lead.status) : lead.status
    const isCustomer = winners.has(lead.personId)
    const isAsBefore = status === lead.status && isCustomer === lead.isCustomer
    return isAsBefore ? [] : [{ before: lead, after: { ...lead, status, isCustomer } }]
  })
  if (drafts.length === 0) return []
  const settings = await findSettings(tx)
  const jobTitles = jobTitlesOf(
    tx,
    await findPersonals(
      tx,
      drafts.map(({ after }) => after.personId),
    ),
  )
  const progressed = await progressLeads(tx, drafts, {
    settings,
    jobTitles,
    cause: 'change',
    now,
  })
  const updates = progressed.drafts.filter(isChanged).map(({ after }) => ({
    event: 'lead.updated',
    subjectId: after.id,
    data: { personId: after.personId },
  }))
  return [...updates, ...progressed.events]
}
