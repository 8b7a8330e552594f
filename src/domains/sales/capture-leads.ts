import { newId } from '#core/id.ts'
import { Problem } from '#core/problem.ts'
import type { OperationContext, Settled } from '#gateway/operation.ts'
import { captureAll } from '#people/capture.store.ts'
import { effectiveConsents } from '#people/consent.rules.ts'
import { isPlaceholder } from '#people/identity.rules.ts'
import { openPersonal } from '#people/person.store.ts'
import type { Transaction } from '#store/store.ts'
import { leadOf } from './lead-place.rules.ts'
import {
  effectiveScore,
  isChanged,
  matchOf,
  newLead,
  withSubmission,
  type LeadDraft,
  type LeadState,
  type Submission,
} from './lead.rules.ts'
import type { CapturedLead, LeadMatch, NewLead } from './lead.schema.ts'
import {
  findCampaigns,
  findLeads,
  findPersonFacts,
  insertReceipts,
  lockLeads,
  type PersonFacts,
} from './lead.store.ts'
import { progressLeads, type Progressed } from './progress.ts'
import { findSettings } from './score.store.ts'
import { findOpenTasks } from './task.store.ts'
import { captureTime, submissionKey, toCapture } from './submission.rules.ts'
import { warningsOf } from './warning.rules.ts'

/** A submission with its place among the inputs and what it met. */
interface Accepted extends Submission {
  place: number
  leadId: LeadState['id']
  match: LeadMatch
  receiptId: `cap_${string}`
}

/**
 * Takes in submissions: finds or makes the person and the one lead of each, scores, routes and plans the follow-up, and
 * keeps a receipt of every submission. Items see each other in order, so two of one person make one lead.
 *
 * About ten statements beside those of the people engine, whatever the number of submissions.
 */
export async function captureLeads(
  inputs: readonly NewLead[],
  { tx, now, emit }: Pick<OperationContext, 'tx' | 'now' | 'emit'>,
): Promise<Settled<CapturedLead>[]> {
  const outcomes: (Settled<CapturedLead> | undefined)[] = inputs.map((input) =>
    refusalOf(input, now),
  )
  const places = inputs.flatMap((_, place) => (outcomes[place] === undefined ? [place] : []))
  if (places.length === 0) return outcomes as Settled<CapturedLead>[]
  const campaigns = await findNamedCampaigns(
    tx,
    places.map((place) => inputs[place]!),
  )
  const submitted = places.map((place) => ({
    place,
    input: inputs[place]!,
    at: captureTime(inputs[place]!.capturedAt, now) ?? now,
  }))
  const captures = submitted.map(({ input, at }) =>
    toCapture(input, at, {
      campaignId: campaignOf(input, campaigns),
      messageId: messageIdOf(tx, input, now),
    }),
  )
  const captured = await captureAll(tx, captures, now)
  const submissions = submitted.map((one, i) => ({ ...one, captured: captured.outcomes[i]! }))

  await lockLeads(tx)
  const personIds = [...new Set(captured.outcomes.map(({ personId }) => personId))]
  const homeIds = captured.outcomes.flatMap(({ homeId }) => homeId ?? [])
  const known = await findLeads(tx, { personIds: [...personIds, ...new Set(homeIds)] })
  const people = await findPersonFacts(tx, personIds)
  const { accepted, drafts } = settle(submissions, known, people, now)
  const settings = await findSettings(tx)
  const jobTitles = jobTitlesOf(tx, people.values())
  const progressed = await progressLeads(tx, drafts, { settings, jobTitles, cause: 'capture', now })
  await insertReceipts(tx, accepted.map(toReceipt), now)

  for (const event of captured.events) emit(event)
  for (const event of leadEvents(accepted, progressed, people, now)) emit(event)
  const tasks = await findOpenTasks(
    tx,
    progressed.drafts.map(({ after }) => after.id),
  )
  const syncEta = settings.goesAtOnce ? now : settings.nextPushAt
  const answer = answerer({ progressed, tasks, people, syncEta, now })
  for (const one of accepted) {
    const output = answer(one, campaignOf(one.input, campaigns) !== null)
    const status = one.match === 'existing_lead' ? 200 : 201
    outcomes[one.place] = { kind: 'done', output, status }
  }
  return outcomes as Settled<CapturedLead>[]
}

/** What the schema cannot see: a moment in the future, identifiers that broken code sends for everybody. */
function refusalOf(input: NewLead, now: Date): Settled<CapturedLead> | undefined {
  const refuse = (pointer: string, detail: string): Settled<CapturedLead> => ({
    kind: 'refused',
    problem: new Problem('request.invalid', `${pointer}: ${detail}`, {
      errors: [{ pointer, detail }],
    }),
  })
  if (captureTime(input.capturedAt, now) === null)
    return refuse('/capturedAt', 'It lies in the future: check the clock of the sender.')
  for (const field of ['userId', 'externalId', 'anonymousId'] as const) {
    const value = input[field]
    if (value !== undefined && isPlaceholder(value))
      return refuse(`/${field}`, 'It names nobody: leave it out when it is unknown.')
  }
  return undefined
}

async function findNamedCampaigns(
  tx: Transaction,
  inputs: readonly NewLead[],
): Promise<Map<string, string>> {
  const names = new Set(
    inputs.flatMap(({ campaign }) =>
      campaign === undefined ? [] : [campaign, campaign.toLowerCase()],
    ),
  )
  return names.size === 0 ? new Map() : findCampaigns(tx, [...names])
}

