import assert from 'node:assert/strict'
import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'
import type { Entity, EntityRecord, EntityWrite } from '#sync/entity.ts'
import { jobTitlesOf } from './capture-leads.ts'
import { findAccountsOf, saveAccountsOf } from './kept-record.store.ts'
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
  findLeadsOfPeople,
  findOpportunities,
  findPeopleOfLeads,
  findStageEntered,
  findStageOutcomes,
  getWorkspaceCurrency,
  insertExpectedCloses,
  insertStageEntries,
  replaceOpportunityPeople,
  saveOpportunities,
} from './opportunity.store.ts'
import { progressLeads } from './progress.ts'
import { findSettings } from './score.store.ts'

/** Deals of a CRM. A record that is as it was is not written at all. */
export const opportunityEntity: Entity = {
  name: 'opportunity',
  pushAfter: ['opportunity.created', 'opportunity.updated'],
  fields: [
    { name: 'name', label: 'Name', type: 'text', personal: true },
    { name: 'amountMinor', label: 'Amount', type: 'money', critical: true },
    { name: 'currency', label: 'Currency', type: 'choice' },
    { name: 'stage', label: 'Stage', type: 'reference', entity: 'stage', critical: true },
    { name: 'pipeline', label: 'Pipeline', type: 'reference', entity: 'pipeline' },
    { name: 'status', label: 'Status', type: 'choice', critical: true },
    { name: 'owner', label: 'Owner', type: 'reference', entity: 'owner', critical: true },
    { name: 'openedAt', label: 'Opened', type: 'datetime' },
    { name: 'closedAt', label: 'Closed', type: 'datetime' },
    { name: 'closesOn', label: 'Expected close date', type: 'date' },
    { name: 'stageEnteredAt', label: 'In this stage since', type: 'datetime' },
    { name: 'account', label: 'Account', type: 'reference', entity: 'account' },
    { name: 'leads', label: 'People', type: 'reference', entity: 'lead', many: true },
    { name: 'primaryLead', label: 'Main person', type: 'reference', entity: 'lead' },
  ],

  async load(tx, localIds) {
    const states = await findOpportunities(tx, localIds, 'read')
    const accounts = await findAccountsOf(
      tx,
      states.map(({ id }) => id),
    )
    const leads = await findLeadsOfPeople(
      tx,
      states.flatMap(({ personIds }) => personIds),
    )
    const entered = await findStageEntered(
      tx,
      states.map(({ id }) => id),
    )
    return states
      .filter(({ deletedAt }) => deletedAt === null)
      .map((state) =>
        toRecord(state, leads, accounts.get(state.id) ?? null, entered.get(state.id) ?? null),
      )
  },

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
    await saveAccounts(tx, writes, settled)
    const leadEvents = await followOpportunities(tx, changed, now)
    return {
      written: settled.map(({ written }) => written),
      events: [...changed.flatMap(opportunityEvents), ...leadEvents],
    }
  },
}

function toRecord(
  state: OpportunityState,
  leads: ReadonlyMap<string, string>,
  accountId: string | null,
  enteredAt: Date | null,
): EntityRecord {
  const { name, amountMinor, currency, status, openedAt, closedAt, closesOn } = state
  const named = { stage: state.stageId, pipeline: state.pipelineId, owner: state.ownerId }
  const references = Object.entries({ ...named, account: accountId }).flatMap(([entity, localId]) =>
    localId === null ? [] : [[entity, { entity, localId }] as const],
  )
  const mainId = leads.get(state.primaryPersonId ?? '')
  const main = mainId === undefined ? {} : { primaryLead: { entity: 'lead', localId: mainId } }
  return {
    localId: state.id,
    values: {
      name,
      amountMinor,
      currency,
      status,
      openedAt: openedAt.toISOString(),
      closedAt: closedAt?.toISOString() ?? null,
      closesOn,
      stageEnteredAt: enteredAt?.toISOString() ?? null,
    },
    references: { ...Object.fromEntries(references), ...main },
    links: {
      leads: state.personIds.flatMap((personId) => {
        const localId = leads.get(personId)
        const role = state.roles[personId]
        return localId === undefined ? [] : [{ entity: 'lead', localId, ...(role ? { role } : {}) }]
      }),
    },
    changedAt: state.updatedAt,
  }
}

async function saveAccounts(
  tx: Transaction,
  writes: readonly EntityWrite[],
  settled: readonly Settled[],
): Promise<void> {
  const accounts = new Map<string, string | null>()
  writes.forEach(({ references }, i) => {
    const named = references['account']
    if (!named) return
    const [first] = named
    const { localId } = settled[i]!.written
    if (!first) accounts.set(localId, null)
    else if (first.localId) accounts.set(localId, first.localId)
  })
  await saveAccountsOf(tx, accounts)
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
    personOfLead: await findPeopleOfLeads(tx, [
      ...new Set([...named('leads'), ...named('primaryLead')]),
    ]),
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
  await insertExpectedCloses(
    tx,
    changed.flatMap(({ after: { id: opportunityId, closesOn }, expectedAt }) =>
      expectedAt === null ? [] : [{ opportunityId, knownAt: expectedAt, closesOn }],
    ),
  )
  const peopleOf = (state: OpportunityState | null) =>
    JSON.stringify([state?.personIds, state?.roles, state?.primaryPersonId])
  const moved = changed.filter(({ before, after }) => peopleOf(before) !== peopleOf(after))
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
  const survivors = leads.map(({ personId }) => personId)
  const winners = await findWinners(tx, [...new Set([...personIds, ...survivors])])
  const drafts = leads.flatMap((lead): LeadDraft[] => {
    const status = inDeal.has(lead.homeId ?? lead.personId)
      ? statusWithOpportunity(lead.status)
      : lead.status
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
