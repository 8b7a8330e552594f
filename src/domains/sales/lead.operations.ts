import type { z } from 'zod'
import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation } from '#gateway/operation.ts'
import { Disposition } from './disposition.schema.ts'
import { countryCode } from './country.ts'
import { captureLeads } from './capture-leads.ts'
import { changeLead, findFlip, readLead } from './change-lead.ts'
import { decideLeads } from './decide-leads.ts'
import { canMove, overrideEnd, statusesAfter, withChange, type LeadState } from './lead.rules.ts'
import {
  Assignment,
  CapturedLead,
  DecidedLead,
  LeadChange,
  LeadDetail,
  LeadFlip,
  LeadPage,
  LeadPath,
  LeadQuery,
  NewLead,
  NewScoreOverride,
  Rerouting,
} from './lead.schema.ts'
import { listLeads as listLeadRows } from './lead-list.store.ts'
import { findOwners } from './owner.store.ts'
import { handOverTasks } from './task.store.ts'

/** Leads that are decided by one request. */
const MANY = 1000

export const captureLead = defineOperation({
  id: 'captureLead',
  method: 'POST',
  path: '/api/v1/integrations/sales/leads',
  scope: 'leads:write',
  tag: 'Leads',
  summary: 'Send in a lead',
  description:
    'Finds or makes the person and the one lead, scores it, gives it an owner and plans the follow-up. Each submission is ' +
    'kept as a receipt; a repeated one answers the same lead with 200. What sales should know is told as warnings.',
  status: 201,
  subject: (lead) => lead.id,
  location: (lead) => `/api/v1/leads/${lead.id}`,
  input: NewLead,
  output: CapturedLead,
  batch: { key: 'leads', max: 500 },
  performMany: (inputs, context) => captureLeads(inputs, context),
})

export const listLeads = defineOperation({
  id: 'listLeads',
  method: 'GET',
  path: '/api/v1/leads',
  scope: 'leads:read',
  tag: 'Leads',
  summary: 'List leads, newest first',
  input: LeadQuery,
  output: LeadPage,
  csv: [
    { title: 'Id', field: 'id' },
    { title: 'E-mail', field: 'email' },
    { title: 'First name', field: 'firstName' },
    { title: 'Last name', field: 'lastName' },
    { title: 'Job title', field: 'jobTitle' },
    { title: 'Company', field: 'company' },
    { title: 'Country', field: 'country' },
    { title: 'Status', field: 'status' },
    { title: 'Customer', field: 'isCustomer' },
    { title: 'Channel', field: 'channel' },
    { title: 'Campaign', field: 'campaignId' },
    { title: 'Score', field: 'score', type: 'number' },
    { title: 'Fit', field: 'fitScore', type: 'number' },
    { title: 'Engagement', field: 'engagementScore', type: 'number' },
    { title: 'Qualified', field: 'mqlAt' },
    { title: 'Owner', field: 'ownerId' },
    { title: 'Disposition', field: 'disposition' },
    { title: 'Follow-up due', field: 'followUpDueAt' },
    { title: 'Captured', field: 'capturedAt' },
    { title: 'Created', field: 'createdAt' },
  ],
  async perform({ limit, cursor, ...filter }, { tx, now }) {
    const [createdAt, id] = cursor === undefined ? [] : decodeCursor(cursor, 2)
    const after = id === undefined ? null : { createdAt: String(createdAt), id: String(id) }
    const rows = await listLeadRows(tx, filter, { limit, after }, now)
    return cutPage(rows, limit, (lead) => [lead.createdAt.toISOString(), lead.id])
  },
})

export const getLead = defineOperation({
  id: 'getLead',
  method: 'GET',
  path: '/api/v1/leads/{leadId}',
  scope: 'leads:read',
  tag: 'Leads',
  summary: 'A lead with each point of its score, why it has its owner, its task and its receipts',
  version: ({ version }) => version,
  input: LeadPath,
  output: LeadDetail,
  perform: ({ leadId }, { tx, now }) => readLead(tx, leadId, now),
})

export const getLeadFlip = defineOperation({
  id: 'getLeadFlip',
  method: 'GET',
  path: '/api/v1/leads/{leadId}/score-flip',
  scope: 'leads:read',
  tag: 'Leads',
  summary: 'The smallest change that would make the lead qualified, or no longer',
  description:
    'One change that the scoring rules ask about, or two where one does not do. Each was tried by scoring the changed lead, so ' +
    'making it flips the decision.',
  input: LeadPath,
  output: LeadFlip,
  perform: ({ leadId }, { tx, now }) => findFlip(tx, leadId, now),
})

