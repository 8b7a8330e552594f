import { z } from 'zod'
import { ModelMethod } from '#reports/model.schema.ts'
import { AttributionModel } from '#reports/lens.schema.ts'

const Part = z.number().min(0).max(1)

/** How close a model is expected to come to the causal truth on the data of this workspace. */
export const ExpectedAccuracy = z
  .object({
    expected: Part.meta({
      description:
        'One less half the distance between credited and true shares of won revenue, what would have come anyway included',
    }),
    low: Part,
    high: Part.meta({ description: 'Nine in ten data sets like this one lie from low to high' }),
    wrongAbout: z.string().meta({ description: 'What the model is known to get wrong' }),
  })
  .meta({
    description:
      'Measured on simulated companies whose truth is known, of the kinds that fit these data',
  })
export type ExpectedAccuracy = z.output<typeof ExpectedAccuracy>

export const AccuracyCard = z.object({
  profile: z.object({
    touches: z.int(),
    conversions: z.int().meta({ description: 'Won deals' }),
    channels: z.int().meta({ description: 'Channels with a touch' }),
    contactsPerAccount: z.number().meta({ description: 'People of a won deal, on average' }),
    holdouts: z.int().meta({ description: 'Channels with a random holdout' }),
    directShare: Part.meta({ description: 'Touches that came without marketing, of all' }),
  }),
  kinds: z
    .array(z.string())
    .meta({ description: 'Kinds of company that data like these could be of' }),
  recommended: z.object({
    method: ModelMethod,
    reason: z.string(),
    keptAs: z.array(AttributionModel).meta({
      description: 'Models of the ledger that use it; none: publish one to have its credit kept',
    }),
  }),
  models: z.array(
    z.object({
      model: AttributionModel,
      name: z.string(),
      method: ModelMethod,
      accuracy: ExpectedAccuracy.nullable().meta({
        description: 'Null: the method was not measured, such as weights of your own',
      }),
    }),
  ),
})
export type AccuracyCard = z.output<typeof AccuracyCard>
