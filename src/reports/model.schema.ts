import { z } from 'zod'
import { Instant } from '#core/time.ts'
import { AttributionModel } from '#reports/lens.schema.ts'

const Share = z.number().min(0).max(1000)

/** What credit is divided by. Rules look at one journey; fitted methods learn from all of them first. */
export const ModelMethod = z.enum([
  'first',
  'last',
  'last_non_direct',
  'linear',
  'position',
  'time_decay',
  'w_shaped',
  'full_path',
  'custom',
  'shapley',
  'markov',
  'markov_shapley',
  'data_driven',
])
export type ModelMethod = z.infer<typeof ModelMethod>

/** Methods that are fitted to the journeys of the workspace. */
const FITTED = ['markov', 'markov_shapley', 'data_driven'] as const
export type FittedMethod = (typeof FITTED)[number]

export function isFittedMethod(method: ModelMethod): method is FittedMethod {
  return (FITTED as readonly string[]).includes(method)
}

export const ModelParameters = z
  .strictObject({
    halfLifeDays: z
      .number()
      .positive()
      .max(3650)
      .optional()
      .meta({ description: 'time_decay: credit halves with every so many days; 7 unless given' }),
    directChannel: z.string().min(1).max(60).optional().meta({
      description: 'last_non_direct: the channel that is passed over; direct unless given',
    }),
    milestones: z
      .array(Share)
      .min(2)
      .max(10)
      .optional()
      .meta({
        description:
          'custom: weights of the first touch, of milestones between, and of the last touch. With four, those between are the ' +
          'touches that led to the lead and to the deal; with others they are spread evenly.',
      }),
    rest: Share.optional().meta({
      description: 'custom: the weight of all other touches together',
    }),
    order: z
      .int()
      .min(1)
      .max(4)
      .optional()
      .meta({ description: 'markov: how many touches a state remembers; 1 unless given' }),
  })
  .meta({ description: 'Settings of the method; those of other methods are refused' })
export type ModelParameters = z.infer<typeof ModelParameters>

export const JourneyUnit = z.enum(['account', 'person']).meta({
  description:
    'account: the touches of all people of a deal are one journey. person: each of its people with a touch in the window gets ' +
    'the same part of the deal, divided within that person.',
})

/** A model as a caller defines it. */
export const ModelDefinition = z.object({
  name: z.string().trim().min(1).max(100),
  method: ModelMethod,
  journey: JourneyUnit.default('account'),
  parameters: ModelParameters.default({}),
})
export type ModelDefinition = z.output<typeof ModelDefinition>

/** Which data a fit saw. */
export const DataProfile = z.object({
  journeys: z.int(),
  wonJourneys: z.int(),
  touches: z.int(),
  channels: z.int(),
  firstTouchAt: Instant.nullable(),
  lastTouchAt: Instant.nullable(),
})
export type DataProfile = z.output<typeof DataProfile>

export const ModelFit = z.object({
  id: z.string(),
  fittedAt: Instant,
  durationMs: z.int(),
  profile: DataProfile,
})

/** A version of a model. */
export const Model = ModelDefinition.extend({
  model: AttributionModel,
  version: z.int(),
  publishedAt: Instant,
  publishedBy: z.string().nullable(),
  retiredAt: Instant.nullable(),
  isFitted: z.boolean().nullable().meta({ description: 'Null for rules, which need no fit' }),
  hasBaseline: z.boolean().meta({
    description: 'The model says what would have come anyway; that part is no channel’s credit',
  }),
  fit: ModelFit.nullable(),
})

export const ModelList = z.object({ data: z.array(Model), nextCursor: z.string().nullable() })
export const ModelPath = z.object({ model: AttributionModel })
export const PutModel = ModelDefinition.extend(ModelPath.shape)
