import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

const Name = z.string().trim().min(1).max(200)
const Identifier = z.string().trim().min(1).max(200)

/** The fields that name a person; at least one is given. */
export const personNames = {
  email: z
    .string()
    .trim()
    .pipe(z.email().max(254))
    .optional()
    .meta({ personal: 'contact', example: 'ada@example.com' }),
  userId: Identifier.optional().meta({
    personal: 'identifier',
    description: 'The id of the account at your product.',
  }),
  externalId: Identifier.optional().meta({
    personal: 'identifier',
    description: 'The id at the system named by source.',
  }),
  anonymousId: Identifier.optional().meta({
    personal: 'identifier',
    description: 'The id of a browser or device.',
  }),
}

export const Source = z
  .string()
  .regex(
    /^[a-z0-9_.-]{1,60}$/,
    'A source is lower-case letters, digits, dots, dashes, underscores.',
  )
  .default('api')
  .meta({ description: 'The system it comes from; external ids and message ids are its own.' })

export const ConsentStatus = z.enum(['granted', 'pending', 'denied', 'withdrawn'])

/** One decision of a person. */
export const NewConsent = z.strictObject({
  purpose: z.string().trim().min(1).max(60).meta({ example: 'marketing' }),
  channel: z
    .string()
    .trim()
    .min(1)
    .max(60)
    .default('email')
    .meta({ description: 'email, phone, sms …, or any for all of them.' }),
  status: ConsentStatus.meta({ description: '`pending` is a double opt-in not confirmed yet.' }),
  proof: z
    .record(z.string().min(1).max(60), z.union([z.string().max(2000), z.number(), z.boolean()]))
    .refine((proof) => Object.keys(proof).length <= 20, 'At most 20 facts.')
    .optional()
    .meta({
      personal: 'consent',
      description:
        'What shows that the person decided it: wording, page, form. After a refusal only a grant with proof counts.',
      example: { text: 'Yes, send me the newsletter.', page: 'https://example.com/signup' },
    }),
  occurredAt: Instant.optional().meta({ description: 'When the person decided; now if left out.' }),
})
export type NewConsent = z.infer<typeof NewConsent>

export const NewPerson = z.strictObject({
  ...personNames,
  source: Source,
  firstName: Name.optional().meta({ personal: 'name' }),
  lastName: Name.optional().meta({ personal: 'name' }),
  phone: z.string().trim().min(3).max(50).optional().meta({ personal: 'contact' }),
  jobTitle: Name.optional().meta({ personal: 'work' }),
  company: Name.optional().meta({ personal: 'work' }),
  country: z.string().trim().min(2).max(60).optional().meta({ example: 'DE' }),
  traits: z
    .record(
      z.string().min(1).max(60),
      z.union([z.string().max(2000), z.number(), z.boolean(), z.null()]),
    )
    .refine((traits) => Object.keys(traits).length <= 50, 'At most 50 traits.')
    .optional()
    .meta({ personal: 'custom' }),
  consents: z.array(NewConsent).max(20).default([]),
})
export type NewPerson = z.infer<typeof NewPerson>

export const IdentifiedPerson = z.object({
  id: Id('per'),
  isNew: z.boolean(),
  conflictId: Id('conf').nullable().meta({
    description: 'The identifiers belong to two people: nothing was merged, the pair is filed.',
  }),
})

const attributes = {
  email: z.string().nullable().meta({ personal: 'contact' }),
  firstName: z.string().nullable().meta({ personal: 'name' }),
  lastName: z.string().nullable().meta({ personal: 'name' }),
  phone: z.string().nullable().meta({ personal: 'contact' }),
  jobTitle: z.string().nullable().meta({ personal: 'work' }),
  company: z.string().nullable().meta({ personal: 'work' }),
  country: z.string().nullable(),
}

/** A person as lists show it. */
export const Person = z.object({
  id: Id('per'),
  identified: z.boolean().meta({ description: 'False: an anonymous visitor so far.' }),
  ...attributes,
  createdAt: Instant,
  updatedAt: Instant,
})
export type Person = z.infer<typeof Person>

/** Enough of a person to tell who it is; without values for whoever was erased. */
export const PersonBrief = Person.pick({
  id: true,
  email: true,
  firstName: true,
  lastName: true,
  jobTitle: true,
  company: true,
})
export type PersonBrief = z.infer<typeof PersonBrief>

export const EffectiveConsent = z.object({
  purpose: z.string(),
  channel: z.string(),
  status: ConsentStatus,
  since: Instant,
  source: z.string(),
})

export const Consent = z.object({
  id: Id('cns'),
  purpose: z.string(),
  channel: z.string(),
  status: ConsentStatus,
  source: z.string(),
  proof: z.record(z.string(), z.unknown()).nullable().meta({ personal: 'consent' }),
  occurredAt: Instant,
})

export const ConsentState = z.object({
  personId: Id('per'),
  effective: z.array(EffectiveConsent).meta({ description: 'What holds now.' }),
  history: z.array(Consent).meta({ description: 'Every record, oldest first.' }),
})
export type ConsentState = z.infer<typeof ConsentState>

export const PersonDetail = Person.extend({
  version: z.int(),
  traits: z.record(z.string(), z.unknown()).meta({ personal: 'custom' }),
  identities: z.array(
    z.object({
      kind: z.enum(['email', 'user_id', 'anonymous_id', 'external_id']),
      source: z.string().meta({ description: 'The system of an external id, else empty.' }),
      masked: z.string().meta({ description: 'Enough of the value to recognise it.' }),
      createdAt: Instant,
    }),
  ),
  consents: ConsentState.omit({ personId: true }),
  merged: z
    .object({ from: Id('per'), at: Instant })
    .nullable()
    .meta({ description: 'Set when the id asked for was merged into this person.' }),
})
export type PersonDetail = z.infer<typeof PersonDetail>

export const PersonPath = z.object({ personId: Id('per') })
export const PersonQuery = PageQuery.extend({
  email: z.string().trim().max(254).optional().meta({ personal: 'contact' }),
  identified: z.stringbool().optional(),
})
export const PersonPage = Page(Person)

export const IdentityConflict = z.object({
  id: Id('conf'),
  personId: Id('per'),
  otherPersonId: Id('per'),
  kinds: z.array(z.string()).meta({ description: 'Kinds of the identifiers that met.' }),
  state: z.enum(['open', 'merged', 'kept_apart']),
  createdAt: Instant,
})
export type IdentityConflict = z.infer<typeof IdentityConflict>

/** With both people, so that a list tells who they are. */
export const IdentityConflictPage = Page(
  IdentityConflict.extend({ person: PersonBrief, otherPerson: PersonBrief }),
)

export const IdentityConflictQuery = PageQuery.extend({
  state: z.enum(['open', 'merged', 'kept_apart']).default('open'),
})