function campaignOf({ campaign }: NewLead, campaigns: ReadonlyMap<string, string>): string | null {
  if (campaign === undefined) return null
  return campaigns.get(campaign) ?? campaigns.get(campaign.toLowerCase()) ?? null
}

/** The submission's key without its content: a keyed hash tells nobody what was in it. */
function messageIdOf(tx: Transaction, input: NewLead, now: Date): string {
  return `lead:${tx.sealer.index('lead.submission', submissionKey(input, now)).toString('hex')}`
}

/** The lead of each submission, with one draft a lead, in the order in which leads first appear. */
function settle(
  submissions: readonly (Submission & { place: number })[],
  known: readonly LeadState[],
  people: ReadonlyMap<string, PersonFacts>,
  now: Date,
): { accepted: Accepted[]; drafts: LeadDraft[] } {
  const drafts = new Map<string, LeadDraft>()
  const leadsOf = new Map<string, LeadState[]>()
  const add = (lead: LeadState) => {
    for (const id of [lead.personId, lead.homeId])
      if (id !== null) leadsOf.set(id, [...(leadsOf.get(id) ?? []), lead])
  }
  known.forEach(add)
  const accepted = submissions.map((submission): Accepted => {
    const { personId, homeId, isNewPerson } = submission.captured
    const hasWon = people.get(personId)?.hasWon ?? false
    const theirs = [personId, homeId ?? personId].flatMap((id) => leadsOf.get(id) ?? [])
    const found = leadOf(theirs, personId, homeId)
    const draft = found === null ? undefined : drafts.get(found.id)
    const before = draft === undefined ? found : draft.before
    const held = draft?.after ?? before
    const after =
      held === null
        ? newLead(newId('lead'), submission, hasWon, now)
        : { ...withSubmission(held, submission), isCustomer: hasWon }
    drafts.set(after.id, { before, after })
    if (held === null) add(after)
    const match = matchOf(held !== null, after.isCustomer, isNewPerson)
    return { ...submission, leadId: after.id, match, receiptId: newId('cap') }
  })
  const unchanged = (draft: LeadDraft): LeadDraft =>
    draft.before !== null && !isChanged(draft)
      ? { before: draft.before, after: draft.before }
      : draft
  return { accepted, drafts: [...drafts.values()].map(unchanged) }
}

interface Answering {
  progressed: Progressed
  tasks: ReadonlyMap<string, NonNullable<CapturedLead['task']>>
  people: ReadonlyMap<string, PersonFacts>
  syncEta: Date | null
  now: Date
}

/** Answers submissions once their leads are scored, routed and written. */
function answerer({ progressed, tasks, people, syncEta, now }: Answering) {
  const leads = new Map(progressed.drafts.map(({ after }) => [after.id, after]))
  return (
    { leadId, receiptId, match, input, captured }: Accepted,
    isCampaignKnown: boolean,
  ): CapturedLead => {
    const lead = leads.get(leadId)!
    const person = people.get(lead.personId)!
    const {
      id,
      personId,
      isCustomer,
      status,
      channel,
      campaignId,
      fitScore,
      engagementScore,
      ownerId,
    } = lead
    return {
      id,
      personId,
      receiptId,
      match,
      isCustomer,
      status,
      channel,
      campaignId,
      score: {
        fit: fitScore,
        engagement: engagementScore,
        total: effectiveScore(lead, now),
        mql: lead.mqlAt !== null,
      },
      owner: ownerId === null ? null : { id: ownerId, why: lead.routing?.why ?? '' },
      task: tasks.get(id) ?? null,
      syncEta,
      warnings: warningsOf(input, {
        hasConflict: captured.conflictId !== undefined,
        isCampaignKnown,
        hasConsent: hasConsent(person),
        isCustomer,
        hasOwner: ownerId !== null,
        isTerritoryMatched: progressed.assignments.get(id)?.isTerritoryMatched ?? null,
      }),
    }
  }
}

/** The job titles of people, by person. */
export function jobTitlesOf(
  tx: Transaction,
  people: Iterable<{ personId: string; personal: Buffer | null }>,
): Map<string, string> {
  const titles = new Map<string, string>()
  for (const { personId, personal } of people) {
    const { jobTitle } = openPersonal(tx, personId, personal)
    if (jobTitle !== undefined) titles.set(personId, jobTitle)
  }
  return titles
}

function toReceipt({ receiptId, leadId, match, input, at, captured }: Accepted) {
  const { channel, campaignId, touchpointId } = captured
  return {
    id: receiptId,
    leadId,
    match,
    source: input.source,
    channel,
    campaignId,
    touchpointId,
    capturedAt: at,
  }
}

function hasConsent({ consents }: PersonFacts): boolean {
  return effectiveConsents(consents).some(({ status }) => status === 'granted')
}

function leadEvents(
  accepted: readonly Accepted[],
  progressed: Progressed,
  people: ReadonlyMap<string, PersonFacts>,
  now: Date,
) {
  const captures = accepted.map(({ leadId, receiptId, match, captured }) => ({
    event: 'lead.captured',
    subjectId: leadId,
    data: { receiptId, match, touchpointId: captured.touchpointId, personId: captured.personId },
  }))
  const changes = progressed.drafts.flatMap((draft) => {
    const { before, after } = draft
    const subject = { subjectId: after.id, data: { personId: after.personId } }
    if (before === null) return [{ event: 'lead.created', ...subject }]
    // The people engine wrote the person in this transaction when something personal is new.
    const isPersonNew = people.get(after.personId)?.updatedAt.getTime() === now.getTime()
    return isPersonNew || isChanged(draft) ? [{ event: 'lead.updated', ...subject }] : []
  })
  return [...captures, ...changes, ...progressed.events]
}
