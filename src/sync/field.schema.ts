import { z } from 'zod'
import { Instant } from '#core/time.ts'
import { FieldValueSchema } from './conflict.schema.ts'
import { ConnectionId } from './connection.schema.ts'

export const Policy = z
  .enum(['prefer_hub', 'prefer_crm', 'prefer_crm_unless_blank', 'latest', 'ask', 'off'])
  .meta({
    description:
      'Who wins when both sides changed the field. latest: whoever changed it last. ask: the conflict inbox. off: the field is not synced.',
  })
export const Direction = z.enum(['pull', 'push', 'both'])

export const FieldKind = z.enum([
  'text',
  'long_text',
  'number',
  'money',
  'boolean',
  'date',
  'datetime',
  'choice',
  'choices',
  'email',
  'phone',
  'url',
  'reference',
  'other',
])

export const Transform = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('lower') }),
  z.strictObject({
    kind: z.literal('map'),
    pairs: z.array(z.tuple([z.string().max(500), z.string().max(500)])).max(500),
  }),
  z.strictObject({ kind: z.literal('minor'), digits: z.int().min(0).max(4) }),
])

export const StreamRef = z.object({ connectionId: ConnectionId, stream: z.string().max(100) })
export const FieldRef = StreamRef.extend({ field: z.string().min(1).max(200) })

export const FieldMappingView = z.object({
  field: z.string(),
  label: z.string(),
  type: FieldKind,
  properties: z.array(z.string()).meta({ description: 'The CRM’s names' }),
  property: z
    .string()
    .nullable()
    .meta({ description: 'Chosen by the workspace; null: the connector’s own' }),
  ownProperties: z
    .array(z.string())
    .meta({ description: 'The connector’s own; empty: it has none for this field' }),
  direction: Direction,
  policy: Policy,
  policyText: z.string().meta({ description: 'What the policy does, in plain language' }),
  isCritical: z.boolean(),
  isComputed: z.boolean(),
  isCustom: z.boolean().meta({ description: 'Mapped by the workspace' }),
  transform: Transform,
  version: z.int().meta({ description: '0: as the connector brings it' }),
})
export type FieldMappingView = z.infer<typeof FieldMappingView>
export const FieldMappings = z.object({
  data: z.array(FieldMappingView),
  unmapped: z
    .array(
      z.object({ field: z.string(), label: z.string(), type: FieldKind, isComputed: z.boolean() }),
    )
    .meta({ description: 'Fields of the hub that go nowhere yet and could be mapped' }),
  nextCursor: z.null(),
})

export const VendorFields = z.object({
  data: z.array(
    z.object({
      name: z.string(),
      label: z.string(),
      type: FieldKind,
      options: z.array(z.object({ value: z.string(), label: z.string() })).nullable(),
      writable: z.boolean(),
      unique: z.boolean(),
      required: z.boolean(),
      custom: z.boolean(),
      mappedTo: z.string().nullable().meta({ description: 'The field of the hub, if any' }),
    }),
  ),
  nextCursor: z.null(),
})

export const FieldRuleChange = FieldRef.extend({
  property: z
    .string()
    .min(1)
    .max(200)
    .nullable()
    .default(null)
    .meta({ description: 'The CRM’s property; null leaves the connector’s own mapping' }),
  direction: Direction.nullable().default(null),
  policy: Policy.nullable().default(null),
  transform: Transform.default({ kind: 'none' }),
})

export const PreviewRequest = StreamRef.extend({
  rule: FieldRuleChange.omit({ connectionId: true, stream: true })
    .nullable()
    .default(null)
    .meta({ description: 'A mapping to try; null: the mappings as they are' }),
})
export const MappingPreview = z.object({
  records: z.array(
    z.object({
      localId: z.string(),
      externalId: z.string(),
      fields: z.array(
        z.object({
          field: z.string(),
          hub: FieldValueSchema,
          crm: FieldValueSchema.meta({ description: 'In the hub’s form, after the transform' }),
          raw: FieldValueSchema.meta({
            description: 'As the CRM has it, where one property alone is mapped',
          }),
          outcome: z.enum(['same', 'hub', 'crm', 'ask']).meta({
            description:
              'What the next run would do: nothing; write the hub’s value there; take in the CRM’s; ask a person',
          }),
        }),
      ),
    }),
  ),
})

export const RehearsalQuery = FieldRef.extend({
  policy: Policy,
  direction: Direction.optional(),
  days: z.coerce.number().int().min(1).max(366).default(92).meta({ description: 'How far back' }),
})
const Outcome = z.enum(['hub', 'crm', 'ask', 'unsynced'])
export const RehearsalView = z.object({
  from: Instant,
  changes: z.int(),
  records: z.int(),
  isCutOff: z.boolean(),
  moved: z.array(z.object({ from: Outcome, to: Outcome, count: z.int() })),
  hubDiffers: z
    .int()
    .meta({ description: 'Decisions after which the hub would hold another value' }),
  crmDiffers: z.int(),
  asked: z.object({ before: z.int(), after: z.int() }),
  examples: z.array(
    z.object({
      at: Instant,
      localId: z.string(),
      externalId: z.string(),
      from: Outcome,
      to: Outcome,
      hub: FieldValueSchema,
      crm: FieldValueSchema,
    }),
  ),
})
