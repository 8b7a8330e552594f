import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { RouteReason } from './routing.schema.ts'

const Name = z.string().trim().min(1).max(200)
const Url = z.string().trim().min(1).max(2000)
const Employees = z.int().min(0).max(10_000_000)
const UtmValue = z.string().trim().min(1).max(200)

export const LeadStatus = z.enum(['new', 'working', 'qualified', 'disqualified'])
export type LeadStatus = z.infer<typeof LeadStatus>

/** What made the person known; each but `import` is also a touch. */
export const LeadEvent = z.enum([
  'form_submission',
  'email_signup',
  'webinar_registration',
  'webinar_attendance',
  'demo_request',
  'event_attendance',
  'meeting',
  'import',
])
export type LeadEvent = z.infer<typeof LeadEvent>

/** What was agreed to at the capture; without a status it is granted. */
const LeadConsent = z.strictObject({
  purpose: z.string().trim().min(1).max(60).meta({ example: 'marketing' }),
  channel: z.string().trim().min(1).max(60).default('email'),
  status: z.enum(['granted', 'pending', 'denied', 'withdrawn']).default('granted').meta({
    description: '`pending` is a double opt-in that is not confirmed yet.',
  }),
  text: z.string().max(2000).optional().meta({ description: 'The wording agreed to, as proof.' }),
})

/** One submission. At least one of email, userId, externalId and anonymousId names the person. */
export const NewLead = z
  .strictObject({
    email: z.string().trim().pipe(z.email().max(254)).optional().meta({ personal: 'contact' }),
    userId: z.string().trim().min(1).max(200).optional().meta({ personal: 'identifier' }),
    externalId: z.string().trim().min(1).max(200).optional().meta({ personal: 'identifier' }),
    anonymousId: z.string().trim().min(1).max(200).optional().meta({ personal: 'identifier' }),
    source: z
      .string()
      .regex(
        /^[a-z0-9_.-]{1,60}$/,
        'A source is lower-case letters, digits, dots, dashes, underscores.',
      )
      .default('api')
      .meta({ description: 'The system it comes from; external ids are its own.' }),
    submissionId: z.string().trim().min(1).max(200).optional().meta({
      description: 'The id of the submission at its source: repeats of it count as one touch.',
    }),
    event: LeadEvent.default('form_submission'),
    form: Name.optional().meta({ description: 'Name of the form, list or webinar.' }),
    firstName: Name.optional().meta({ personal: 'name' }),
    lastName: Name.optional().meta({ personal: 'name' }),
    phone: z.string().trim().min(3).max(50).optional().meta({ personal: 'contact' }),
    jobTitle: Name.optional().meta({ personal: 'work' }),
    company: Name.optional(),
    companyDomain: z.string().trim().min(3).max(253).optional(),
    country: z.string().trim().min(2).max(60).optional().meta({
      description: 'ISO 3166-1 alpha-2 code or the name of a country',
      example: 'DE',
    }),
    region: Name.optional(),
    industry: Name.optional(),
    employees: Employees.optional(),
    channel: z.string().trim().min(1).max(60).optional().meta({
      description: 'Left out, it is worked out from utm, click ids and referrer.',
    }),
    campaign: z
      .string()
      .trim()
      .min(1)
      .max(200)
      .optional()
      .meta({ description: 'Id or key of a campaign.' }),
    utm: z
      .strictObject({
        source: UtmValue,
        medium: UtmValue,
        campaign: UtmValue,
        term: UtmValue,
        content: UtmValue,
      })
      .partial()
      .optional(),
    clickIds: z
      .record(z.string().min(1).max(30), z.string().min(1).max(500))
      .refine((ids) => Object.keys(ids).length <= 20, 'At most 20 click ids.')
      .optional()
      .meta({ example: { gclid: 'Cj0KCQ' }, personal: 'identifier' }),
    pageUrl: Url.optional(),
    landingPage: Url.optional(),
    referrer: Url.optional(),
    capturedAt: Instant.optional().meta({ description: 'When it happened; now when left out.' }),
    consents: z.array(LeadConsent).max(20).default([]),
    custom: z
      .record(
        z.string().min(1).max(60),
        z.union([z.string().max(2000), z.number(), z.boolean(), z.null()]),
      )
      .refine((fields) => Object.keys(fields).length <= 50, 'At most 50 custom fields.')
      .optional()
      .meta({ personal: 'custom' }),
  })
  .refine(
    ({ email, userId, externalId, anonymousId }) =>
      email !== undefined ||
      userId !== undefined ||
      externalId !== undefined ||
      anonymousId !== undefined,
    { error: 'Give an email, userId, externalId or anonymousId.', path: ['email'] },
  )
