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

/** Pairs that one request merges. */
export const MOST_PAIRS = 100

export const MergeDuplicate = z.strictObject({
  duplicateId: Id('dup'),
  intoId: Id('per').optional().meta({
    description:
      'Who of the two stays. Without it the first of the pair, unless only the other can stand for both.',
  }),
})

export const DuplicateMerge = z.object({
  id: Id('dup'),
  personId: Id('per'),
  otherPersonId: Id('per'),
  result: z.enum(['merged', 'together', 'already_one']).meta({
    description:
      'merged: by `mergeId`; together: other pairs of the request make them one; already_one: they were before.',
  }),
  mergeId: Id('mrg').nullable().meta({ description: 'What is undone to have this one back.' }),
  intoId: Id('per').meta({ description: 'Who stands for both now.' }),
  fromId: Id('per').nullable().meta({ description: 'Who went in.' }),
  moved: Moved.nullable(),
  isShared: z.boolean().meta({
    description:
      'Other pairs of the request name these people too: all of them went into `intoId`, and are undone latest first.',
  }),
})
export type DuplicateMerge = z.infer<typeof DuplicateMerge>

export const PreviewDuplicateMerges = z.object({
  pairs: z
    .string()
    .max(8000)
    .regex(/^dup_[0-9a-z]+(?::per_[0-9a-z]+)?(?:,dup_[0-9a-z]+(?::per_[0-9a-z]+)?){0,99}$/)
    .meta({
      description: 'At most 100, by comma; who of a pair stays can follow a colon.',
      example: 'dup_0196,dup_0197:per_0198',
    }),
})

export const DuplicateMergePreview = z.object({
  id: Id('dup'),
  personId: Id('per').nullable(),
  otherPersonId: Id('per').nullable(),
  confidence: z.number().nullable(),
  result: z.enum(['merge', 'together', 'already_one', 'refused']).meta({
    description:
      'merge: `from` would go into `into`; together: the other pairs make them one; already_one: nothing is to be done.',
  }),
  refusal: z.string().nullable(),
  isShared: z.boolean().meta({ description: 'Other pairs of these name its people too.' }),
  into: PersonBrief.nullable(),
  from: PersonBrief.nullable(),
  differs: z.array(
    z.object({
      field: z.string(),
      stays: z.unknown().meta({ personal: 'custom' }),
      setAside: z.unknown().meta({ personal: 'custom' }),
    }),
  ),
  differing: z.int().meta({ description: 'How many values differ; `differs` holds some.' }),
  fills: z.int().meta({ description: 'Gaps of who stays that are filled.' }),
})
export type DuplicateMergePreview = z.infer<typeof DuplicateMergePreview>

export const DuplicateMergePreviews = z.object({ data: z.array(DuplicateMergePreview) })

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
