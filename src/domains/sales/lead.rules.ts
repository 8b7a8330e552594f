import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import type { Capture, Captured, ConsentCapture } from '#people/capture.ts'
import { companyDomain, emailDomain } from './email-address.ts'
import { countryCode } from './country.ts'
import type { Contribution, LeadEvent, LeadMatch, LeadStatus, NewLead } from './lead.schema.ts'
import type { z } from 'zod'

/** Facts about the company, kept in the clear: nothing here names a person. */
export interface CompanyFacts {
  country: string | null
  region: string | null
  industry: string | null
  employees: number | null
  company: string | null
  /** Registrable domain of the company. */
  domain: string | null
  /** Domain of the person's e-mail address, also of free mail. */
  emailDomain: string | null
}

export interface HeldOverride {
  score: number
  reason: string
  by: string
  until: Date
}

export interface Routed {
  ruleId: string | null
  ruleVersion: number
  why: string
}

/** A lead as it is kept; custom fields are open here. */
export interface LeadState {
  id: `lead_${string}`
  personId: `per_${string}`
  status: LeadStatus
  isCustomer: boolean
  channel: string
  campaignId: `cmp_${string}` | null
  attributes: CompanyFacts
  custom: Record<string, unknown> | null
  fitScore: number
  engagementScore: number
  /** As computed; an override stands beside it. */
  score: number
  scoreParts: z.infer<typeof Contribution>[]
  scoreVersion: number
  scoredAt: Date
  override: HeldOverride | null
  mqlAt: Date | null
  ownerId: `own_${string}` | null
  routing: Routed | null
  disposition: string | null
  capturedAt: Date
  createdAt: Date
  updatedAt: Date
  version: number
}

/** A lead before a change, null when it is made by it, and after. */
export interface LeadDraft {
  before: LeadState | null
  after: LeadState
}

const nextStatuses: Readonly<Record<LeadStatus, readonly LeadStatus[]>> = {
  new: ['working', 'qualified', 'disqualified'],
  working: ['qualified', 'disqualified'],
  qualified: ['working', 'disqualified'],
  disqualified: ['new', 'working'],
}

export function canMove(from: LeadStatus, to: LeadStatus): boolean {
  return from === to || nextStatuses[from].includes(to)
}

/** Where a lead may go from here, for messages. */
export function statusesAfter(from: LeadStatus): readonly LeadStatus[] {
  return nextStatuses[from]
}

/** The override that holds now, or null. */
export function activeOverride(lead: Pick<LeadState, 'override'>, now: Date): HeldOverride | null {
  return lead.override !== null && lead.override.until > now ? lead.override : null
}

/** What counts: the override while it holds, the computed score otherwise. */
export function effectiveScore(lead: Pick<LeadState, 'override' | 'score'>, now: Date): number {
  return activeOverride(lead, now)?.score ?? lead.score
}

// Clocks of senders differ: a little ahead of ours is now, more is a mistake.
const MAX_AHEAD_MS = 5 * MINUTE_MS

/** When the submission happened. Null when it claims to be of the future. */
export function captureTime(capturedAt: Date | undefined, now: Date): Date | null {
  if (capturedAt === undefined) return now
  const aheadMs = capturedAt.getTime() - now.getTime()
  if (aheadMs > MAX_AHEAD_MS) return null
  return aheadMs > 0 ? now : capturedAt
}

const touchKinds: Readonly<Record<LeadEvent, string | null>> = {
  form_submission: 'form_submission',
  email_signup: 'email_signup',
  webinar_registration: 'webinar_registered',
  webinar_attendance: 'webinar_attended',
  demo_request: 'demo_request',
  event_attendance: 'event_attended',
  meeting: 'meeting',
  import: null,
}

