import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

export const RequestKind = z.enum(['access', 'rectification', 'erasure']).meta({
  description:
    'access: what is held of the person. rectification: that it is put right. erasure: that it is taken away; both here and in every connected system',
})

const Text = z.string().trim().min(1).max(200).nullable().optional()

/** What is to be put right; null takes a value away. */
export const PersonalChanges = z.strictObject({
  email: z
    .string()
    .trim()
    .pipe(z.email().max(254))
    .optional()
    .meta({ description: 'Takes the place of the address that the person is known by' }),
  firstName: Text,
  lastName: Text,
  phone: z.string().trim().min(3).max(50).nullable().optional(),
  jobTitle: Text,
  company: Text,
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'An ISO 3166-1 alpha-2 code, such as DE.')
    .nullable()
    .optional(),
})

export const NewPrivacyRequest = z.object({
  kind: RequestKind,
  personId: Id('per'),
  changes: PersonalChanges.optional().meta({
    personal: 'correction',
    description: 'Of a rectification: the fields that are wrong, as they should be',
  }),
  note: z.string().trim().min(1).max(1000).meta({
    description:
      'How the request came and how identity was proved. No personal data: it outlives an erasure',
  }),
})

export const PrivacyRequest = z.object({
  id: Id('prq'),
  kind: RequestKind,
  personId: Id('per'),
  note: z.string(),
  fields: z.array(z.string()).nullable().meta({ description: 'What is to be put right, by name' }),
  state: z.enum(['received', 'refused', 'approved', 'waiting', 'done']).meta({
    description:
      'approved: the export may be read. waiting: done here, a connected system does not have it yet. done: here and there',
  }),
  requestedBy: z.string(),
  requestedAt: Instant,
  dueAt: Instant.meta({ description: 'A month after it came: GDPR, article 12(3)' }),
  decidedBy: z.string().nullable(),
  decidedAt: Instant.nullable(),
  decision: z.string().nullable().meta({ description: 'Why it was refused' }),
  version: z.int(),
})
export type PrivacyRequest = z.output<typeof PrivacyRequest>

export const PrivacyRequestDetail = PrivacyRequest.extend({
  erased: z.record(z.string(), z.int()).nullable().meta({ description: 'Rows by table, here' }),
  changes: z
    .record(z.string(), z.string().nullable())
    .nullable()
    .meta({ personal: 'correction', description: 'What is to be put right, as it should be' }),
  before: z.record(z.string(), z.unknown()).nullable().meta({
    personal: 'correction',
    description: 'What stood before it was put right, by kind of record; until an erasure',
  }),
  receipts: z
    .array(
      z.object({
        connectionId: Id('con'),
        system: z.string(),
        entity: z.string(),
        externalId: z.string(),
        state: z.enum(['waiting', 'done', 'by_hand']),
        attempts: z.int(),
        nextAttemptAt: Instant.nullable(),
        detail: z.string().nullable().meta({ description: 'What the system said' }),
        doneAt: Instant.nullable(),
      }),
    )
    .meta({ description: 'One for each record in a connected system; 200 at most' }),
  remains: z
    .array(z.string())
    .meta({ description: 'What an erasure does not reach, and until when' }),
})

export const PrivacyRequestPath = z.object({ requestId: Id('prq') })
export const PrivacyRequestQuery = PageQuery.extend({
  kind: RequestKind.optional(),
  personId: Id('per').optional(),
})
export const PrivacyRequestPage = Page(PrivacyRequest)
export const RefusePrivacyRequest = PrivacyRequestPath.extend({
  reason: z.string().trim().min(1).max(1000),
})

export const HeldData = z.object({
  requestId: Id('prq'),
  at: Instant,
  limit: z
    .int()
    .meta({ description: 'Of each kind of record at most so many are listed, the newest' }),
  held: z
    .record(z.string(), z.unknown())
    .meta({ personal: 'export', description: 'By kind of record, as the modules keep it' }),
})