export type NewLead = z.infer<typeof NewLead>

export const LeadMatch = z.enum(['new', 'existing_lead', 'existing_person', 'customer']).meta({
  description:
    'new: nobody knew the person. existing_person: known, but no lead until now. customer: the same, with a won opportunity.',
})
export type LeadMatch = z.infer<typeof LeadMatch>

export const LeadWarning = z.object({
  code: z.enum([
    'free_mail_domain',
    'role_address',
    'no_consent',
    'identity_conflict',
    'unknown_campaign',
    'unknown_country',
    'unmatched_territory',
    'no_owner',
    'customer_already',
  ]),
  detail: z.string(),
})
export type LeadWarning = z.infer<typeof LeadWarning>

/** What became of a submission. */
export const CapturedLead = z.object({
  id: Id('lead'),
  personId: Id('per'),
  receiptId: Id('cap'),
  match: LeadMatch,
  isCustomer: z.boolean(),
  status: LeadStatus,
  channel: z.string(),
  campaignId: Id('cmp').nullable(),
  score: z.object({
    fit: z.int(),
    engagement: z.int(),
    total: z.int(),
    mql: z.boolean().meta({ description: 'Whether it has reached the threshold, now or before.' }),
  }),
  owner: z.object({ id: Id('own'), why: z.string() }).nullable(),
  task: z.object({ id: Id('tsk'), dueAt: Instant }).nullable(),
  syncEta: Instant.nullable().meta({
    description:
      'When it is expected to go to a CRM: now where changes go out as they come, else at the next scheduled push; null without one.',
  }),
  warnings: z.array(LeadWarning),
})
export type CapturedLead = z.infer<typeof CapturedLead>

/** May tell who somebody is, such as the firm of its owner: an erasure takes it out, and the audit log never has its value. */
const NAMED = { audit: 'name' } as const

export const Lead = z.object({
  id: Id('lead'),
  personId: Id('per'),
  email: z.string().nullable().meta({ personal: 'contact' }),
  firstName: z.string().nullable().meta({ personal: 'name' }),
  lastName: z.string().nullable().meta({ personal: 'name' }),
  jobTitle: z.string().nullable().meta({ personal: 'work' }),
  company: z.string().nullable().meta(NAMED),
  country: z.string().nullable(),
  status: LeadStatus,
  isCustomer: z.boolean(),
  channel: z.string(),
  campaignId: Id('cmp').nullable(),
  score: z.int().meta({
    description: 'What counts: the override while one holds, the computed score otherwise.',
  }),
  fitScore: z.int(),
  engagementScore: z.int(),
  mqlAt: Instant.nullable(),
  ownerId: Id('own').nullable(),
  disposition: z.string().nullable(),
  capturedAt: Instant,
  createdAt: Instant,
  updatedAt: Instant,
  version: z.int(),
})
export type Lead = z.infer<typeof Lead>

export const Contribution = z.object({
  part: z.enum(['fit', 'engagement', 'total']),
  ruleId: z.string(),
  label: z.string(),
  points: z.int(),
  detail: z.string(),
})

const ScoreOverride = z.object({
  score: z.int(),
  reason: z.string(),
  by: z.string(),
  until: Instant,
})

const FlipChange = z.object({
  ruleId: z.string(),
  label: z.string(),
  change: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('fact'),
      attributes: z
        .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).nullable())
        .meta({ description: 'As they would have to be; null: without a value' }),
    }),
    z.object({
      kind: z.literal('touches'),
      touchKind: z.string(),
      channel: z.string(),
      count: z.int().meta({ description: 'So many more, now' }),
    }),
  ]),
})

export const LeadFlip = z.object({
  id: Id('lead'),
  ownerId: Id('own').nullable(),
  modelVersion: z.int(),
  isQualified: z.boolean().meta({ description: 'By the rules, whatever an override says' }),
  threshold: z.int(),
  total: z.int().meta({ description: 'The score by the rules, of now' }),
  nearest: z
    .object({
      changes: z.array(FlipChange).min(1).max(2),
      total: z
        .int()
        .meta({ description: 'The score with these changes, by scoring the changed lead' }),
    })
    .nullable()
    .meta({
      description: 'Null: no one or two things that the rules ask about would flip it',
    }),
})
export type LeadFlip = z.output<typeof LeadFlip>