/** What of a submission is for the people engine: who it is, what was agreed to, and the touch it was. */
export function toCapture(
  input: NewLead,
  at: Date,
  { campaignId, messageId }: { campaignId: string | null; messageId: string },
): Capture {
  const { email, userId, externalId, anonymousId, source } = input
  const identities: Capture['identities'] = []
  if (userId !== undefined) identities.push({ kind: 'user_id', value: userId })
  if (externalId !== undefined) identities.push({ kind: 'external_id', source, value: externalId })
  if (email !== undefined) identities.push({ kind: 'email', value: email })
  if (anonymousId !== undefined) identities.push({ kind: 'anonymous_id', value: anonymousId })
  const { firstName, lastName, phone, jobTitle, company } = input
  const country = input.country === undefined ? undefined : (countryCode(input.country) ?? input.country)
  const personal = given({ email, firstName, lastName, phone, jobTitle, company, country })
  const consents = input.consents.map(({ purpose, channel, status, text }): ConsentCapture => {
    const proof = given({ text, form: input.form, page: input.pageUrl })
    return { purpose, channel, status, ...(Object.keys(proof).length > 0 && { proof }) }
  })
  return { source, identities, personal, consents, touch: toTouch(input, at, campaignId, messageId) }
}

function toTouch(input: NewLead, at: Date, campaignId: string | null, messageId: string): Capture['touch'] {
  const { event, channel, utm, clickIds, pageUrl, landingPage, referrer, form, campaign } = input
  // A list that is only loaded is no interaction; one that says where the people were met is.
  const isSourced = channel !== undefined || campaign !== undefined || utm !== undefined
  const kind = touchKinds[event] ?? (isSourced ? 'import' : null)
  if (kind === null) return null
  const detail = given({ url: landingPage ?? pageUrl, pageUrl, referrer, clickIds, form, campaign })
  return {
    kind,
    channel: channel ?? null,
    occurredAt: at,
    messageId,
    ...(campaignId !== null && { campaignId }),
    ...(utm !== undefined && { utm: given(utm) }),
    ...(Object.keys(detail).length > 0 && { detail }),
  }
}

const DOUBLE_SUBMIT_MS = 10 * MINUTE_MS

/**
 * What makes two submissions one touch: the id that the source gave; else the same content of the same moment, or, when no
 * moment was given, within the same ten minutes (a form sent twice).
 */
export function submissionKey(input: NewLead, now: Date): string {
  const { source, submissionId, ...content } = input
  if (submissionId !== undefined) return JSON.stringify([source, submissionId])
  const bucket = input.capturedAt === undefined ? Math.floor(now.getTime() / DOUBLE_SUBMIT_MS) : null
  return JSON.stringify([source, bucket, ordered(content)])
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Without the fields that are undefined. */
function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>
}

const noFacts: CompanyFacts = {
  country: null,
  region: null,
  industry: null,
  employees: null,
  company: null,
  domain: null,
  emailDomain: null,
}

/** The facts of a submission over those known before; what it does not say stays. */
export function withFacts(known: CompanyFacts | null, input: NewLead): CompanyFacts {
  const base = known ?? noFacts
  const said = given({
    country: input.country === undefined ? undefined : (countryCode(input.country) ?? undefined),
    region: input.region,
    industry: input.industry,
    employees: input.employees,
    company: input.company,
    domain: input.companyDomain === undefined ? undefined : (companyDomain(input.companyDomain) ?? undefined),
    emailDomain: input.email === undefined ? undefined : emailDomain(input.email),
  })
  return { ...base, ...said }
}

export interface Submission {
  input: NewLead
  at: Date
  captured: Captured
}

/** A lead that nobody has scored or routed yet. */
export function newLead(
  id: LeadState['id'],
  { input, at, captured }: Submission,
  isCustomer: boolean,
  now: Date,
): LeadState {
  return {
    id,
    personId: captured.personId as LeadState['personId'],
    status: 'new',
    isCustomer,
    channel: captured.channel,
    campaignId: captured.campaignId as LeadState['campaignId'],
    attributes: withFacts(null, input),
    custom: input.custom ?? null,
    fitScore: 0,
    engagementScore: 0,
    score: 0,
    scoreParts: [],
    scoreVersion: 0,
    scoredAt: now,
    override: null,
    mqlAt: null,
    ownerId: null,
    routing: null,
    disposition: null,
    capturedAt: at,
    createdAt: now,
    updatedAt: now,
    version: 1,
  }
}