export const updateLead = defineOperation({
  id: 'updateLead',
  method: 'PATCH',
  path: '/api/v1/leads/{leadId}',
  scope: 'leads:write',
  tag: 'Leads',
  summary: 'Change the status or the company facts of a lead',
  description: 'The score follows. A lead that moves on stops its follow-up.',
  subject: ({ id }) => id,
  version: ({ version }) => version,
  input: LeadChange,
  output: LeadDetail,
  async perform({ leadId, ...change }, context) {
    if (typeof change.country === 'string' && countryCode(change.country) === null) {
      const detail = 'It names no country: send an ISO 3166-1 alpha-2 code.'
      throw new Problem('request.invalid', detail, { errors: [{ pointer: '/country', detail }] })
    }
    await changeLead(context, leadId, 'change', (lead) =>
      withChange(moved(lead, change.status), change),
    )
    return readLead(context.tx, leadId, context.now)
  },
})

function moved(lead: LeadState, status: LeadState['status'] | undefined): LeadState {
  if (status === undefined || status === lead.status) return lead
  if (!canMove(lead.status, status)) {
    const next = statusesAfter(lead.status).join(', ')
    throw new Problem(
      'lead.transition_refused',
      `A lead that is ${lead.status} can become: ${next}.`,
    )
  }
  return { ...lead, status }
}

export const overrideScore = defineOperation({
  id: 'overrideScore',
  method: 'PUT',
  path: '/api/v1/leads/{leadId}/score-override',
  scope: 'scoring:write',
  tag: 'Scoring',
  summary: 'Set a score by hand for some days',
  description:
    'It counts in place of the computed score, which goes on beside it, until the days are over.',
  subject: ({ id }) => id,
  version: ({ version }) => version,
  input: NewScoreOverride,
  output: LeadDetail,
  async perform({ leadId, score, reason, days }, context) {
    const { principal, now, tx } = context
    const until = overrideEnd(now, days)
    const { before } = await changeLead(context, leadId, 'override', (lead) => ({
      ...lead,
      override: { score, reason, by: principal.id, until },
    }))
    const previous = before.override?.score ?? null
    const detail = { computed: before.score, override: score, previous, until: until.toISOString() }
    context.audit({ action: 'lead.score_overridden', subjectId: leadId, detail })
    return readLead(tx, leadId, now)
  },
})

export const liftScoreOverride = defineOperation({
  id: 'liftScoreOverride',
  method: 'DELETE',
  path: '/api/v1/leads/{leadId}/score-override',
  scope: 'scoring:write',
  tag: 'Scoring',
  summary: 'Let the computed score count again',
  subject: ({ id }) => id,
  version: ({ version }) => version,
  input: LeadPath,
  output: LeadDetail,
  async perform({ leadId }, context) {
    const { before, after } = await changeLead(context, leadId, 'override_lifted', (lead) =>
      lead.override === null ? lead : { ...lead, override: null },
    )
    if (before.override !== null) {
      const detail = { computed: after.score, override: before.override.score }
      context.audit({ action: 'lead.override_lifted', subjectId: leadId, detail })
    }
    return readLead(context.tx, leadId, context.now)
  },
})

export const disposeLead = defineOperation({
  id: 'disposeLead',
  method: 'POST',
  path: '/api/v1/leads/{leadId}/disposition',
  scope: 'leads:write',
  tag: 'Leads',
  summary: 'Accept or reject a lead, with the reason',
  description:
    'Accepting moves it to working, rejecting to disqualified; either ends its follow-up task.',
  status: 200,
  subject: ({ id }) => id,
  version: ({ version }) => version,
  input: Disposition,
  output: LeadDetail,
  async perform({ leadId, ...decision }, context) {
    const { verdict, reason } = decision
    const { before, after } = await changeLead(context, leadId, 'change', (lead) =>
      disposed(lead, decision),
    )
    const { disposition } = after
    if (before.disposition !== disposition) {
      const event = verdict === 'accept' ? 'lead.accepted' : 'lead.rejected'
      context.emit({ event, subjectId: leadId, data: { reason, score: before.score } })
    }
    return readLead(context.tx, leadId, context.now)
  },
})