export const LeadDetail = Lead.extend({
  phone: z.string().nullable().meta({ personal: 'contact' }),
  region: z.string().nullable(),
  industry: z.string().nullable(),
  employees: z.int().nullable(),
  companyDomain: z.string().nullable().meta(NAMED),
  custom: z.record(z.string(), z.unknown()).meta({ personal: 'custom' }),
  scoring: z
    .object({
      computed: z
        .int()
        .meta({ description: 'The sum of all contributions, whatever an override says.' }),
      modelVersion: z.int(),
      scoredAt: Instant,
      contributions: z.array(Contribution),
      override: ScoreOverride.nullable(),
    })
    .meta(NAMED),
  routing: RouteReason.nullable().meta(NAMED),
  task: z
    .object({ id: Id('tsk'), state: z.string(), dueAt: Instant, escalatedAt: Instant.nullable() })
    .nullable()
    .meta({ description: 'The last follow-up task.' }),
  captures: z
    .array(
      z.object({
        id: Id('cap'),
        match: LeadMatch,
        source: z.string(),
        channel: z.string(),
        campaignId: Id('cmp').nullable(),
        touchpointId: Id('tch').nullable(),
        capturedAt: Instant,
        receivedAt: Instant,
      }),
    )
    .meta({ description: 'The receipts of its last 100 submissions, newest first.' }),
})
export type LeadDetail = z.infer<typeof LeadDetail>

/** A lead as the list shows it: with what decides which one comes first. */
export const ListedLead = Lead.extend({
  followUpDueAt: Instant.nullable().meta({
    description: 'When its open follow-up is due; null without one.',
  }),
  reasons: z.array(Contribution.pick({ label: true, points: true })).meta({
    description: 'The three rules that move its computed score most; weights are not among them.',
  }),
})
export type ListedLead = z.infer<typeof ListedLead>

export const LeadPage = Page(ListedLead)

export const LeadQuery = PageQuery.extend({
  status: LeadStatus.optional(),
  ownerId: z
    .union([Id('own'), z.literal('none')])
    .optional()
    .meta({ description: '`none`: without an owner.' }),
  campaignId: Id('cmp').optional(),
  channel: z.string().max(60).optional(),
  minScore: z.coerce.number().int().min(0).max(100).optional(),
  isOpen: z.stringbool().optional().meta({ description: 'New or being worked.' }),
  isMql: z.stringbool().optional(),
  isOverdue: z
    .stringbool()
    .optional()
    .meta({ description: 'Its open follow-up is past its time.' }),
  personId: Id('per').optional(),
  from: Instant.optional().meta({ description: 'Captured at or after' }),
  to: Instant.optional().meta({ description: 'Captured before' }),
  q: z
    .string()
    .trim()
    .min(1)
    .max(254)
    .optional()
    .meta({ description: 'The exact e-mail address', personal: 'contact' }),
})
export type LeadQuery = z.infer<typeof LeadQuery>

/** What a decision about many leads changes of each. */
export const DecidedLead = Lead.pick({
  id: true,
  status: true,
  ownerId: true,
  disposition: true,
  version: true,
})
export type DecidedLead = z.infer<typeof DecidedLead>

export const LeadPath = z.object({ leadId: Id('lead') })

/** Null takes a value away. */
export const LeadChange = LeadPath.extend({
  status: LeadStatus.optional(),
  company: Name.nullable().optional(),
  companyDomain: z.string().trim().min(3).max(253).nullable().optional(),
  country: z.string().trim().min(2).max(60).nullable().optional(),
  region: Name.nullable().optional(),
  industry: Name.nullable().optional(),
  employees: Employees.nullable().optional(),
})
export type LeadChange = z.infer<typeof LeadChange>

export const NewScoreOverride = LeadPath.extend({
  score: z.int().min(0).max(100),
  reason: z.string().trim().min(3).max(500),
  days: z
    .int()
    .min(1)
    .max(365)
    .default(30)
    .meta({ description: 'For how long it holds, whatever scoring says.' }),
})

export const Rerouting = LeadPath.extend({
  ownerId: Id('own').optional().meta({ description: 'Left out, the rules choose.' }),
})

export const Assignment = LeadPath.extend({ ownerId: Id('own') })