/** The lead after another submission. The earliest one says where the lead came from, whatever the order of arrival. */
export function withSubmission(lead: LeadState, { input, at, captured }: Submission): LeadState {
  const isEarlier = at < lead.capturedAt && captured.touchpointId !== null
  return {
    ...lead,
    attributes: withFacts(lead.attributes, input),
    custom: input.custom === undefined ? lead.custom : { ...lead.custom, ...input.custom },
    ...(isEarlier && {
      channel: captured.channel,
      campaignId: captured.campaignId as LeadState['campaignId'],
      capturedAt: at,
    }),
  }
}

type FactsChange = { [K in 'company' | 'companyDomain' | 'country' | 'region' | 'industry']?: string | null | undefined } & {
  employees?: number | null | undefined
}

/** The lead with company facts set or, by null, taken away. The lead itself when nothing differs. */
export function withChange(lead: LeadState, change: FactsChange): LeadState {
  const { company, country, region, industry, employees, companyDomain: site } = change
  const said = given({
    company,
    region,
    industry,
    employees,
    country: typeof country === 'string' ? (countryCode(country) ?? country) : country,
    domain: typeof site === 'string' ? (companyDomain(site) ?? undefined) : site,
  })
  const attributes: CompanyFacts = { ...lead.attributes, ...said }
  const isSame = JSON.stringify(ordered(attributes)) === JSON.stringify(ordered(lead.attributes))
  return isSame ? lead : { ...lead, attributes }
}

/** How the submission met what was known: a lead, a customer or person without one, or nobody. */
export function matchOf(isKnownLead: boolean, isCustomer: boolean, isNewPerson: boolean): LeadMatch {
  if (isKnownLead) return 'existing_lead'
  if (isCustomer) return 'customer'
  return isNewPerson ? 'new' : 'existing_person'
}

const byProgress: Readonly<Record<LeadStatus, number>> = { disqualified: 0, new: 1, working: 2, qualified: 3 }

/** One lead of two whose people turned out to be one: gaps are filled, the earliest capture and qualification hold. */
export function absorbLead(survivor: LeadState, absorbed: LeadState): LeadState {
  const earliest = absorbed.capturedAt < survivor.capturedAt ? absorbed : survivor
  const { channel, campaignId, capturedAt } = earliest
  const attributes = { ...absorbed.attributes, ...withoutNull(survivor.attributes) }
  const custom = { ...absorbed.custom, ...survivor.custom }
  const qualifiedAt = [survivor.mqlAt, absorbed.mqlAt].filter((at) => at !== null).toSorted((a, b) => a.getTime() - b.getTime())
  const isOwned = survivor.ownerId !== null
  return {
    ...survivor,
    channel,
    campaignId,
    capturedAt,
    attributes,
    custom: Object.keys(custom).length === 0 ? null : custom,
    isCustomer: survivor.isCustomer || absorbed.isCustomer,
    status: byProgress[absorbed.status] > byProgress[survivor.status] ? absorbed.status : survivor.status,
    mqlAt: qualifiedAt[0] ?? null,
    override: survivor.override ?? absorbed.override,
    ownerId: isOwned ? survivor.ownerId : absorbed.ownerId,
    routing: isOwned ? survivor.routing : absorbed.routing,
    disposition: survivor.disposition ?? absorbed.disposition,
  }
}

function withoutNull<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Partial<T>
}

/** Whether anything but scores and routing differs, as far as other systems are concerned. */
export function isChanged({ before, after }: LeadDraft): boolean {
  if (before === null) return true
  const told = ({ status, isCustomer, channel, campaignId, attributes, custom, capturedAt, disposition }: LeadState) =>
    JSON.stringify([status, isCustomer, channel, campaignId, ordered(attributes), ordered(custom ?? {}), capturedAt, disposition])
  return told(before) !== told(after)
}

function ordered(fields: object): [string, unknown][] {
  return Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

/** When an override given for some days ends. */
export function overrideEnd(now: Date, days: number): Date {
  return new Date(now.getTime() + days * DAY_MS)
}