function disposed(
  lead: LeadState,
  { verdict, reason }: Pick<z.output<typeof Disposition>, 'verdict' | 'reason'>,
): LeadState {
  // A lead that is further on than working was accepted long ago.
  const accepted = lead.status === 'qualified' ? 'qualified' : 'working'
  const status = verdict === 'reject' ? 'disqualified' : accepted
  return { ...moved(lead, status), disposition: `${verdict}:${reason}` }
}

export const disposeLeads = defineOperation({
  id: 'disposeLeads',
  method: 'POST',
  path: '/api/v1/lead-dispositions',
  scope: 'leads:write',
  tag: 'Leads',
  summary: 'Accept or reject leads, many by one request',
  description:
    'As for one lead. One that cannot be moved so is refused and leaves the others alone.',
  status: 200,
  subject: ({ id }) => id,
  input: Disposition,
  output: DecidedLead,
  batch: { key: 'dispositions', max: MANY },
  performMany: (inputs, context) =>
    decideLeads(
      inputs,
      context,
      'lead.disposed',
      (lead, decision) => {
        const after = disposed(lead, decision)
        const isSame = after.status === lead.status && after.disposition === lead.disposition
        return isSame ? lead : after
      },
      (decided) => {
        for (const { before, after, input } of decided)
          if (before.disposition !== after.disposition)
            context.emit({
              event: input.verdict === 'accept' ? 'lead.accepted' : 'lead.rejected',
              subjectId: after.id,
              data: { reason: input.reason, score: before.score },
            })
      },
    ),
})

export const assignLeads = defineOperation({
  id: 'assignLeads',
  method: 'POST',
  path: '/api/v1/lead-assignments',
  scope: 'leads:write',
  tag: 'Routing',
  summary: 'Give leads to an owner, many by one request',
  description: 'Their open follow-ups go along. To let the rules choose, reroute a lead.',
  status: 200,
  subject: ({ id }) => id,
  input: Assignment,
  output: DecidedLead,
  batch: { key: 'assignments', max: MANY },
  async performMany(inputs, context) {
    const { tx, principal } = context
    const owners = await findOwners(tx, [...new Set(inputs.map(({ ownerId }) => ownerId))])
    const active = new Set<string>(owners.filter((owner) => owner.active).map(({ id }) => id))
    return decideLeads(
      inputs,
      context,
      'lead.assigned',
      (lead, { ownerId }) => {
        if (!active.has(ownerId)) throw noOwner()
        return lead.ownerId === ownerId ? lead : assigned(lead, ownerId, principal.id)
      },
      (decided) =>
        handOverTasks(
          tx,
          decided.map(({ after }) => after.id),
        ),
    )
  },
})

function noOwner(): Problem {
  const detail = 'There is no active owner with this id.'
  return new Problem('request.invalid', detail, { errors: [{ pointer: '/ownerId', detail }] })
}

function assigned(lead: LeadState, ownerId: `own_${string}`, by: string): LeadState {
  const ruleVersion = lead.routing?.ruleVersion ?? 0
  return {
    ...lead,
    ownerId,
    routing: { ruleId: null, ruleVersion, why: `Assigned by hand, by ${by}.` },
  }
}

export const rerouteLead = defineOperation({
  id: 'rerouteLead',
  method: 'POST',
  path: '/api/v1/leads/{leadId}/reroute',
  scope: 'leads:write',
  tag: 'Routing',
  summary: 'Give a lead to an owner, or let the rules choose again',
  status: 200,
  subject: ({ id }) => id,
  version: ({ version }) => version,
  input: Rerouting,
  output: LeadDetail,
  async perform({ leadId, ownerId }, context) {
    const { tx, now, principal } = context
    if (ownerId !== undefined) {
      const [owner] = await findOwners(tx, [ownerId])
      if (owner?.active !== true) throw noOwner()
    }
    const { after } = await changeLead(context, leadId, 'change', (lead) => {
      if (ownerId === undefined) return { ...lead, ownerId: null, routing: null }
      return assigned(lead, ownerId, principal.id)
    })
    if (after.ownerId === null) {
      throw new Problem(
        'routing.no_owner',
        'Nobody is available for this lead; it stays with its owner.',
      )
    }
    await handOverTasks(tx, [leadId])
    return readLead(tx, leadId, now)
  },
})
