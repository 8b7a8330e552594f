import { DAY_MS } from '#core/time.ts'
import type { Captured } from '#people/capture.ts'
import { companyDomain, emailDomain } from './email-address.ts'
import { countryCode } from './country.ts'
import { pickGiven, sortFields } from './fields.ts'
import { placed } from './lead-place.rules.ts'
import type { Contribution, LeadMatch, LeadStatus, NewLead } from './lead.schema.ts'
import type { z } from 'zod'

/** Facts about the company, kept in the clear: nothing here names a person. */
interface CompanyFacts {
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

interface Routed {
  ruleId: string | null
  ruleVersion: number
  why: string
}

/** A lead as it is kept; custom fields are open here. */
export interface LeadState {
  id: `lead_${string}`
  personId: `per_${string}`
  /** Whose lead it is, when that one was merged into the person by hand: such a lead stays beside the person's own. */
  homeId: string | null
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
function withFacts(known: CompanyFacts | null, input: NewLead): CompanyFacts {
  const base = known ?? noFacts
  const said = pickGiven({
    country: input.country === undefined ? undefined : (countryCode(input.country) ?? undefined),
    region: input.region,
    industry: input.industry,
    employees: input.employees,
    company: input.company,
    domain:
      input.companyDomain === undefined
        ? undefined
        : (companyDomain(input.companyDomain) ?? undefined),
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
    homeId: captured.homeId,
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
    ...placed(lead, captured),
    attributes: withFacts(lead.attributes, input),
    custom: input.custom === undefined ? lead.custom : { ...lead.custom, ...input.custom },
    ...(isEarlier && {
      channel: captured.channel,
      campaignId: captured.campaignId as LeadState['campaignId'],
      capturedAt: at,
    }),
  }
}

type FactsChange = {
  [K in 'company' | 'companyDomain' | 'country' | 'region' | 'industry']?: string | null | undefined
} & {
  employees?: number | null | undefined
}

/** The lead with company facts set or, by null, taken away. The lead itself when nothing differs. */
export function withChange(lead: LeadState, change: FactsChange): LeadState {
  const { company, country, region, industry, employees, companyDomain: site } = change
  const said = pickGiven({
    company,
    region,
    industry,
    employees,
    country: typeof country === 'string' ? (countryCode(country) ?? country) : country,
    domain: typeof site === 'string' ? (companyDomain(site) ?? undefined) : site,
  })
  const attributes: CompanyFacts = { ...lead.attributes, ...said }
  const isSame =
    JSON.stringify(sortFields(attributes)) === JSON.stringify(sortFields(lead.attributes))
  return isSame ? lead : { ...lead, attributes }
}

/** How the submission met what was known: a lead, a customer or person without one, or nobody. */
export function matchOf(
  isKnownLead: boolean,
  isCustomer: boolean,
  isNewPerson: boolean,
): LeadMatch {
  if (isKnownLead) return 'existing_lead'
  if (isCustomer) return 'customer'
  return isNewPerson ? 'new' : 'existing_person'
}

const byProgress: Readonly<Record<LeadStatus, number>> = {
  disqualified: 0,
  new: 1,
  working: 2,
  qualified: 3,
}

/** One lead of two whose people turned out to be one: gaps are filled, the earliest capture and qualification hold. */
export function absorbLead(survivor: LeadState, absorbed: LeadState): LeadState {
  const earliest = absorbed.capturedAt < survivor.capturedAt ? absorbed : survivor
  const { channel, campaignId, capturedAt } = earliest
  const attributes = { ...absorbed.attributes, ...withoutNull(survivor.attributes) }
  const custom = { ...absorbed.custom, ...survivor.custom }
  const qualifiedAt = [survivor.mqlAt, absorbed.mqlAt]
    .filter((at) => at !== null)
    .toSorted((a, b) => a.getTime() - b.getTime())
  const isOwned = survivor.ownerId !== null
  return {
    ...survivor,
    channel,
    campaignId,
    capturedAt,
    attributes,
    custom: Object.keys(custom).length === 0 ? null : custom,
    isCustomer: survivor.isCustomer || absorbed.isCustomer,
    status:
      byProgress[absorbed.status] > byProgress[survivor.status] ? absorbed.status : survivor.status,
    mqlAt: qualifiedAt[0] ?? null,
    override: survivor.override ?? absorbed.override,
    ownerId: isOwned ? survivor.ownerId : absorbed.ownerId,
    routing: isOwned ? survivor.routing : absorbed.routing,
    disposition: survivor.disposition ?? absorbed.disposition,
  }
}

function withoutNull<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null),
  ) as Partial<T>
}

/** Whether anything but scores and routing differs, as far as other systems are concerned. */
export function isChanged({ before, after }: LeadDraft): boolean {
  if (before === null) return true
  const told = ({
    status,
    isCustomer,
    channel,
    campaignId,
    attributes,
    custom,
    capturedAt,
    disposition,
  }: LeadState) =>
    JSON.stringify([
      status,
      isCustomer,
      channel,
      campaignId,
      sortFields(attributes),
      sortFields(custom ?? {}),
      capturedAt,
      disposition,
    ])
  return told(before) !== told(after)
}

/** When an override given for some days ends. */
export function overrideEnd(now: Date, days: number): Date {
  return new Date(now.getTime() + days * DAY_MS)
}
