import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { PersonBrief } from './person.schema.ts'

/** Why two people are not one. */
export const DismissalReason = z.enum([
  'different_people',
  'shared_address',
  'shared_phone',
  'test_data',
  'other',
])

export const PersonDuplicate = z.object({
  id: Id('dup'),
  personId: Id('per'),
  otherPersonId: Id('per'),
  confidence: z.number().min(0).max(1),
  reasons: z.array(z.string()).meta({
    description:
      'email_variant, email_near, name_and_company, name_and_domain, phone, outer_id, identifiers_met; names_differ speaks against it.',
  }),
  status: z.enum(['open', 'dismissed']),
  foundAt: Instant,
  decidedBy: z.string().nullable(),
  decidedAt: Instant.nullable(),
  reason: DismissalReason.nullable().meta({
    description: 'Why it was dismissed, if that was said.',
  }),
})
export type PersonDuplicate = z.infer<typeof PersonDuplicate>

/** With both people, so that a list tells who they are. */
export const PersonDuplicatePage = Page(
  PersonDuplicate.extend({ person: PersonBrief, otherPerson: PersonBrief }),
)

export const PersonDuplicateQuery = PageQuery.extend({
  status: z.enum(['open', 'dismissed']).default('open'),
  minConfidence: z.coerce.number().min(0).max(1).default(0),
  personId: Id('per').optional().meta({ description: 'Only pairs with this person.' }),
})

export const DismissDuplicate = z.object({
  duplicateId: Id('dup'),
  reason: DismissalReason.optional(),
})

export const DismissDuplicates = z.object({
  duplicateIds: z.array(Id('dup')).min(1).max(200),
  reason: DismissalReason.optional(),
})

export const DuplicatesDismissed = z.object({
  dismissed: z
    .int()
    .meta({ description: 'How many were open; what was dismissed before stays as it was.' }),
})
