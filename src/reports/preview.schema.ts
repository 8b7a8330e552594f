import { z } from 'zod'
import { CurrencyCode } from '#core/money.ts'
import {
  AttributionModel,
  AttributionWindow,
  Freshness,
  isPeriodSound,
  PERIOD_FAULT,
  PeriodQuery,
} from '#reports/lens.schema.ts'
import { ModelDefinition } from '#reports/model.schema.ts'

/** A model that the ledger is kept for, or one that is not published. */
const PreviewModel = z.union([
  z.object({ model: AttributionModel }),
  z.object({ definition: ModelDefinition }),
])
const Side = z.object({ window: AttributionWindow.default('90') }).and(PreviewModel)

export const PreviewQuery = z
  .object({
    before: Side.default({ model: 'linear', window: '90' }).meta({
      description: 'A model of the workspace, or a definition; linear over 90 days unless given',
    }),
    after: Side.meta({ description: 'What would be instead; the window need not be kept' }),
    ...PeriodQuery.shape,
    currency: CurrencyCode.optional(),
    deals: z.int().min(0).max(100).default(20).meta({ description: 'How many deals to list' }),
    campaigns: z.int().min(0).max(500).default(50).meta({ description: 'How many campaigns' }),
  })
  .refine(isPeriodSound, { error: PERIOD_FAULT, path: ['to'] })
export type PreviewQuery = z.output<typeof PreviewQuery>

const Moved = z.object({ beforeMinor: z.int(), afterMinor: z.int(), deltaMinor: z.int() })

/** What would move; nothing is stored. Channels, baseline and uncredited sum to all that was won, before and after. */
export const Preview = z.object({
  currency: CurrencyCode,
  deals: z.int(),
  touches: z.int(),
  wonMinor: z.int(),
  movedMinor: z.int().meta({ description: 'How much changes hands, each amount counted once' }),
  movedDeals: z.int().meta({ description: 'Deals of which at least a cent changes hands' }),
  baseline: Moved,
  uncredited: Moved,
  channels: z.array(Moved.extend({ channel: z.string() })),
  campaigns: z
    .array(Moved.extend({ campaignId: z.string().nullable(), name: z.string() }))
    .meta({ description: 'Those that move most first; campaignId null: touches without one' }),
  otherCampaigns: Moved.meta({ description: 'All campaigns that are not listed' }),
  mostMoved: z.array(
    z.object({
      opportunityId: z.string(),
      amountMinor: z.int(),
      movedMinor: z.int(),
      receipt: z.string(),
    }),
  ),
  freshness: Freshness,
})
export type Preview = z.output<typeof Preview>
