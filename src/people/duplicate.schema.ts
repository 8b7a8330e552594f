import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

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
})
export type PersonDuplicate = z.infer<typeof PersonDuplicate>
export const PersonDuplicatePage = Page(PersonDuplicate)

export const PersonDuplicateQuery = PageQuery.extend({
  status: z.enum(['open', 'dismissed']).default('open'),
  minConfidence: z.coerce.number().min(0).max(1).default(0),
  personId: Id('per').optional().meta({ description: 'Only pairs with this person.' }),
})

export const PersonDuplicatePath = z.object({ duplicateId: Id('dup') })
