import { z } from 'zod'
import { AsOf, isPeriodSound, Lens, LensQuery, PERIOD_FAULT, Won } from '#reports/lens.schema.ts'
import { ExpectedAccuracy } from '#reports/accuracy.schema.ts'
import { JourneyUnit, ModelFit, ModelMethod } from '#reports/model.schema.ts'

export const CompareQuery = LensQuery.extend({
  ...AsOf.shape,
  by: z.enum(['channel', 'campaign']).default('channel'),
  limit: z.coerce.number().int().min(1).max(200).default(50).meta({ description: 'Rows' }),
}).refine(isPeriodSound, { error: PERIOD_FAULT, path: ['to'] })

const Cell = z.object({
  model: z.string(),
  creditedMinor: z.int(),
  deals: z.number(),
  share: z.number().nullable().meta({ description: 'Of all that the model credits to touches' }),
  rank: z.int().meta({ description: '1 for the most credit; the same credit, the same rank' }),
  interval: z.object({ low: z.number(), high: z.number() }).nullable().meta({
    description:
      '90 % interval of the share in the data of the fit, by bootstrap over journeys; null where the model has none',
  }),
})

/** All models side by side. */
export const Comparison = Lens.extend({
  by: z.enum(['channel', 'campaign']),
  models: z.array(
    z.object({
      model: z.string(),
      name: z.string(),
      method: ModelMethod,
      journey: JourneyUnit,
      version: z.int(),
      fit: ModelFit.nullable(),
      accuracy: ExpectedAccuracy.nullable().meta({
        description: 'On data like these; null: the method was not measured',
      }),
      baselineMinor: z.int().meta({ description: 'What would have come anyway; no row’s credit' }),
      kind: z.enum(['rule', 'fitted']).meta({
        description: 'A rule is exact bookkeeping and claims no effect, so it has no interval',
      }),
    }),
  ),
  rows: z.array(
    z.object({
      key: z.string().nullable().meta({ description: 'Null: touches without a campaign' }),
      label: z.string(),
      cells: z.array(Cell),
      spreadMinor: z.int().meta({ description: 'Most less least credit over the models' }),
      rankChange: z.int().meta({ description: 'Lowest less highest rank over the models' }),
    }),
  ),
  agreement: z
    .array(z.object({ model: z.string(), other: z.string(), sharedCredit: z.number() }))
    .meta({
      description:
        'For each pair of models the part of credit that both give to the same rows, in [0, 1]',
    }),
  workspace: Won,
})
export type Comparison = z.output<typeof Comparison>
