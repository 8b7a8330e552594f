import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { ConsentStatus, PersonBrief } from './person.schema.ts'

const Moved = z.object({
  touchpoints: z.int(),
  identities: z.int(),
  consents: z.int(),
  leads: z.int(),
  opportunities: z.int(),
})
export type Moved = z.infer<typeof Moved>

export const PersonMerge = z.object({
  id: Id('mrg'),
  fromId: Id('per').meta({ description: 'The person that went into the other.' }),
  intoId: Id('per').meta({ description: 'The person that stands for both.' }),
  moved: Moved.meta({ description: 'Records that came to the other person, when it was made.' }),
  mergedBy: z.string(),
  mergedAt: Instant,
  undoneBy: z.string().nullable(),
  undoneAt: Instant.nullable(),
})
export type PersonMerge = z.infer<typeof PersonMerge>

/** With both people; of who went in, what was set aside while the merge holds. */
export const PersonMergePage = Page(PersonMerge.extend({ from: PersonBrief, into: PersonBrief }))

export const MergePersonInput = z.strictObject({
  personId: Id('per').meta({ description: 'The person that stays.' }),
  with: Id('per').meta({ description: 'The person that goes into it.' }),
})

export const MergePath = z.object({ mergeId: Id('mrg') })

export const PersonMergeQuery = PageQuery.extend({
  personId: Id('per')
    .optional()
    .meta({ description: 'Only merges of this person, as either side.' }),
  state: z.enum(['all', 'merged', 'undone']).default('all'),
})

export const MergePreview = z.object({
  intoId: Id('per'),
  fromId: Id('per'),
  refusal: z
    .string()
    .nullable()
    .meta({ description: 'Why they cannot be merged; null: they can.' }),
  values: z.array(
    z.object({
      field: z.string(),
      stays: z.unknown().meta({ personal: 'custom' }),
      source: z.enum(['into', 'from']).meta({ description: 'Whose value stays.' }),
      setAside: z
        .unknown()
        .meta({ personal: 'custom', description: 'The other value, kept for undoing.' }),
    }),
  ),
  moves: Moved,
  consents: z.array(
    z.object({
      purpose: z.string(),
      channel: z.string(),
      into: ConsentStatus.nullable(),
      from: ConsentStatus.nullable(),
      after: ConsentStatus.meta({ description: 'The more restrictive of the two.' }),
    }),
  ),
})
export type MergePreview = z.infer<typeof MergePreview>
